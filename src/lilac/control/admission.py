"""Whether a queue takes more waiting jobs: its limits of `waiting_jobs`, asked in the transaction that submits.

Jobs are counted in the store, and only for a queue that has such a limit, so the usual submission costs nothing more.
A job that is queued again is not asked: it was admitted once.
"""

from __future__ import annotations

from sqlalchemy import Connection

from lilac.model.clusters import Queue
from lilac.model.errors import TooManyRequests
from lilac.model.ids import UserId
from lilac.store import jobs as job_store


def admit(conn: Connection, queue: Queue, owner_id: UserId | None, jobs: int = 1) -> None:
    """Raise `TooManyRequests` if with so many more jobs more would wait than the queue allows."""
    most = queue.limits.waiting_jobs
    if most is not None:
        waiting = job_store.count_waiting(conn, queue.id)
        if waiting + jobs > most:
            raise TooManyRequests(
                f"Queue {queue.name} is full: {waiting} of at most {most} jobs wait in it. "
                "Wait until some have started.",
                waiting_jobs=waiting,
                limit=most,
            )
    most = queue.user_limits.waiting_jobs
    if most is not None:
        waiting = job_store.count_waiting(conn, queue.id, owner_id)
        if waiting + jobs > most:
            raise TooManyRequests(
                f"You have {waiting} of at most {most} waiting jobs in queue {queue.name}. "
                "Wait until some have started, or cancel some.",
                waiting_jobs=waiting,
                limit=most,
            )
