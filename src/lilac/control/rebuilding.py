"""What a start of the control plane loads, and how board and fleet come from it.

Everything is read in one snapshot and brought in by the same methods that follow commits, so a projection that was
kept up and one that was rebuilt are equal; tests compare the two. Of waiting jobs only what the scheduler needs is
kept, so a long line costs little memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from lilac.control import records
from lilac.control.projection import Projection, waiting_job
from lilac.control.waits import HeldJob
from lilac.model.arrays import JobArray
from lilac.model.clusters import Node, Queue
from lilac.model.ids import NodeId
from lilac.model.lifecycle import Work
from lilac.model.states import Hold
from lilac.scheduling import WaitingJob
from lilac.store import arrays as array_store
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store import volumes as volume_store


@dataclass(frozen=True, slots=True)
class Stored:
    """The part of the store that is kept in memory."""

    queues: list[Queue]
    nodes: list[Node]
    waiting: list[WaitingJob]
    held: list[HeldJob]
    """Jobs that wait outside of the line."""
    arrays: list[JobArray]
    places: dict[str, NodeId]
    """Where the data of named volumes is."""
    doomed: dict[NodeId, dict[str, str]]
    """On which node the data of which deleted volumes is still to be deleted."""
    works: list[Work]
    """Every job with live replicas, once for each attempt that has some."""

    def into(self, projection: Projection, seen: float) -> None:
        """Bring an empty projection to this state. Every node counts as seen at `seen`."""
        projection.places |= self.places
        projection.put_queues(self.queues)
        for node in self.nodes:
            projection.put_node(node, seen=seen)
            projection.doom(node, self.doomed.get(node.id, {}))
        for array in self.arrays:
            projection.put_array(array)
        for job in self.waiting:
            projection.line_up(job)
        for held in self.held:
            projection.hold(held)
        for work in self.works:
            projection.take(work)


def load(conn: Connection) -> Stored:
    live = {(replica.key.job_id, replica.key.attempt) for replica in job_store.live_replicas(conn)}
    waiting: list[WaitingJob] = []
    held: list[HeldJob] = []
    places = volume_store.places(conn)
    for job in job_store.waiting_jobs(conn):
        if job.held is None:
            waiting.append(waiting_job(job, places))
        else:
            held.append(HeldJob(job.id, job.not_before, job.spec.after if job.held is Hold.DEPENDENCY else ()))
    return Stored(
        queues=cluster_store.list_queues(conn),
        nodes=cluster_store.list_nodes(conn),
        waiting=waiting,
        held=held,
        arrays=array_store.unfinished_arrays(conn),
        places=places,
        doomed=volume_store.doomed(conn),
        works=list(records.load_works(conn, sorted(live)).values()),
    )
