"""Which jobs have had a replica on a node, whatever became of them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from lilac.model.ids import JobId, NodeId, UserId
from lilac.store.tables import jobs, replicas


def job_ids_on(
    conn: Connection, node_id: NodeId, *, limit: int, before_seq: int | None = None, owner_id: UserId | None = None
) -> list[JobId]:
    """At most `limit` jobs (of this owner), newest first; the next page begins before the last one's `seq`."""
    here = select(replicas.c.job_id).where(replicas.c.node_id == node_id)
    statement = select(jobs.c.id).where(jobs.c.id.in_(here)).order_by(jobs.c.seq.desc()).limit(limit)
    if before_seq is not None:
        statement = statement.where(jobs.c.seq < before_seq)
    if owner_id is not None:
        statement = statement.where(jobs.c.owner_id == owner_id)
    return [JobId(job_id) for job_id in conn.execute(statement).scalars()]
