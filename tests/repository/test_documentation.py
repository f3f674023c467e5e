"""The documentation's links lead somewhere, and every page is reached from the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def pages() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield from (ROOT / "docs").rglob("*.md")
    yield from (ROOT / "src").rglob("README.md")
    yield from (ROOT / "benchmarks").rglob("*.md")


def links(page: Path) -> Iterator[Path]:
    for found in _LINK.finditer(page.read_text(encoding="utf-8")):
        if "://" not in found[1]:
            yield (page.parent / found[1]).resolve()


def test_every_link_leads_to_a_file() -> None:
    wrong = [f"{page.relative_to(ROOT)}: {link}" for page in pages() for link in links(page) if not link.exists()]
    assert wrong == []


def test_every_page_is_reached_from_the_index() -> None:
    listed = set(links(ROOT / "docs" / "README.md"))
    here = {page.resolve() for part in ("tutorial", "how-to", "reference", "explanation")
            for page in (ROOT / "docs" / part).glob("*.md")}  # fmt: skip
    assert {str(page.relative_to(ROOT)) for page in here - listed} == set()
