"""What a measurement yields: named figures of one section, kept as JSON in `benchmarks/out`.

A figure's key says what was measured and in which unit (`…_ms`, `…_per_s`); the same key in the section of a peer means
the same measurement, which is how the table of comparison finds its columns.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `n` says how many observations it stands on."""

    value: float
    n: int = 1
    note: str = ""


@dataclass(slots=True)
class Section:
    """The figures of one section of one run, with the machine on which they were taken."""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    notes: list[str] = field(default_factory=list[str])
    at: str = ""
    seconds: float = 0.0
    machine: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def spread(self, key: str, seconds: Sequence[float], note: str = "") -> None:
        """Median, 99th percentile and least of durations, in milliseconds."""
        for name, value in (
            ("p50", statistics.median(seconds)),
            ("p99", percentile(seconds, 0.99)),
            ("min", min(seconds)),
        ):
            self.figures[f"{key}.{name}_ms"] = Figure(round(value * 1000, 2), len(seconds), note)

    def rate(self, key: str, rates: Sequence[float], note: str = "") -> None:
        """The median of repeated rates."""
        self.figures[f"{key}_per_s"] = Figure(round(statistics.median(rates), 1), len(rates), note)


class NotHere(Exception):
    """A section cannot be measured on this machine; `str(error)` says why."""


def begin(name: str) -> Section:
    """An empty section that carries the present time and the state of the machine."""
    return Section(name=name, at=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), machine=machine.facts())


def save(section: Section) -> None:
    OUT.mkdir(exist_ok=True)
    (OUT / f"{section.name}.json").write_text(json.dumps(asdict(section), indent=1) + "\n")


def load() -> dict[str, Section]:
    """The last result of each section."""
    sections: dict[str, Section] = {}
    for path in sorted(OUT.glob("*.json")):
        raw = json.loads(path.read_text())
        raw["figures"] = {key: Figure(**figure) for key, figure in raw["figures"].items()}
        sections[raw["name"]] = Section(**raw)
    return sections


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest observation that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
