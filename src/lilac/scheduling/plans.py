"""What the scheduler answers: a plan, to be applied by whoever asked.

A plan is a value. It says what to start, grow, shrink and preempt now, and why everything else waits. The reasons are
worked out when they are asked for, from the plan's own copy of the state, so a pass that nobody questions does not
pay for its explanations; asked for early or late, they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lilac.model.ids import JobId, NodeId, UserId
from lilac.scheduling.limiting import Limited
from lilac.scheduling.line import GroupKey
from lilac.scheduling.reasons import Reason
from lilac.scheduling.views import Shape, WaitingJob


@dataclass(frozen=True, slots=True)
class Placement:
    """One replica, its node, and the GPUs it gets there."""

    rank: int
    node_id: NodeId
    gpu_uuids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Start a waiting job, with ranks from 0 on."""

    job_id: JobId
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Grow:
    """Give a running elastic job more replicas."""

    job_id: JobId
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class Shrink:
    """Take replicas from a running elastic job; at least its minimum stays."""

    job_id: JobId
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Preempt:
    """Stop a running job so that one of higher priority can start, and put it back in line."""

    job_id: JobId


class Reasons(Mapping[Shape, Reason]):
    """Why each shape of waiting jobs waits, worked out on first asking.

    `heads` tells for each shape which job stood first when it could not start, `limited` which groups a limit stopped;
    `diagnose(shape, owner_id, head)` gives the reason for that job, or for those behind it.
    """

    __slots__ = ("_cache", "_diagnose", "_heads", "_limited", "_started")

    def __init__(
        self,
        heads: Mapping[Shape, JobId],
        limited: Mapping[GroupKey, Limited],
        started: frozenset[JobId],
        diagnose: Callable[[Shape, UserId | None, bool], Reason],
    ) -> None:
        self._heads = heads
        self._limited = limited
        self._started = started
        self._diagnose = diagnose
        self._cache: dict[tuple[Shape, UserId | None, bool], Reason] = {}

    def __getitem__(self, shape: Shape) -> Reason:
        if shape not in self._heads:
            raise KeyError(shape)
        return self._reason(shape, None, head=True)

    def __iter__(self) -> Iterator[Shape]:
        return iter(self._heads)

    def __len__(self) -> int:
        return len(self._heads)

    def __contains__(self, shape: object) -> bool:
        return shape in self._heads

    def of(self, job: WaitingJob) -> Reason | None:
        """The reason for this one job, None if it starts or nothing is known of its shape."""
        head = self._heads.get(job.shape)
        limited = self._limited.get((job.shape, job.owner_id))
        if job.id in self._started or (head is None and limited is None):
            return None
        if head is None and limited is not None:
            head = limited.job_id
        return self._reason(job.shape, job.owner_id, head=head == job.id)

    def _reason(self, shape: Shape, owner_id: UserId | None, *, head: bool) -> Reason:
        key = (shape, owner_id, head)
        reason = self._cache.get(key)
        if reason is None:
            reason = self._cache[key] = self._diagnose(shape, owner_id, head)
        return reason


def _no_reasons() -> Mapping[Shape, Reason]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to change now, in the order in which it was decided, and why the rest waits."""

    starts: tuple[Start, ...] = ()
    grows: tuple[Grow, ...] = ()
    shrinks: tuple[Shrink, ...] = ()
    preemptions: tuple[Preempt, ...] = ()
    making_room_for: JobId | None = None
    """The job for which others shrink or are stopped; if it does not wait any more, nobody must."""
    blocked: Mapping[Shape, Reason] = field(default_factory=_no_reasons)

    def reason_for(self, job: WaitingJob) -> Reason | None:
        """Why this job waits; None if it starts by this plan or was not in line when the plan was made."""
        if isinstance(self.blocked, Reasons):
            return self.blocked.of(job)
        return None if any(start.job_id == job.id for start in self.starts) else self.blocked.get(job.shape)

    @property
    def changes_nothing(self) -> bool:
        return not (self.starts or self.grows or self.shrinks or self.preemptions)
