"""Where a job's time went: one line for each step, with a bar on a common scale.

Two scales, because a start takes milliseconds and a run takes hours: the bars of the start are drawn against the time
from submission to the report that it runs, the run and what follows have numbers only. Stamps of one job come from
two clocks (node and control plane), so a step may seem to end before it began; its length is then shown as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lilac.cli.output import paint
from lilac.cli.wording import span

_START: Sequence[tuple[str, str]] = (
    ("planned", "planned"),
    ("assigned", "assigned"),
    ("received", "received"),
    ("pull_started", ""),
    ("pull_finished", "image pull"),
    ("created", "created"),
    ("started", "started"),
    ("running_reported", "running reported"),
)
_END: Sequence[tuple[str, str]] = (("exited", "ran"), ("finished", "end recorded"))
_WIDTH = 40
_BESIDE = 43
"""Columns of a line that are not its bar, with an indent of two."""


def waterfall(times: Mapping[str, float], *, columns: int = 200) -> list[str]:
    """The lines, without a heading, for an indent of two on a terminal of `columns`; none where nothing is known."""
    width = max(10, min(_WIDTH, columns - _BESIDE))
    begin = times.get("submitted")
    if begin is None or len(times) < 2:
        return []
    steps = [(label, times[name]) for name, label in _START if name in times]
    total = max([at - begin for _, at in steps] or [0.0])
    lines: list[str] = []
    previous = begin
    for label, at in steps:
        at = max(at, previous)
        if label:
            bar = _bar(previous - begin, at - begin, total, width)
            lines.append(_line(label, at - begin, at - previous, bar))
        previous = at
    started = times.get("started", previous)
    for name, label in _END:
        if name not in times:
            continue
        since = started if name == "exited" else max(previous, started)
        at = max(times[name], since)
        lines.append(_line(label, at - begin, at - since, " " * width))
        previous = at
    return lines


def _line(label: str, offset_s: float, length_s: float, bar: str) -> str:
    return f"{label:<17}{_exact(length_s):>10}  {bar}  {'+' + _exact(offset_s):>10}"


def _bar(begin_s: float, end_s: float, total_s: float, width: int) -> str:
    """A bar at its place on the scale, with blanks up to the full width."""
    if total_s <= 0:
        return " " * width
    left = min(round(begin_s / total_s * width), width - 1)
    right = max(round(end_s / total_s * width), left + 1)
    return " " * left + paint("█" * (right - left), "cyan") + " " * (width - right)


def _exact(seconds: float) -> str:
    """Milliseconds below ten seconds, the usual units above."""
    return f"{seconds * 1000:.1f} ms" if seconds < 9.9995 else span(seconds)
