"""What would change if: the scheduler run forward on the state as it is, and on the state with some changes.

Both futures are foretold on a virtual clock as in `explaining`: plan, start what starts, jump to the next expected end,
and again, for at most `MOST_STEPS` steps. In them every job runs to its time limit, jobs without a limit run for ever,
nothing new is submitted, and nobody makes room for another. So a start that is told is the latest to expect, and None
says that it cannot be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lilac.model.ids import JobId, NodeId
from lilac.scheduling.board import Board
from lilac.scheduling.passing import DEFAULT_POLICY, Pass, Policy
from lilac.scheduling.picture import Picture
from lilac.scheduling.views import NodeView, WaitingJob

MOST_STEPS = 100
MOST_WAITING = 20_000
"""Jobs behind these in line are left out of both futures."""
STRETCH = 0.02


@dataclass(frozen=True, slots=True)
class Submit:
    """This job is submitted."""

    job: WaitingJob


@dataclass(frozen=True, slots=True)
class Cancel:
    """This job does not wait, or does not run, any more."""

    job_id: JobId


@dataclass(frozen=True, slots=True)
class Reprioritize:
    """This waiting job gets another priority."""

    job_id: JobId
    priority: int


@dataclass(frozen=True, slots=True)
class DrainNode:
    """This node gets nothing new; what runs there goes on."""

    node_id: NodeId


@dataclass(frozen=True, slots=True)
class AddNodes:
    """So many more nodes like this one, empty."""

    like: NodeView
    count: int


Edit = Submit | Cancel | Reprioritize | DrainNode | AddNodes


@dataclass(frozen=True, slots=True)
class Difference:
    """When a waiting job starts as things are, and after the changes. None: not known, or not in line."""

    job: WaitingJob
    before: float | None
    after: float | None


def what_if(picture: Picture, edits: Iterable[Edit], policy: Policy = DEFAULT_POLICY) -> list[Difference]:
    """The waiting jobs whose starts differ, and those that were submitted; the earliest to start afterwards first."""
    changed = picture
    for edit in edits:
        changed = edited(changed, edit)
    before, after = foretell(picture, policy), foretell(changed, policy)
    jobs = {job.id: job for job in (*picture.waiting, *changed.waiting)}
    known = {job.id for job in picture.waiting}
    found = [
        Difference(job, before.get(job_id), after.get(job_id))
        for job_id, job in jobs.items()
        if job_id not in known or before.get(job_id) != after.get(job_id)
    ]
    return sorted(found, key=lambda each: (each.after is None, each.after or 0.0, each.job.seq, each.job.id))


def edited(picture: Picture, edit: Edit) -> Picture:
    """The picture after one change. What it names and is not there changes nothing."""
    match edit:
        case Submit(job):
            return replace(picture, waiting=(*picture.waiting, job))
        case Cancel(job_id):
            return replace(
                picture,
                waiting=tuple(job for job in picture.waiting if job.id != job_id),
                running=tuple(job for job in picture.running if job.id != job_id),
            )
        case Reprioritize(job_id, priority):
            waiting = tuple(replace(j, priority=priority) if j.id == job_id else j for j in picture.waiting)
            return replace(picture, waiting=waiting)
        case DrainNode(node_id):
            nodes = tuple(replace(n, schedulable=False) if n.id == node_id else n for n in picture.nodes)
            return replace(picture, nodes=nodes)
        case AddNodes(like, count):
            more = (_another(like, number) for number in range(1, count + 1))
            return replace(picture, nodes=(*picture.nodes, *more))


def foretell(
    picture: Picture, policy: Policy = DEFAULT_POLICY, *, most_steps: int = MOST_STEPS
) -> Mapping[JobId, float]:
    """When each waiting job starts, as far as that can be told within so many steps."""
    now, calm = picture.now, replace(policy, preemption=False, growth=False)
    board = Board.of(
        nodes=picture.nodes,
        queues=picture.queues,
        running=[job if job.started_at is not None else replace(job, started_at=now) for job in picture.running],
        waiting=sorted(picture.waiting, key=lambda job: (job.seq, job.id))[:MOST_WAITING],
    )
    starts: dict[JobId, float] = {}
    clock = now
    for _ in range(most_steps):
        done = Pass(board.snapshot(), clock, calm)
        done.run()
        for start in done.starts:
            starts[start.job_id] = clock
            board.withdraw(start.job_id)
            board.place(replace(done.started[(start.job_id, 0)], started_at=clock))
        after = board.snapshot()
        horizon: float | None = None
        for end, _, ended_id, attempt in after.ends.in_order(clock):
            if horizon is None:
                horizon = end + (end - now) * STRETCH
            if end > horizon:
                break
            clock = end
            for replica in after.running[(ended_id, attempt)].replicas:
                board.release(ended_id, attempt, replica.rank)
        if horizon is None or not len(after.waiting):
            break
    return starts


def _another(like: NodeView, number: int) -> NodeView:
    name = f"{like.name}+{number}"
    gpus = tuple(replace(gpu, uuid=f"{gpu.uuid}+{number}", healthy=True) for gpu in like.gpus)
    return replace(like, id=NodeId(f"{like.id}+{number}"), name=name, gpus=gpus, schedulable=True)
