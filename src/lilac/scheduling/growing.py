"""Growth: running elastic jobs get what is left over when everything that could start has started.

They are served in the order in which they would start: queue, priority, submission. New replicas go into the cluster
where the job runs, keep out of what is reserved and within the limits, and take ranks that the attempt has not had yet.
A job never grows above its largest size, and only when all of it runs. An attempt may use `MOST_RANKS` times its
largest size of ranks in its life, so that places that fail again and again do not make it grow for ever.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from itertools import count, islice

from lilac.model.ids import JobId
from lilac.model.jobs import SizeRange
from lilac.model.limits import amount_of
from lilac.scheduling.board import Snapshot
from lilac.scheduling.capacity import Capacity
from lilac.scheduling.fitting import place_gang
from lilac.scheduling.limiting import Gates, without_job
from lilac.scheduling.plans import Grow, Placement
from lilac.scheduling.reserving import Holds
from lilac.scheduling.views import QueueView, RunningJob

MOST_RANKS = 10


def grow(snapshot: Snapshot, capacity: Capacity, holds: Holds, gates: Gates, but_not: Container[JobId]) -> list[Grow]:
    """Take what is left over for running elastic jobs."""
    grows: list[Grow] = []
    for _, job in sorted(_growing(snapshot, but_not), key=lambda each: each[0]):
        first = snapshot.nodes.get(job.replicas[0].node_id)
        if first is None:
            continue
        queue = snapshot.queues[job.queue_id]
        shape = replace(job.shape, size=SizeRange(1, job.shape.size.max - len(job.replicas)))
        most = gates.room(queue, job.owner_id, shape, jobs=0)
        if most < 1:
            continue
        shape = replace(shape, size=SizeRange(1, most))
        placements = place_gang(capacity, first.cluster_id, shape, holds.permits(shape, capacity))
        if placements is None:
            continue
        gates.note_start(queue, job, without_job(amount_of(shape.resources, len(placements))))
        ranks = islice(count(job.next_rank), len(placements))
        grows.append(
            Grow(
                job.id,
                tuple(
                    Placement(rank, each.node_id, each.gpu_uuids) for rank, each in zip(ranks, placements, strict=True)
                ),
            )
        )
    return grows


def _growing(
    snapshot: Snapshot, but_not: Container[JobId]
) -> list[tuple[tuple[int, str, str, int, int, str], RunningJob]]:
    found: list[tuple[tuple[int, str, str, int, int, str], RunningJob]] = []
    for job in snapshot.givers.values():
        queue = snapshot.queues.get(job.queue_id)
        if queue is None or job.stopping or job.id in but_not or job.id in snapshot.waiting:
            continue
        most = job.shape.size.max
        if (
            job.shape.elastic
            and job.started_at is not None
            and len(job.replicas) < most
            and job.next_rank + most <= MOST_RANKS * most
        ):
            found.append((_order(queue, job), job))
    return found


def _order(queue: QueueView, job: RunningJob) -> tuple[int, str, str, int, int, str]:
    return (queue.priority, queue.name, queue.id, -job.priority, job.seq, job.id)
