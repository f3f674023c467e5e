"""Which elements of arrays stand in the scheduler's line.

Of each unfinished array the first waiting elements are lined up, as many as may run now and at most `LINED_UP`: a
long array costs little memory, and its running limit holds because no more are lined up than may start. As elements
start, the next ones follow; they have the turn of their array, so nothing that was submitted later is before them.

What is lined up follows from the array's row and from which of its elements with a row have not ended, nothing else,
so it is the same after a restart. An array whose last element has ended is named to `on_complete`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lilac.model.arrays import JobArray, array_of, element_id
from lilac.model.ids import JobId
from lilac.model.indices import NOTHING, IndexSet
from lilac.model.jobs import Job
from lilac.model.states import is_terminal
from lilac.scheduling import Board, Shape, WaitingJob

LINED_UP = 1000


@dataclass(slots=True)
class ArrayLine:
    """One unfinished array."""

    array: JobArray
    shape: Shape
    live: set[int] = field(default_factory=set[int])
    """Elements with a row that have not ended: they count against the running limit."""
    lined_up: IndexSet = NOTHING

    @property
    def room(self) -> int:
        """How many more elements may be in line."""
        limit = self.array.running_limit
        return LINED_UP if limit is None else min(LINED_UP, max(0, limit - len(self.live)))

    @property
    def behind(self) -> IndexSet:
        """Elements that wait without standing in line."""
        return self.array.waiting - self.lined_up


class ArrayLines:
    """All unfinished arrays, by id."""

    def __init__(self, board: Board, shape_of: Callable[[Job], Shape]) -> None:
        self._board = board
        self._shape_of = shape_of
        self.lines: dict[JobId, ArrayLine] = {}
        self.on_complete: Callable[[JobId], None] = lambda array_id: None

    def put(self, array: JobArray) -> None:
        """Take in an array as it is now."""
        line = self.lines.get(array.id)
        if line is None:
            if array.finished_at is not None:
                return
            line = self.lines[array.id] = ArrayLine(array, self._shape_of(array.an_element()))
        line.array = array
        self._line_up(line)
        if array.finished_at is not None:
            del self.lines[array.id]

    def note(self, job: Job) -> None:
        """Take in a row that may be an element's, as it is now."""
        if job.array_id is None or job.array_index is None:
            return
        line = self.lines.get(job.array_id)
        if line is None:
            return
        if is_terminal(job.state):
            line.live.discard(job.array_index)
        else:
            line.live.add(job.array_index)
        self._line_up(line)

    def note_waiting(self, job_id: JobId) -> None:
        """Take in that there is an element of this id with a row that waits."""
        named = array_of(job_id)
        line = self.lines.get(named[0]) if named is not None else None
        if named is not None and line is not None and line.array.has(named[1]):
            line.live.add(named[1])
            self._line_up(line)

    def line_of(self, job: Job) -> ArrayLine | None:
        return self.lines.get(job.array_id) if job.array_id is not None else None

    def _line_up(self, line: ArrayLine) -> None:
        array = line.array
        over = array.finished_at is not None or array.held is not None
        wanted = NOTHING if over else array.waiting.first(line.room)
        if wanted != line.lined_up:
            for index in line.lined_up - wanted:
                if index not in line.live:
                    self._board.withdraw(element_id(array.id, index))
            for index in wanted - line.lined_up:
                self._board.submit(
                    WaitingJob(
                        id=element_id(array.id, index),
                        seq=array.seq,
                        priority=array.spec.priority,
                        submitted_at=array.submitted_at,
                        shape=line.shape,
                        owner_id=array.owner_id,
                    )
                )
            line.lined_up = wanted
        if not array.waiting.ranges and not line.live and array.finished_at is None:
            self.on_complete(array.id)
