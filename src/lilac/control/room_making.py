"""Applying what a plan says about running jobs: who stops or shrinks for a job of higher priority, and who grows.

One transaction, in which everything is looked at again. If the job that is to be helped does not wait any more, nobody
makes room for it. A job that ended, a replica that left, a node that cannot take work any more drops out. The room is
free only when the agents say that the replicas have ended; until then the plans of further passes keep it for the job
that is helped, since what is stopping counts as gone and nobody of a later turn may take its place.
"""

from __future__ import annotations

from collections.abc import Callable

from lilac.control import records
from lilac.control.projection import Projection
from lilac.model.ids import JobId, NodeId
from lilac.model.jobs import Job
from lilac.model.lifecycle import Outcome, Work
from lilac.model.resizing import grow, preempt, shrink
from lilac.model.states import JobState, NodeState
from lilac.scheduling import Plan
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store.database import Transaction


def apply(tx: Transaction, projection: Projection, decided: Plan, now: float) -> None:
    """Write the preemptions, shrinks and growth of a plan, as far as they still make sense."""
    helped = job_store.get_job(tx.conn, decided.making_room_for) if decided.making_room_for is not None else None
    if helped is not None and helped.state is JobState.QUEUED:
        _make_room(tx, projection, decided, helped, now)
    usable = _usable(tx, {p.node_id for one in decided.grows for p in one.placements})
    for one in decided.grows:
        places = [
            (p.rank, p.node_id, p.gpu_uuids)
            for p in one.placements
            if p.node_id in usable and usable[p.node_id].issuperset(p.gpu_uuids)
        ]
        _change(tx, projection, one.job_id, lambda work, places=places: grow(work, places, now=now))


def _make_room(tx: Transaction, projection: Projection, decided: Plan, helped: Job, now: float) -> None:
    for each in decided.shrinks:
        message = f"Makes room for job {helped.spec.name}, which has a higher priority."
        _change(
            tx,
            projection,
            each.job_id,
            lambda work, ranks=each.ranks, message=message: shrink(
                work, ranks, now=now, message=message, for_job=helped.id
            ),
        )
    for each in decided.preemptions:
        _change(
            tx,
            projection,
            each.job_id,
            lambda work: preempt(work, for_job=helped.id, for_name=helped.spec.name, now=now),
        )


def _change(tx: Transaction, projection: Projection, job_id: JobId, rule: Callable[[Work], Outcome | None]) -> None:
    before = records.load_work(tx.conn, job_id)
    outcome = rule(before) if before is not None else None
    if before is not None and outcome is not None:
        records.save(tx, before, outcome)
        tx.after(projection.take, outcome.work)


def _usable(tx: Transaction, node_ids: set[NodeId]) -> dict[NodeId, frozenset[str]]:
    """The nodes that take work, each with its healthy GPUs."""
    able = (NodeState.AVAILABLE, NodeState.BUSY)
    return {
        node.id: frozenset(gpu.uuid for gpu in node.inventory.gpus if gpu.healthy)
        for node in cluster_store.get_nodes(tx.conn, node_ids).values()
        if node.state in able
    }
