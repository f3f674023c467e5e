"""Arrays: many jobs of one kind in one record.

An array holds one `JobSpec` and a set of indices. Each index is an *element*, a job of its own: it can be named,
shown, cancelled and waited for like any job. An element becomes a row of its own when it starts or is changed alone;
until then it is only an index in `waiting`, so a long array costs what a single job costs.

Ids: the last eight hexadecimal digits of an array's id are zeros, and those of element i are i + 1. So an element's
id names its array and index, and elements sort as their indices do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId, UserId
from lilac.model.indices import MOST_INDEX, MOST_RANGES, NOTHING, IndexSet
from lilac.model.jobs import Job, JobSpec
from lilac.model.states import FailureReason, Hold, JobState

MOST_ELEMENTS = 1_000_000
INDEX_VARIABLE = "LILAC_ARRAY_INDEX"
SIZE_VARIABLE = "LILAC_ARRAY_SIZE"
_ZEROS = "00000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobArray:
    """One request for many jobs, and what became of those that have no row of their own."""

    id: JobId
    seq: int
    """Of the same numbers as jobs': the turn of all its elements."""
    spec: JobSpec
    indices: IndexSet
    waiting: IndexSet
    """Elements without a row that are still to start."""
    cancelled: IndexSet = NOTHING
    """Elements without a row that never will."""
    running_limit: int | None = None
    """How many elements may run at once."""
    state: JobState
    owner_id: UserId | None
    submitted_at: float
    updated_at: float
    started_at: float | None = None
    finished_at: float | None = None
    reason: FailureReason | None = None
    message: str | None = None
    held: Hold | None = None
    """Why none of its elements is in line; None if they are."""
    retry_of: JobId | None = None
    counts: Mapping[JobState, int] = field(default_factory=dict[JobState, int])
    """How many elements are in each state, where somebody counted."""
    version: int = 0
    """Guards against two changes at once."""

    def evolve(self, **changes: Any) -> JobArray:
        return replace(self, **changes)

    def has(self, index: int) -> bool:
        return index in self.indices

    def row_of(self, index: int) -> Job:
        """An element without a row, as the row that it would be: waiting, or cancelled with the array."""
        gone = index in self.cancelled
        spec = self.spec
        env = {**spec.env, INDEX_VARIABLE: str(index), SIZE_VARIABLE: str(len(self.indices))}
        return Job(
            id=element_id(self.id, index),
            seq=0,
            spec=replace(spec, name=element_name(spec.name, index), env=env, after=()),
            state=JobState.CANCELLED if gone else JobState.QUEUED,
            owner_id=self.owner_id,
            submitted_at=self.submitted_at,
            updated_at=self.updated_at if gone else self.submitted_at,
            finished_at=self.updated_at if gone else None,
            reason=self.reason if gone else None,
            message=self.message if gone else None,
            waterfall={"submitted": self.submitted_at},
            held=None if gone else self.held,
            array_id=self.id,
            array_index=index,
            array_seq=self.seq,
        )

    def an_element(self) -> Job:
        """Any of its elements: all have the same shape."""
        return self.row_of(self.indices.ranges[0][0])

    def as_job(self) -> Job:
        """The array as one job, for lists."""
        return Job(
            id=self.id,
            seq=self.seq,
            spec=self.spec,
            state=self.state,
            owner_id=self.owner_id,
            submitted_at=self.submitted_at,
            updated_at=self.updated_at,
            started_at=self.started_at,
            finished_at=self.finished_at,
            reason=self.reason,
            message=self.message,
            held=self.held,
            retry_of=self.retry_of,
        )


def parse_array(text: str) -> tuple[IndexSet, int | None]:
    """The indices and how many may run at once, of `0-9999`, `1,3,5-9` or `0-99%10`.

    Raises:
        InvalidInput: it is none of these.
    """
    indices, percent, limit = text.partition("%")
    limit = limit.strip()
    if percent and not (limit.isascii() and limit.isdecimal() and 0 < int(limit[:12]) <= MOST_INDEX):
        raise InvalidInput("array: after % stands how many may run at once, such as 0-99%10.", field="array")
    return IndexSet.parse(indices, most=MOST_ELEMENTS, most_ranges=MOST_RANGES), int(limit[:12]) if percent else None


def array_text(array: JobArray) -> str:
    """The array as it is written."""
    return str(array.indices) + (f"%{array.running_limit}" if array.running_limit is not None else "")


def array_id_from(any_id: str) -> JobId:
    """An id that no job has, of an array: the given one with its end cut off."""
    return JobId(any_id[:-8] + _ZEROS)


def element_id(array_id: JobId, index: int) -> JobId:
    return JobId(f"{array_id[:-8]}{index + 1:08x}")


def element_name(name: str, index: int) -> str:
    return f"{name}[{index}]"


def array_of(job_id: JobId) -> tuple[JobId, int] | None:
    """The array and index that an id would name, if it is an element's; None for an array's own."""
    tail = job_id[-8:]
    return None if tail == _ZEROS else (JobId(job_id[:-8] + _ZEROS), int(tail, 16) - 1)


def is_array_id(job_id: str) -> bool:
    return job_id.endswith(_ZEROS)


def settled_state(counts: Mapping[JobState, int]) -> JobState:
    """What an array has become, once all its elements have ended."""
    if counts.get(JobState.FAILED):
        return JobState.FAILED
    if counts.get(JobState.CANCELLED):
        return JobState.CANCELLED
    return JobState.SUCCEEDED
