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
from lilac.model.clusters import Node, Queue
from lilac.model.lifecycle import Work
from lilac.scheduling import WaitingJob
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store


@dataclass(frozen=True, slots=True)
class Stored:
    """The part of the store that is kept in memory."""

    queues: list[Queue]
    nodes: list[Node]
    waiting: list[WaitingJob]
    works: list[Work]
    """Every job with live replicas, once for each attempt that has some."""

    def into(self, projection: Projection, seen: float) -> None:
        """Bring an empty projection to this state. Every node counts as seen at `seen`."""
        projection.put_queues(self.queues)
        for node in self.nodes:
            projection.put_node(node, seen=seen)
        for job in self.waiting:
            projection.line_up(job)
        for work in self.works:
            projection.take(work)


def load(conn: Connection) -> Stored:
    held = {(replica.key.job_id, replica.key.attempt) for replica in job_store.live_replicas(conn)}
    return Stored(
        queues=cluster_store.list_queues(conn),
        nodes=cluster_store.list_nodes(conn),
        waiting=[waiting_job(job) for job in job_store.waiting_jobs(conn)],
        works=list(records.load_works(conn, sorted(held)).values()),
    )
