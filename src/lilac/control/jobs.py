"""Jobs as their owners deal with them: submit, look, cancel, wait, ask why.

Members see and change their own jobs, viewers look at all, admins do everything. To a member, somebody else's job
does not exist, except as the name of what holds the resources that a waiting job needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from lilac.control import job_views, records
from lilac.control.bus import Bus
from lilac.control.cancelling import Cancelling
from lilac.control.finding import find_any
from lilac.control.loop import SchedulingLoop
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.control.submitting import Order, Submitting
from lilac.control.waiting_reasons import WaitingReasons
from lilac.model.accounts import Role
from lilac.model.arrays import JobArray
from lilac.model.clusters import Queue
from lilac.model.errors import Conflict, Forbidden, InvalidInput, NotFound
from lilac.model.ids import JobId, ReplicaKey, UserId, parse_uuid
from lilac.model.indices import IndexSet
from lilac.model.jobs import Attempt, Job, JobSpec, Replica, ReplicaReport
from lilac.model.lifecycle import report
from lilac.model.states import FailureReason, JobState, ReplicaState, is_terminal
from lilac.scheduling import Explanation, Reason
from lilac.store import accounts as account_store
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store import listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter


@dataclass(frozen=True, slots=True)
class Detail:
    """A job with all its attempts and their replicas, or an array."""

    job: Job | JobArray
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
        self._bus = bus
        self._owners: dict[UserId, str] = {}
        self.submitting = Submitting(db, clock, projection)
        self.cancelling = Cancelling(db, clock, projection)
        self.waiting = WaitingReasons(db, clock, projection, loop)

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
        stored = await self.submitting.store(principal, Order(spec=spec, strict=strict))
        assert isinstance(stored, Job)
        return stored

    async def get(self, principal: Principal, name_or_id: str) -> Job:
        """A job by id, or the newest one of a name, as far as the caller may see it.

        Raises:
            NotFound: there is none.
        """
        found = await self._db.read(find_any, principal, name_or_id)
        job = found.as_job() if isinstance(found, JobArray) else found
        await self.know_owners([job])
        return job

    async def detail(self, principal: Principal, name_or_id: str) -> Detail:
        found, attempts, replicas = await self._db.read(self._find_with_attempts, principal, name_or_id)
        job = found.as_job() if isinstance(found, JobArray) else found
        await self.know_owners([job])
        by_attempt: dict[int, list[Replica]] = {a.number: [] for a in attempts}
        for replica in replicas:
            by_attempt.setdefault(replica.key.attempt, []).append(replica)
        told = tuple((a, tuple(sorted(by_attempt[a.number], key=lambda r: r.key.rank))) for a in attempts)
        reason = await self.waiting.reason(job)
        return Detail(found, told, None if reason is None else self.named(reason))

    async def list(
        self, principal: Principal, wanted: JobFilter, *, limit: int = 1000, before_seq: int | None = None
    ) -> list[Job | JobArray]:
        """Jobs and arrays, newest first. A member gets only their own."""
        seen = _seen(principal, wanted)
        if seen is None:
            return []
        jobs = await self._db.read(listing.list_work, seen, limit=limit, before_seq=before_seq)
        await self.know_owners(jobs)
        return jobs

    async def summary(self, principal: Principal, wanted: JobFilter) -> dict[JobState, int]:
        """How many jobs are in each state; every element of an array counts. A member's only."""
        seen = _seen(principal, wanted)
        return dict.fromkeys(JobState, 0) if seen is None else await self._db.read(listing.count_work, seen)

    async def elements(
        self,
        principal: Principal,
        name_or_id: str,
        *,
        states: Collection[JobState] | None = None,
        above: int = -1,
        limit: int = 1000,
    ) -> tuple[JobArray, list[Job]]:
        """An array, and its first elements above an index.

        Raises:
            NotFound: there is none.
            InvalidInput: it is no array.
        """
        array, jobs = await self._db.read(_elements, principal, name_or_id, states, above, limit)
        await self.know_owners(jobs)
        return array, jobs

    async def retry(self, principal: Principal, name_or_id: str) -> dict[str, Any]:
        """Run a job that failed or was cancelled again, as a new job; of an array, those elements that did.

        Raises:
            Conflict: it has not ended, or has succeeded.
        """
        found = await self._db.read(find_any, principal, name_or_id)
        if not principal.may_change(found.owner_id):
            raise Forbidden("Only the owner of a job or an administrator may run it again.")
        if found.state not in (JobState.FAILED, JobState.CANCELLED) or found.finished_at is None:
            raise Conflict(
                f"Job {found.spec.name} ({found.id}) is {found.state}; only what failed or was cancelled can be "
                "run again."
            )
        indices = await self._db.read(_unsuccessful, found) if isinstance(found, JobArray) else None
        self.queue(found.spec.queue_id)
        order = Order(
            spec=replace(found.spec, after=()),
            indices=indices,
            running_limit=found.running_limit if isinstance(found, JobArray) else None,
            retry_of=found.id,
        )
        return await self.submitting.submit(principal, order)

    def render(self, found: Job | JobArray, principal: Principal) -> dict[str, Any]:
        """The job as an object of the API, as far as the caller may see it."""
        job = found.as_job() if isinstance(found, JobArray) else found
        queue = self._projection.queues.get(job.spec.queue_id)
        return job_views.job_object(
            found,
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
        return await self.cancelling.cancel(principal, name_or_id)

    async def force_state(self, principal: Principal, job_id: JobId, state: JobState) -> None:
        """Set a job's state by hand, as the original's PATCH did, within the state table.

        For jobs whose node cannot tell their end any more. `queued` and `starting` cannot be set.

        Raises:
            Conflict: the job cannot become that, or is an array, which follows from its elements.
        """
        found = await self._db.read(find_any, principal, job_id)
        if isinstance(found, JobArray):
            if state is not JobState.CANCELLED:
                raise Conflict(
                    f"{found.spec.name} ({job_id}) is an array, whose state follows from its elements: set that of an "
                    "element, by its own id. Only cancelled can be set for the whole array."
                )
            await self.cancelling.cancel(principal, job_id)
            return
        await self._db.write(self._force, job_id, state, principal.actor, self._clock())

    async def wait_ended(self, principal: Principal, name_or_id: str, timeout_s: float) -> Job:
        """The job as soon as it has ended, or as it is after the time."""
        job = await self.get(principal, name_or_id)
        try:
            async with asyncio.timeout(timeout_s):
                while not is_terminal(job.state) and not self._bus.closed.is_set():
                    with self._bus.watching(job.id) as changed, self._bus.watching(job.array_id or job.id) as array:
                        job = await self.get(principal, job.id)
                        if not is_terminal(job.state):
                            await asyncio.wait((changed, array), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        return await self.get(principal, job.id)

    async def explain(self, principal: Principal, name_or_id: str) -> tuple[Job, Explanation | None]:
        """Why a job waits, and what would start it; None for a job that does not wait."""
        job = await self.get(principal, name_or_id)
        if job.state is JobState.QUEUED:
            await self.waiting.settle()
            job = await self.get(principal, job.id)
        if job.state is not JobState.QUEUED:
            return job, None
        told = await self.waiting.explain(job)
        if told is None:
            return await self.get(principal, job.id), None
        return job, replace(told, reason=self.named(told.reason))

    async def names_of(self, job_ids: Collection[JobId]) -> dict[JobId, str]:
        found = await self._db.read(job_store.get_jobs, list(job_ids)) if job_ids else {}
        return {job_id: job.spec.name for job_id, job in found.items()}

    async def replica(self, key: ReplicaKey) -> Replica | None:
        return await self._db.read(job_store.get_replica, key)

    async def know_owners(self, jobs: Collection[Job | JobArray]) -> None:
        """Have the names of the owners at hand for `render`."""
        await self.owners_of({job.owner_id for job in jobs if job.owner_id is not None})

    async def owners_of(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        """The names of owners of jobs, as far as they still have an account."""
        if not self._owners.keys() >= set(user_ids):
            self._owners = {u.id: u.username for u in await self._db.read(account_store.list_users)}
        return {user_id: self._owners[user_id] for user_id in user_ids if user_id in self._owners}

    def named(self, reason: Reason) -> Reason:
        """The same with the name of the user whose limit it is (always the job's owner, who is known)."""
        user = reason.limited_user
        name = self._owners.get(user) if user is not None else None
        return reason if name is None else replace(reason, message=reason.message.replace(str(user), name))

    def _force(self, tx: Transaction, job_id: JobId, state: JobState, actor: str, now: float) -> None:
        before = records.load_work(tx.conn, job_id)
        if state is JobState.CANCELLED:  # also of an element that has not begun, which has no row yet
            self.cancelling.record(tx, job_id, actor, now)
            return
        if before is None:
            raise Conflict(f"Job {job_id} has not begun and cannot be set to {state} by hand.")
        if state is before.job.state:
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

    @staticmethod
    def _find_with_attempts(
        conn: Connection, principal: Principal, name_or_id: str
    ) -> tuple[Job | JobArray, list[Attempt], list[Replica]]:
        found = find_any(conn, principal, name_or_id)
        if isinstance(found, JobArray):
            return array_store.with_counts(conn, [found])[found.id], [], []
        return found, job_store.attempts_of(conn, found.id), job_store.all_replicas_of(conn, found.id)


def _seen(principal: Principal, wanted: JobFilter) -> JobFilter | None:
    """What of a list the caller sees; None for nothing."""
    if principal.role is not Role.MEMBER:
        return wanted
    if wanted.owner_id is not None and wanted.owner_id != principal.user_id:
        return None
    return replace(wanted, owner_id=principal.user_id)


def _elements(
    conn: Connection,
    principal: Principal,
    name_or_id: str,
    states: Collection[JobState] | None,
    above: int,
    limit: int,
) -> tuple[JobArray, list[Job]]:
    array = find_any(conn, principal, name_or_id)
    if not isinstance(array, JobArray):
        raise InvalidInput(f"Job {array.spec.name} ({array.id}) is not an array; it has no elements.")
    wanted = list(array_store.elements_of(conn, array, states=states, above=above, limit=limit))
    rows = job_store.get_elements(conn, array.id, [index for index, has_row in wanted if has_row])
    return array, [rows.get(index) or array.row_of(index) for index, _ in wanted]


def _unsuccessful(conn: Connection, array: JobArray) -> IndexSet:
    states = (JobState.FAILED, JobState.CANCELLED)
    return IndexSet.of(
        index for index, _ in array_store.elements_of(conn, array, states=states, above=-1, limit=len(array.indices))
    )


_REPLICA_STATE_FOR = {
    JobState.RUNNING: ReplicaState.RUNNING,
    JobState.SUCCEEDED: ReplicaState.SUCCEEDED,
    JobState.FAILED: ReplicaState.FAILED,
}
