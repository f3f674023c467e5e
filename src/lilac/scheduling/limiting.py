"""What users hold in each queue, and what limits leave of it.

`Usage` is kept by the board, one sum for each queue and for each user in a queue. A pass asks its `Gates` how many
replicas of a shape the limits allow now: first the user's limits in the queue, then the queue's own. A user who is at
a limit is asked once for each shape that she has in line, however many jobs she has.

As a place can be reserved, so can the rest of a limit, or a large job would starve behind small ones. The first job
that a limit keeps from starting gets the *turn* at this gate: jobs after it may use what is left only if they end
before it could start, or if they leave enough for it then. Where that time cannot be known, what it is short of is
kept for it. A user's own limit never holds back others: such a job takes no turn at the queue's gate and reserves no
place.

Invariant: what is held never exceeds a limit by anything that a pass started. (A limit that is set lower than what is
held already stops nobody; nothing new starts until enough has ended.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lilac.model.ids import JobId, QueueId, UserId
from lilac.model.limits import DIMENSIONS, NOTHING_HELD, Amount, Limits, amount_of
from lilac.scheduling.ends import End, RunKey
from lilac.scheduling.views import QueueView, RunningJob, Shape

Holder = tuple[QueueId, UserId | None]


class Usage:
    """What is held in each queue, and by each user in it."""

    __slots__ = ("_of_queue", "_of_user")

    def __init__(self) -> None:
        self._of_queue: dict[QueueId, Amount] = {}
        self._of_user: dict[Holder, Amount] = {}

    @classmethod
    def of(cls, jobs: Iterable[RunningJob]) -> Usage:
        usage = cls()
        for job in jobs:
            usage.add(job)
        return usage

    def copy(self) -> Usage:
        new = Usage()
        new._of_queue, new._of_user = self._of_queue.copy(), self._of_user.copy()
        return new

    def of_queue(self, queue_id: QueueId) -> Amount:
        return self._of_queue.get(queue_id, NOTHING_HELD)

    def of_user(self, queue_id: QueueId, owner_id: UserId | None) -> Amount:
        return self._of_user.get((queue_id, owner_id), NOTHING_HELD)

    def add(self, job: RunningJob) -> None:
        self.note(job.queue_id, job.owner_id, job.held)

    def discard(self, job: RunningJob) -> None:
        """Take out exactly what `add` put in for this same value."""
        queue_id, owner = job.queue_id, (job.queue_id, job.owner_id)
        held = job.held
        self._of_queue[queue_id] -= held
        if not self._of_queue[queue_id].running_jobs:
            del self._of_queue[queue_id]
        self._of_user[owner] -= held
        if not self._of_user[owner].running_jobs:
            del self._of_user[owner]

    def note(self, queue_id: QueueId, owner_id: UserId | None, held: Amount) -> None:
        self._of_queue[queue_id] = self.of_queue(queue_id) + held
        self._of_user[(queue_id, owner_id)] = self.of_user(queue_id, owner_id) + held


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """What keeps a job from starting now: a limit of its user in the queue, or of the queue."""

    job_id: JobId | None
    """The job that was in front of its group."""
    user: bool
    owner_id: UserId | None
    limits: Limits
    used: Amount
    needed: Amount
    short: tuple[str, ...]
    """The dimensions in which the limit does not leave enough; none if an earlier job has the turn."""
    never: bool
    """Whether it needs more than the limit allows at all."""
    turn_of: JobId | None
    """The earlier job that the rest of the limit is kept for."""
    start: float | None
    """When the limit leaves enough, by the time limits of what runs; None if that is not known."""


@dataclass(slots=True)
class _Turn:
    job_id: JobId
    start: float | None
    spare: list[int | None]
    """What it leaves at its start, by dimension; None where nothing limits."""


@dataclass(slots=True)
class _Gate:
    """The limits of one queue, or of one user in it, while a pass goes on."""

    limits: Limits
    used: Amount
    turn: _Turn | None = None


class Gates:
    """The limits as one pass deals with them."""

    def __init__(
        self, usage: Usage, now: float, ends: Callable[[], Iterable[End]], running: Callable[[RunKey], RunningJob]
    ) -> None:
        self.usage = usage.copy()
        self._now = now
        self._ends = ends
        self._running = running
        self._queues: dict[QueueId, _Gate] = {}
        self._users: dict[Holder, _Gate] = {}
        self._ending: dict[QueueId, list[tuple[float, RunningJob]]] | None = None

    def room(
        self,
        queue: QueueView,
        owner_id: UserId | None,
        shape: Shape,
        *,
        jobs: int = 1,
        ignoring: JobId | None = None,
    ) -> int:
        """How many replicas of the shape may start now, at most its largest size.

        `jobs` is 0 for one that grows; `ignoring` is the job whose turn at a gate does not count.
        """
        if not queue.limited:
            return shape.size.max
        end = None if shape.time_limit_s is None or not jobs else self._now + shape.time_limit_s
        each, most = amount_of(shape.resources, 1, jobs=jobs), shape.size.max
        for gate in self._gates(queue, owner_id):
            most = min(most, _room(gate.limits, gate.used, each, most))
            turn = gate.turn
            if turn is None or (ignoring is not None and turn.job_id == ignoring):
                continue
            if not (end is not None and turn.start is not None and end <= turn.start):
                most = min(most, _fits(turn.spare, each, most))
        return most

    def refusal(self, queue: QueueView, owner_id: UserId | None, shape: Shape, job_id: JobId) -> Limited:
        """Why `room` is less than the least size; the job gets the turn at the gate if nobody has it yet."""
        needed = amount_of(shape.resources, shape.size.min)
        user, own = self._gates(queue, owner_id)
        of_user = self._shuts(user, shape, needed)
        gate = user if of_user else own
        short = tuple(_short(gate.limits, gate.used, needed))
        never = bool(_short(gate.limits, NOTHING_HELD, needed))
        turn_of = gate.turn.job_id if gate.turn is not None else None
        start = None
        if short and not never and gate.turn is None:
            gate.turn = self._turn(queue, owner_id if of_user else None, of_user, gate, needed, job_id)
            start = gate.turn.start
        return Limited(
            job_id=job_id,
            user=of_user,
            owner_id=owner_id,
            limits=gate.limits,
            used=gate.used,
            needed=needed,
            short=short,
            never=never,
            turn_of=turn_of,
            start=start,
        )

    def note_start(self, queue: QueueView, job: RunningJob, held: Amount) -> None:
        """A job was started in this pass, or has grown by so much."""
        self.usage.note(queue.id, job.owner_id, held)
        if not queue.limited:
            return
        limit = job.shape.time_limit_s
        for gate in self._gates(queue, job.owner_id):
            gate.used += held
            turn = gate.turn
            if turn is None or (limit is not None and turn.start is not None and self._now + limit <= turn.start):
                continue
            turn.spare = [
                None if spare is None else spare - taken for spare, taken in zip(turn.spare, held, strict=True)
            ]

    def _gates(self, queue: QueueView, owner_id: UserId | None) -> tuple[_Gate, _Gate]:
        """The user's gate, and the queue's."""
        own = self._queues.get(queue.id)
        if own is None:
            own = self._queues[queue.id] = _Gate(queue.limits, self.usage.of_queue(queue.id))
        user = self._users.get((queue.id, owner_id))
        if user is None:
            held = self.usage.of_user(queue.id, owner_id)
            user = self._users[(queue.id, owner_id)] = _Gate(queue.user_limits, held)
        return user, own

    def _shuts(self, gate: _Gate, shape: Shape, needed: Amount) -> bool:
        if _short(gate.limits, gate.used, needed):
            return True
        turn = gate.turn
        if turn is None:
            return False
        limit = shape.time_limit_s
        if limit is not None and turn.start is not None and self._now + limit <= turn.start:
            return False
        return any(spare is not None and spare < need for spare, need in zip(turn.spare, needed, strict=True) if need)

    def _turn(
        self, queue: QueueView, owner_id: UserId | None, of_user: bool, gate: _Gate, needed: Amount, job_id: JobId
    ) -> _Turn:
        used = gate.used
        for end, job in self._in_queue(queue.id):
            if of_user and job.owner_id != owner_id:
                continue
            used -= job.held
            if not _short(gate.limits, used, needed):
                return _Turn(job_id, end, _spare(gate.limits, used, needed))
        spare = _spare(gate.limits, gate.used, needed)
        return _Turn(job_id, None, [None if each is None else max(0, each) for each in spare])

    def _in_queue(self, queue_id: QueueId) -> Sequence[tuple[float, RunningJob]]:
        """The expected ends of the queue's jobs that ran when the first limit was met, in order."""
        if self._ending is None:
            self._ending = {}
            for end, _, job_id, attempt in self._ends():
                job = self._running((job_id, attempt))
                self._ending.setdefault(job.queue_id, []).append((end, job))
        return self._ending.get(queue_id, ())


def too_large(queue: QueueView, shape: Shape) -> Limited | None:
    """The limit that the shape could never keep, None if there is none."""
    needed = amount_of(shape.resources, shape.size.min)
    for user, limits in ((True, queue.user_limits), (False, queue.limits)):
        short = tuple(_short(limits, NOTHING_HELD, needed))
        if short:
            return Limited(
                job_id=None,
                user=user,
                owner_id=None,
                limits=limits,
                used=NOTHING_HELD,
                needed=needed,
                short=short,
                never=True,
                turn_of=None,
                start=None,
            )
    return None


def dominant_share(used: Amount, total: Amount) -> float:
    """The largest share of any resource (dominant resource fairness, Ghodsi et al. 2011)."""
    return max(
        used.gpus / total.gpus if total.gpus else 0.0,
        used.cpu_millicores / total.cpu_millicores if total.cpu_millicores else 0.0,
        used.memory_mb / total.memory_mb if total.memory_mb else 0.0,
    )


def in_all(queue: QueueView, totals: Mapping[str, Amount]) -> Amount:
    """What the queue's clusters have, by the totals of each cluster."""
    total = NOTHING_HELD
    for cluster_id in queue.cluster_targets:
        total += totals.get(cluster_id, NOTHING_HELD)
    return total


def without_job(held: Amount) -> Amount:
    """The same for more replicas of a job that is counted already."""
    return replace(held, running_jobs=0)


def _room(limits: Limits, used: Amount, each: Amount, most: int) -> int:
    return _fits([None if limit is None else limit - now for limit, now in zip(limits, used, strict=True)], each, most)


def _fits(left: Sequence[int | None], each: Amount, most: int) -> int:
    """How many replicas fit into what is left; the job itself is counted once."""
    jobs, *amounts = left
    if jobs is not None and jobs < each.running_jobs:
        return 0
    _, *needs = each
    for free, need in zip(amounts, needs, strict=True):
        if free is not None and need:
            most = min(most, max(0, free) // need)
    return most


def _short(limits: Limits, used: Amount, needed: Amount) -> list[str]:
    return [
        name
        for name, limit, now, need in zip(DIMENSIONS, limits, used, needed, strict=True)
        if limit is not None and need and now + need > limit
    ]


def _spare(limits: Limits, used: Amount, needed: Amount) -> list[int | None]:
    return [
        None if limit is None else limit - now - need for limit, now, need in zip(limits, used, needed, strict=True)
    ]
