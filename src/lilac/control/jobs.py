"""Jobs as their owners deal with them: submit, look, cancel, wait, ask why.

Members see and change their own jobs, viewers look at all, admins do everything. To a member, somebody else's job
does not exist, except as the name of what holds the resources that a waiting job needs.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from lilac.control import job_views, records
from lilac.control.admission import admit
from lilac.control.bus import Bus
from lilac.control.loop import LIVE_POLICY, SchedulingLoop
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.model.accounts import Role
from lilac.model.clusters import Queue
from lilac.model.errors import Conflict, Forbidden, NotFound, Unsatisfiable
from lilac.model.events import Event, EventKind
from lilac.model.ids import JobId, ReplicaKey, UserId, parse_uuid
from lilac.model.jobs import Attempt, Job, JobSpec, Replica, ReplicaReport, check_spec
from lilac.model.lifecycle import cancel, report
from lilac.model.states import FailureReason, JobState, ReplicaState, is_terminal
from lilac.scheduling import Explanation, Reason, WaitingJob, explain, satisfiable, shape_of
from lilac.store import accounts as account_store
from lilac.store import jobs as job_store
from lilac.store.database import Database, Transaction
from lilac.store.jobs import JobFilter


@dataclass(frozen=True, slots=True)
class Detail:
    """A job with all its attempts and their replicas."""

    job: Job
    attempts: tuple[tuple[Attempt, tuple[Replica, ...]], ...]
    waiting: Reason | None


class Jobs:
    """The service behind the job routes. Every method checks what the caller may see and do."""

    def __init__(
        self, db: Database, clock: Callable[[], float], projection: Projection, loop: SchedulingLoop, bus: Bus
    ) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._loop = loop
        self._bus = bus
        self._owners: dict[UserId, str] = {}

    def queue(self, name_or_id: str) -> Queue:
        """The queue of this id or name.

        Raises:
            NotFound: there is none; the sentence lists those that exist.
        """
        queues = self._projection.queues
        found = queues.get(parse_uuid(name_or_id) or "")
        if found is None:
            found = next((q for q in queues.values() if q.name == name_or_id), None)
        if found is None:
            names = ", ".join(sorted(q.name for q in queues.values())) or "none yet"
            raise NotFound(f"There is no queue {name_or_id!r}. Queues: {names}.", field="queue_id")
        return found

    async def submit(self, principal: Principal, spec: JobSpec, *, strict: bool = False) -> Job:
        """Store a new job and have it planned.

        Raises:
            InvalidInput: the request makes no sense anywhere.
            Unsatisfiable: `strict`, and no node could ever run it.
        """
        check_spec(spec)
        now = self._clock()
        job = Job(
            id=JobId(str(uuid.uuid4())),
            seq=0,
            spec=spec,
            state=JobState.QUEUED,
            owner_id=principal.user_id,
            submitted_at=now,
            updated_at=now,
            waterfall={"submitted": now},
        )
        if strict:
            reason = satisfiable(self._projection.board.snapshot(), shape_of(job))
            if reason is not None:
                raise Unsatisfiable(f"Not submitted: {reason.message}.", reason=str(reason.code))
        return await self._db.write(self._insert, job, principal.actor)

    async def get(self, principal: Principal, name_or_id: str) -> Job:
        """A job by id, or the newest one of a name, as far as the caller may see it.

        Raises:
            NotFound: there is none.
        """
        job = await self._db.read(self._find, principal, name_or_id)
        await self.know_owners([job])
        return job

    async def detail(self, principal: Principal, name_or_id: str) -> Detail:
        job, attempts, replicas = await self._db.read(self._find_with_attempts, principal, name_or_id)
        await self.know_owners([job])
        by_attempt: dict[int, list[Replica]] = {a.number: [] for a in attempts}
        for replica in replicas:
            by_attempt.setdefault(replica.key.attempt, []).append(replica)
        told = tuple((a, tuple(sorted(by_attempt[a.number], key=lambda r: r.key.rank))) for a in attempts)
        return Detail(job, told, await self._reason(job))

    async def list(
        self, principal: Principal, wanted: JobFilter, *, limit: int = 1000, before_seq: int | None = None
    ) -> list[Job]:
        """Newest first. A member gets only their own."""
        if principal.role is Role.MEMBER:
            if wanted.owner_id is not None and wanted.owner_id != principal.user_id:
                return []
            wanted = replace(wanted, owner_id=principal.user_id)
        jobs = await self._db.read(job_store.list_jobs, wanted, limit=limit, before_seq=before_seq)
        await self.know_owners(jobs)
        return jobs

    def render(self, job: Job, principal: Principal) -> dict[str, Any]:
        """The job as an object of the API, as far as the caller may see it."""
        queue = self._projection.queues.get(job.spec.queue_id)
        return job_views.job_object(
            job,
            queue_name=queue.name if queue is not None else None,
            owner=self._owners.get(job.owner_id) if job.owner_id is not None else None,
            node_name=self._projection.fleet.node_name(job.node_id),
            with_env=principal.is_admin or job.owner_id == principal.user_id,
            progress=self._projection.fleet.progress(job.id, job.attempt) if job.state is JobState.STARTING else None,
        )

    async def owner_id(self, principal: Principal, username: str) -> UserId | None:
        """The account of this name or `me`; None if the caller, a member, may not see jobs of others anyway.

        Raises:
            NotFound: there is none.
        """
        if username in ("me", principal.username):
            return principal.user_id
        if principal.role is Role.MEMBER:
            return None
        user = await self._db.read(account_store.get_user_by_name, username)
        if user is None:
            raise NotFound(f"There is no user {username!r}.")
        return user.id

    async def cancel(self, principal: Principal, name_or_id: str) -> Job:
        """End a job; cancelling a cancelled one changes nothing.

        Raises:
            Conflict: it ended otherwise already.
        """
        job = await self.get(principal, name_or_id)
        self._check_owner(principal, job)
        return await self._db.write(self._cancel, job.id, principal.actor, self._clock())

    async def force_state(self, principal: Principal, job_id: JobId, state: JobState) -> None:
        """Set a job's state by hand, as the original's PATCH did, within the state table.

        For jobs whose node cannot tell their end any more. `queued` and `starting` cannot be set.
        """
        await self.get(principal, job_id)
        await self._db.write(self._force, job_id, state, principal.actor, self._clock())

    async def wait_ended(self, principal: Principal, name_or_id: str, timeout_s: float) -> Job:
        """The job as soon as it has ended, or as it is after the time."""
        job = await self.get(principal, name_or_id)
        try:
            async with asyncio.timeout(timeout_s):
                while not is_terminal(job.state) and not self._bus.closed.is_set():
                    with self._bus.watching(job.id) as changed:
                        job = await self.get(principal, job.id)
                        if not is_terminal(job.state):
                            await changed
        except TimeoutError:
            pass
        return await self.get(principal, job.id)

    async def explain(self, principal: Principal, name_or_id: str) -> tuple[Job, Explanation | None]:
        """Why a job waits, and what would start it; None for a job that does not wait."""
        job = await self.get(principal, name_or_id)
        if job.state is JobState.QUEUED:
            await self._settle()
            job = await self.get(principal, job.id)
        if job.state is not JobState.QUEUED:
            return job, None
        try:
            told = explain(self._projection.board.snapshot(), self._clock(), job.id, LIVE_POLICY)
        except KeyError:  # it left the line between the two looks
            return await self.get(principal, job.id), None
        return job, replace(told, reason=self._named(told.reason))

    async def names_of(self, job_ids: Collection[JobId]) -> dict[JobId, str]:
        found = await self._db.read(job_store.get_jobs, list(job_ids)) if job_ids else {}
        return {job_id: job.spec.name for job_id, job in found.items()}

    async def replica(self, key: ReplicaKey) -> Replica | None:
        return await self._db.read(job_store.get_replica, key)

    async def know_owners(self, jobs: Collection[Job]) -> None:
        """Have the names of the owners at hand for `render`."""
        if any(job.owner_id is not None and job.owner_id not in self._owners for job in jobs):
            self._owners = {u.id: u.username for u in await self._db.read(account_store.list_users)}

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(2):
                await self._loop.settled()
        except TimeoutError:
            pass

    async def _reason(self, job: Job) -> Reason | None:
        if job.state is not JobState.QUEUED:
            return None
        await self._settle()
        decided = self._loop.plan_in_force()
        reason = decided.reason_for(WaitingJob.of(job)) if decided is not None else None
        return self._named(reason) if reason is not None else None

    def _named(self, reason: Reason) -> Reason:
        """The same with the name of the user whose limit it is (always the job's owner, who is known)."""
        user = reason.limited_user
        name = self._owners.get(user) if user is not None else None
        return reason if name is None else replace(reason, message=reason.message.replace(str(user), name))

    def _insert(self, tx: Transaction, job: Job, actor: str) -> Job:
        queue = self._projection.queues.get(job.spec.queue_id)
        if queue is not None:
            admit(tx.conn, queue, job.owner_id)
        stored = job_store.insert_jobs(tx.conn, [job])[0]
        tx.record(
            Event(
                kind=EventKind.JOB_SUBMITTED,
                at=job.submitted_at,
                job_id=job.id,
                queue_id=job.spec.queue_id,
                user_id=job.owner_id,
                actor=actor,
                data={"name": job.spec.name, "state": str(job.state), "attempt": 0},
            )
        )
        tx.after(self._projection.submitted, stored)
        return stored

    def _cancel(self, tx: Transaction, job_id: JobId, actor: str, now: float) -> Job:
        before = records.load_work(tx.conn, job_id)
        if before is None:
            raise NotFound(f"There is no job {job_id}.")
        if before.job.state is JobState.CANCELLED:
            return before.job
        if is_terminal(before.job.state):
            raise Conflict(f"Job {before.job.spec.name} ({job_id}) has already {before.job.state}.")
        outcome = cancel(before, actor=actor, now=now)
        records.save(tx, before, outcome)
        tx.after(self._projection.take, outcome.work)
        return outcome.work.job

    def _force(self, tx: Transaction, job_id: JobId, state: JobState, actor: str, now: float) -> None:
        before = records.load_work(tx.conn, job_id)
        if before is None:
            raise NotFound(f"There is no job {job_id}.")
        if state is before.job.state:
            return
        if state is JobState.CANCELLED:
            self._cancel(tx, job_id, actor, now)
            return
        wanted = _REPLICA_STATE_FOR.get(state)
        if wanted is None or before.attempt is None or not before.current:
            raise Conflict(f"Job {job_id} is {before.job.state} and cannot be set to {state} by hand.")
        for replica in before.replicas:
            message = f"Set to {state} by {actor.removeprefix('user:')}." if state is JobState.FAILED else None
            told = ReplicaReport(
                key=replica.key,
                state=wanted,
                reason=FailureReason.ERROR if state is JobState.FAILED else None,
                message=message,
            )
            current = records.load_work(tx.conn, job_id)
            outcome = report(current, told, now) if current is not None else None
            if current is not None and outcome is not None:
                records.save(tx, current, outcome)
                tx.after(self._projection.take, outcome.work)

    def _find(self, conn: Connection, principal: Principal, name_or_id: str) -> Job:
        owner = principal.user_id if principal.role is Role.MEMBER else None
        job_id = parse_uuid(name_or_id)
        job = job_store.get_job(conn, JobId(job_id)) if job_id is not None else None
        if job is None:
            job = job_store.find_job_by_name(conn, name_or_id, owner)
        if job is None or (owner is not None and job.owner_id != owner):
            raise NotFound(f"There is no job {name_or_id!r} that you can see.")
        return job

    def _find_with_attempts(
        self, conn: Connection, principal: Principal, name_or_id: str
    ) -> tuple[Job, list[Attempt], list[Replica]]:
        job = self._find(conn, principal, name_or_id)
        return job, job_store.attempts_of(conn, job.id), job_store.all_replicas_of(conn, job.id)

    @staticmethod
    def _check_owner(principal: Principal, job: Job) -> None:
        if not principal.may_change(job.owner_id):
            raise Forbidden("Only the owner of a job or an administrator may change it.")


_REPLICA_STATE_FOR = {
    JobState.RUNNING: ReplicaState.RUNNING,
    JobState.SUCCEEDED: ReplicaState.SUCCEEDED,
    JobState.FAILED: ReplicaState.FAILED,
}
