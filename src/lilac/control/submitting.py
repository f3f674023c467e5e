"""Taking in work: single jobs, lists of jobs, arrays, and the same submission sent twice.

A submission is a list of orders that is stored whole or not at all, in one transaction. Jobs that wait for others are
stored held; what they wait for may be any job that the caller sees, or another entry of the same list.

With an idempotency key the answer is stored in the same transaction as the jobs. Sent again with the same key, the
same body gets the same answer, and another body is refused; the key is kept for `KEYS_KEPT_S` and bound to the caller.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Connection

from lilac.control import job_views, volumes
from lilac.control.admission import admit
from lilac.control.finding import find_any
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.model.arrays import JobArray, array_id_from, array_text
from lilac.model.errors import Conflict, InvalidInput, NotFound, Unavailable, Unsatisfiable
from lilac.model.events import Event, EventKind
from lilac.model.ids import JobId, QueueId, UserId
from lilac.model.indices import IndexSet
from lilac.model.jobs import Dependency, DependencyCondition, Job, JobSpec, check_own, check_spec
from lilac.model.labels import check_labels
from lilac.model.retrying import RetryClass
from lilac.model.states import Hold, JobState
from lilac.scheduling import satisfiable, shape_of
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store import submissions
from lilac.store.database import Database, Transaction

MOST_AT_ONCE = 20_000
KEYS_KEPT_S = 48 * 3600.0
_LONGEST_KEY = 255
_GATHERED_AT_ONCE = 256

Work = Job | JobArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One job or one array to be submitted. `after` names jobs as people do, or `#2`: the third entry of the list."""

    spec: JobSpec
    indices: IndexSet | None = None
    running_limit: int | None = None
    after: tuple[tuple[str, DependencyCondition], ...] = ()
    strict: bool = False
    retry_of: JobId | None = None
    like: Order | None = None
    """One before it in its list that differs from it in `OWN_FIELDS` of the spec only: what is checked of that need
    not be checked again."""


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key, and what the submission is."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class _Gathered:
    """A job that waits to be stored, and who waits for it."""

    work: Work
    actor: str
    stored: asyncio.Future[None]


class Submitting:
    """The service behind the routes that submit."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._gathered: list[_Gathered] = []
        self._writing: asyncio.Task[None] | None = None
        self.before_submit: Callable[[Principal, JobSpec], Awaitable[None]] = _no_more_checks
        """Raises an error if the job names what its owner does not have."""

    async def answered(self, principal: Principal, once: Once) -> Any:
        """What was answered to this submission before; None if it is new.

        Raises:
            Conflict: another submission was sent with this key.
            InvalidInput: it is no key.
        """
        if not once.key or len(once.key) > _LONGEST_KEY or not once.key.isprintable():
            raise InvalidInput(
                f"Idempotency-Key must have between 1 and {_LONGEST_KEY} printable characters.", field="Idempotency-Key"
            )
        found = await self._db.read(submissions.answer, _who(principal), once.key)
        return None if found is None else _same(found, once)

    async def submit(self, principal: Principal, order: Order, once: Once | None = None) -> dict[str, Any]:
        """Store one job or array: the answer to its sender.

        Raises:
            InvalidInput: the request makes no sense anywhere, or waits for what is not there.
            Unsatisfiable: it is strict, and no node could ever run it.
            Conflict: the idempotency key stands for something else.
        """
        (work,) = await self._prepare(principal, [order])
        answer = job_views.created(work)
        if once is None:
            await self._gather(work, principal.actor)
            return answer
        return await self._db.write(self._insert_once, [work], answer, principal, once)

    async def check(self, principal: Principal, order: Order) -> None:
        """Raise what `submit` would raise for this order, and store nothing."""
        await self._prepare(principal, [order])

    async def submit_all(
        self, principal: Principal, orders: Sequence[Order], once: Once | None = None
    ) -> dict[str, Any]:
        """Store all of a list, or nothing. Raises as `submit`; the sentence says which entry is wrong."""
        if not 1 <= len(orders) <= MOST_AT_ONCE:
            raise InvalidInput(f"jobs must be a list of 1 to {MOST_AT_ONCE} jobs, not {len(orders)}.", field="jobs")
        works = await self._prepare(principal, orders, listed=True)
        answer = {"jobs": [{"id": work.id, "name": work.spec.name} for work in works]}
        return await self._db.write(self._insert_once, works, answer, principal, once)

    async def store(self, principal: Principal, order: Order) -> Work:
        """Store one job or array and return it as stored."""
        works = await self._prepare(principal, [order])
        return (await self._db.write(self._insert, works, principal.actor))[0]

    async def forget_keys(self) -> None:
        """Let go of idempotency keys that are old enough."""
        before = self._clock() - KEYS_KEPT_S
        await self._db.write(lambda tx: submissions.forget(tx.conn, before=before))

    async def _gather(self, work: Work, actor: str) -> None:
        """Store one of many that come at the same time: what came while a write was under way is written together."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathered.append(_Gathered(work, actor, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_gathered())
        await stored

    async def _write_gathered(self) -> None:
        try:
            while self._gathered:
                together, self._gathered = self._gathered[:_GATHERED_AT_ONCE], self._gathered[_GATHERED_AT_ONCE:]
                try:
                    await self._db.write(self._insert_gathered, together)
                except Exception as error:
                    await self._write_alone(together, error)
                for each in together:
                    if not each.stored.done():
                        each.stored.set_result(None)
        finally:
            self._writing = None

    async def _write_alone(self, together: Sequence[_Gathered], error: Exception) -> None:
        """One of those that were to be written together cannot be: each gets its own answer."""
        if len(together) == 1 or isinstance(error, Unavailable):
            for each in together:
                if not each.stored.done():
                    each.stored.set_exception(error)
            return
        for each in together:
            try:
                await self._db.write(self._insert_gathered, [each])
            except Exception as own:
                if not each.stored.done():
                    each.stored.set_exception(own)

    async def _prepare(self, principal: Principal, orders: Sequence[Order], *, listed: bool = False) -> list[Work]:
        now = self._clock()
        ids = [_new_id(order) for order in orders]
        for number, order in enumerate(orders):
            try:
                if order.like is not None:
                    check_own(order.spec)
                    check_labels(order.spec.labels)
                    continue
                self._check(order)
            except InvalidInput as error:
                if not listed:
                    raise
                field = f"jobs.{number}.{error.details['field']}" if "field" in error.details else f"jobs.{number}"
                raise type(error)(f"jobs[{number}]: {error}", **{**error.details, "field": field}) from None
            await self.before_submit(principal, order.spec)
        wanted = {name for order in orders for name, _ in order.after if not (listed and name.startswith("#"))}
        known = await self._db.read(_find_all, principal, sorted(wanted)) if wanted else {}
        if listed:
            known |= {f"#{number}": job_id for number, job_id in enumerate(ids)}
            _check_no_circle(orders)
        return [_work(order, ids[number], known, principal, now) for number, order in enumerate(orders)]

    def _check(self, order: Order) -> None:
        check_spec(order.spec)
        if order.retry_of is None:  # What is run again may have labels from before there were rules.
            check_labels(order.spec.labels)
        if len({name for name, _ in order.after}) != len(order.after):
            raise InvalidInput("after must name each job once.", field="after")
        if order.strict:
            probe = _work(replace(order, after=()), JobId(""), {}, None, 0.0)
            job = probe.an_element() if isinstance(probe, JobArray) else probe
            reason = satisfiable(self._projection.board.snapshot(), shape_of(job))
            if reason is not None:
                raise Unsatisfiable(f"Not submitted: {reason.message}.", reason=str(reason.code))

    def _insert_once(
        self, tx: Transaction, works: Sequence[Work], answer: dict[str, Any], principal: Principal, once: Once | None
    ) -> dict[str, Any]:
        if once is not None:
            found = submissions.claim(
                tx.conn,
                _who(principal),
                once.key,
                digest=once.digest,
                reply=orjson.dumps(answer).decode(),
                now=works[0].submitted_at,
            )
            if found is not None:
                return _same(found, once)
        self._insert(tx, works, principal.actor)
        return answer

    def _insert_gathered(self, tx: Transaction, together: Sequence[_Gathered]) -> None:
        for actor, run in groupby(together, key=lambda each: each.actor):
            self._insert(tx, [each.work for each in run], actor)

    def _insert(self, tx: Transaction, works: Sequence[Work], actor: str) -> list[Work]:
        self._admit(tx.conn, works)
        if any(work.spec.volumes for work in works):
            works = volumes.bind(tx, works, actor)
        stored: list[Work] = []
        for is_array, run in groupby(works, key=lambda work: isinstance(work, JobArray)):
            if is_array:
                stored += [array_store.insert_array(tx.conn, work) for work in run if isinstance(work, JobArray)]
            else:
                stored += job_store.insert_jobs(tx.conn, [work for work in run if isinstance(work, Job)])
        labels = [(f"{key}={value}", work.seq) for work in stored for key, value in work.spec.labels.items()]
        job_store.insert_labels(tx.conn, labels)
        for work in stored:
            tx.record(_submitted(work, actor))
        jobs = [work for work in stored if isinstance(work, Job)]
        if jobs:
            tx.after(self._projection.submitted, jobs)
        for work in stored:
            if isinstance(work, JobArray):
                tx.after(self._projection.put_array, work)
        return stored

    def _admit(self, conn: Connection, works: Sequence[Work]) -> None:
        """Raise `TooManyRequests` if a queue does not take so many more jobs."""
        coming = Counter[tuple[QueueId, UserId | None]]()
        for work in works:
            size = len(work.indices) if isinstance(work, JobArray) else 1
            coming[(work.spec.queue_id, work.owner_id)] += size
        for (queue_id, owner_id), count in coming.items():
            queue = self._projection.queues.get(queue_id)
            if queue is not None:
                admit(conn, queue, owner_id, count)


async def _no_more_checks(principal: Principal, spec: JobSpec) -> None:
    return None


def _submitted(work: Work, actor: str) -> Event:
    facts: dict[str, Any] = {"name": work.spec.name, "state": str(work.state), "attempt": 0}
    if isinstance(work, JobArray):
        facts["array"] = array_text(work)
    if work.retry_of is not None:
        facts["retry_of"] = work.retry_of
    if work.spec.exclusive:
        facts["exclusive"] = True
    facts["retries_allowed"] = {str(each): n for each in RetryClass if (n := work.spec.allowed_retries(each))}
    return Event(
        kind=EventKind.JOB_SUBMITTED,
        at=work.submitted_at,
        job_id=work.id,
        queue_id=work.spec.queue_id,
        user_id=work.owner_id,
        actor=actor,
        data=facts,
    )


def _new_id(order: Order) -> JobId:
    job_id = JobId(str(uuid.uuid4()))
    return job_id if order.indices is None else array_id_from(job_id)


def _work(order: Order, job_id: JobId, known: dict[str, JobId], principal: Principal | None, now: float) -> Work:
    spec, after = order.spec, ()
    if order.after:
        after = tuple(_dependency(name, condition, known) for name, condition in order.after)
        spec = replace(spec, after=after)
    owner_id = principal.user_id if principal is not None else None
    held = Hold.DEPENDENCY if after else None
    if order.indices is None:
        return Job(
            id=job_id,
            seq=0,
            spec=spec,
            state=JobState.QUEUED,
            owner_id=owner_id,
            submitted_at=now,
            updated_at=now,
            waterfall={"submitted": now},
            held=held,
            retry_of=order.retry_of,
        )
    return JobArray(
        id=job_id,
        seq=0,
        spec=spec,
        indices=order.indices,
        waiting=order.indices,
        running_limit=order.running_limit,
        state=JobState.QUEUED,
        owner_id=owner_id,
        submitted_at=now,
        updated_at=now,
        held=held,
        retry_of=order.retry_of,
    )


def _dependency(name: str, condition: DependencyCondition, known: dict[str, JobId]) -> Dependency:
    on_id = known.get(name)
    if on_id is None:
        raise InvalidInput(f"after: there is no entry {name} in this list; its first is #0.", field="after")
    return Dependency(on_id, condition)


def _find_all(conn: Connection, principal: Principal, names: Sequence[str]) -> dict[str, JobId]:
    found: dict[str, JobId] = {}
    for name in names:
        try:
            found[name] = find_any(conn, principal, name).id
        except NotFound:
            raise InvalidInput(
                f"after: there is no job {name[:80]!r} that you can see; name it by its id.", field="after"
            ) from None
    return found


def _check_no_circle(orders: Sequence[Order]) -> None:
    """Raise `InvalidInput` if an entry of a list waits for itself, or several for each other in a circle."""
    waits: dict[str, list[str]] = {}
    for number, order in enumerate(orders):
        if names := [name for name, _ in order.after if name.startswith("#")]:
            waits[f"#{number}"] = names
            if f"#{number}" in names:
                raise InvalidInput(f"after: the entry #{number} cannot wait for itself.", field="after")
    free = list(waits)
    while waits and free:
        free = [name for name, names in waits.items() if not any(other in waits for other in names)]
        for name in free:
            del waits[name]
    if waits:
        circle = ", ".join(list(waits)[:5])
        raise InvalidInput(f"after: the entries {circle} wait for each other in a circle.", field="after")


def _who(principal: Principal) -> str:
    return principal.user_id or principal.actor


def _same(found: tuple[str, str], once: Once) -> Any:
    digest, reply = found
    if digest != once.digest:
        raise Conflict(
            f"The Idempotency-Key {once.key!r} was used for another submission; use a new key for a new one.",
            field="Idempotency-Key",
        )
    return orjson.loads(reply)
