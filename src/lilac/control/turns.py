"""Moving waiting jobs in line: another priority within the queue, or another queue.

The job keeps its order of submission, so in its new place it stands where it would stand had it been submitted so. A
queue that limits waiting jobs must have room for it. A job that does not wait any more is not moved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lilac.control.admission import admit
from lilac.control.jobs import Jobs
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.model.clusters import Queue
from lilac.model.errors import Conflict, Forbidden
from lilac.model.events import EventKind
from lilac.model.ids import JobId
from lilac.model.jobs import Job, check_spec
from lilac.model.lifecycle import Work, event_about
from lilac.store import jobs as job_store
from lilac.store.database import Database, Transaction
from lilac.store.moving import move_job


class Turns:
    """The service behind `PATCH /training_jobs/{job}`."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection, jobs: Jobs) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._jobs = jobs

    async def move(
        self, principal: Principal, ref: str, *, priority: int | None = None, queue_ref: str | None = None
    ) -> Job:
        """Give a waiting job another priority or queue.

        Raises:
            Conflict: it does not wait any more.
            Forbidden: it is somebody else's.
            TooManyRequests: the other queue is full.
        """
        job = await self._jobs.get(principal, ref)
        if not principal.may_change(job.owner_id):
            raise Forbidden("Only the owner of a job or an administrator may change it.")
        queue = self._jobs.queue(queue_ref if queue_ref is not None else job.spec.queue_id)
        return await self._db.write(self._move, job.id, priority, queue, principal.actor, self._clock())

    def _move(self, tx: Transaction, job_id: JobId, priority: int | None, queue: Queue, actor: str, now: float) -> Job:
        before = job_store.get_job(tx.conn, job_id)
        if before is None:
            raise Conflict(
                f"Job {job_id} is an array, or an element of one that has not begun; these stay where they were "
                "submitted."
            )
        old = before.spec
        spec = replace(old, priority=old.priority if priority is None else priority, queue_id=queue.id)
        check_spec(spec)
        if spec == old:
            return before
        if spec.queue_id != old.queue_id:
            admit(tx.conn, queue, before.owner_id)
        job = before.evolve(spec=spec, updated_at=now)
        if not move_job(tx.conn, before, job, queue.name):
            raise Conflict(f"Job {old.name} ({job_id}) is {before.state}; only waiting jobs can be moved.")
        facts = {"priority": spec.priority, "queue_name": queue.name}
        tx.record(replace(event_about(job, EventKind.JOB_CHANGED, now, **facts), actor=actor))
        tx.after(self._projection.take, Work(job, None, ()))
        return job
