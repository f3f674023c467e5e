"""The web UI in a real browser, against a real control plane with real agents.

`browser` lives for one module, since playwright's loop and those of asynchronous tests exclude each other in one
thread. Each visit keeps what the browser complains about (console errors, failed scripts, breaches of the content
policy); a test whose browser complained fails, unless it says beforehand with `expect_complaint` what it provokes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.fixtures.browser import Platform, Visit, launched
from tests.fixtures.platform import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One module's tests follow each other on one worker: they share a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as chromium:
        yield chromium


@pytest.fixture
def make_platform(tmp_path: Path) -> Iterator[Callable[..., Platform]]:
    """Start control planes with settings of one's own; all are stopped at the end."""
    started: list[Platform] = []

    def make(**settings: str) -> Platform:
        directory = tmp_path / f"platform-{len(started)}"
        platform = Platform(directory, Server(directory / "server", settings=settings).start())
        started.append(platform)
        return platform

    yield make
    for platform in started:
        platform.stop()


@pytest.fixture
def platform(make_platform: Callable[..., Platform]) -> Platform:
    """A control plane with one agent, `node-1`, that runs processes."""
    made = make_platform()
    made.add_agent("node-1")
    return made


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """`visit(platform)` opens the browser of another person; `width`, `height`, `dark` say what it is like."""
    visits: list[Visit] = []

    def make(platform: Platform, *, width: int = 1400, height: int = 900, dark: bool = False) -> Visit:
        visits.append(Visit(browser, platform.address, width=width, height=height, dark=dark))
        return visits[-1]

    yield make
    complaints = [said for each in visits for said in each.unexpected()]
    for each in visits:
        each.context.close()
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def admin(platform: Platform, visit: Callable[..., Visit]) -> Visit:
    """The administrator, signed in, on the dashboard."""
    made = visit(platform)
    made.sign_in()
    return made
