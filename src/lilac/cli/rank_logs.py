"""The output of several replicas in one: each line behind its rank, on terminals in a colour of the rank's own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lilac.cli.output import note, paint
from lilac.model.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.jobs import LogPart
    from lilac.client.shapes import Job
    from lilac.model.errors import Unavailable

MOST_FOLLOWED = 100
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_magenta")
_LONGEST_LINE = 64 * 1024
_HIGHEST = 100_000


@dataclass(frozen=True, slots=True)
class Ranks:
    """`asked` None is all, also those that come later; `known` are there now; `one` is the only one that is wanted."""

    asked: Collection[int] | None
    known: Sequence[int]
    one: int | None


ALL = Ranks(None, (), None)


def ranks_of(text: str) -> Collection[int] | None:
    """`all` (None), or ranks such as `0`, `0,2-3`. Raises click's usage error."""
    if text == "all":
        return None
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:-(\d{1,6}))?\s*", part, re.ASCII)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high or high > _HIGHEST:
            raise click.BadParameter(f"{text!r} is neither `all` nor ranks such as 0 or 0,2-3.", param_hint="--rank")
        found |= set(range(low, high + 1))
    return sorted(found)


def choose(job: Job, attempt: int, asked: Collection[int] | None, *, may_grow: bool) -> Ranks:
    """Which replicas to show. Without `asked` a job with one replica is shown as it is.

    Raises:
        NotFound: an asked one is not there.
        InvalidInput: there are too many to be followed at once.
    """
    replicas = [one["replicas"] for one in job.get("attempts", []) if one["number"] == attempt]
    there = sorted(replica["rank"] for some in replicas for replica in some)
    if asked is not None:
        if there and (missing := sorted(set(asked) - set(there))):
            shown = f"0 to {there[-1]}" if there == list(range(len(there))) else ", ".join(map(str, there))
            raise NotFound(f"attempt {attempt} of {job['job_name']} has no rank {missing[0]}, only {shown}.")
        known = list(asked)
    else:
        known = there or [0]
    alone = len(known) == 1 and (asked is not None or not (may_grow and job.get("size", {"max": 1})["max"] > 1))
    count = len(known) if asked is not None or there else job.get("size", {"max": 1})["max"]
    if may_grow and count > MOST_FOLLOWED:
        raise InvalidInput(
            f"{job['job_name']} has {count} replicas, and {MOST_FOLLOWED} can be followed at once: "
            "choose some with --rank 0-99."
        )
    return Ranks(asked, known, known[0] if alone else None)


def stream(
    client: Client,
    job_id: str,
    *,
    ranks: Ranks,
    attempt: int | None = None,
    offset_of: Callable[[int, int], int] = lambda attempt, rank: 0,
) -> None:
    """Write the output of several replicas as it comes, until all of it is complete."""
    from lilac.cli.progress import Watch

    def interrupted(error: Unavailable) -> None:
        note(f"lilac: {str(error).rstrip('.')}; trying again.")

    lines = Lines(max(ranks.known, default=0))
    number: int | None = None
    with Watch(client, job_id) as watch:
        pieces = client.jobs.follow_ranks(
            job_id, ranks=ranks.asked, attempt=attempt, offset_of=offset_of, told=interrupted
        )
        for piece in pieces:
            watch.stop()
            if number not in (None, piece.attempt):
                lines.end()
                note(f"lilac: attempt {piece.attempt} begins.")
            number = piece.attempt
            lines.add(piece.rank, piece.data)
    lines.end()


def write(parts: Sequence[tuple[int, LogPart]]) -> None:
    """Write the output of one replica after the other."""
    lines = Lines(max(rank for rank, _ in parts))
    for rank, part in parts:
        lines.add(rank, part.data)
        lines.end()


class Lines:
    """Puts the pieces of each rank together to lines, and writes those behind their rank."""

    def __init__(self, highest: int) -> None:
        from lilac.cli.logs import binary_stdout

        self._out = binary_stdout()
        self._on_terminal = os.isatty(1)
        self._width = len(str(highest)) + 2
        self._open: dict[int, bytes] = {}

    def add(self, rank: int, data: bytes) -> None:
        *lines, rest = (self._open.get(rank, b"") + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        self._open[rank] = rest
        for line in lines:
            self._write(rank, line)
        self._out.flush()

    def end(self) -> None:
        """Write what ended without a newline."""
        for rank, rest in sorted(self._open.items()):
            if rest:
                self._write(rank, rest)
        self._open.clear()
        self._out.flush()

    def _write(self, rank: int, line: bytes) -> None:
        if self._on_terminal:
            # Of a line that was drawn over itself, such as a progress bar, what was seen last.
            line = line.rstrip(b"\r").rpartition(b"\r")[2]
        prefix = paint(f"[{rank}]".rjust(self._width), _COLOURS[rank % len(_COLOURS)])
        self._out.write(prefix.encode() + b" " + line + b"\n")
