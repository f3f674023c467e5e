"""Giving a waiting job another place: another priority, another queue."""

from __future__ import annotations

from sqlalchemy import Connection

from lilac.model.jobs import Job
from lilac.model.states import JobState
from lilac.store import encoding
from lilac.store.jobs import update_job


def move_job(conn: Connection, before: Job, after: Job, queue_name: str) -> bool:
    """Store the queue and the priority of `after` if the job still waits as it was read; whether it does."""
    return update_job(
        conn,
        before.id,
        states=(JobState.QUEUED,),
        attempt=before.attempt,
        spec=encoding.spec_to_json(after.spec),
        queue_id=after.spec.queue_id,
        queue_name=queue_name,
        priority=after.spec.priority,
        updated_at=after.updated_at,
    )
