"""One job: look, cancel, explain, wait, logs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.events import JobEventsShape
from lilac.api.schemas.foresight import MoveJob
from lilac.api.schemas.job_replies import ExplanationShape, JobDetailShape
from lilac.api.schemas.jobs import AppendLogs, SetStatus
from lilac.api.wire import event_to_wire
from lilac.control import job_views
from lilac.control.platform import Platform
from lilac.control.principals import Principal
from lilac.model.errors import Conflict, Forbidden, InvalidInput
from lilac.model.ids import INT64_MAX, JobId, ReplicaKey, parse_uuid
from lilac.model.jobs import Job
from lilac.model.lifecycle import has_no_more_output
from lilac.model.resources import INT32_MAX
from lilac.model.states import is_terminal
from lilac.store import events as event_store

routes = router("jobs")
_READ_LIMIT = 8 << 20


@routes.get("/training_jobs/{job}", operation_id="get_job", response_model=JobDetailShape)
async def get_job(job: str, request: Request, principal: Caller) -> Response:
    """A job by id or name, with its attempts, its timings, and why it waits if it does."""
    return Json(await _detail(request.app.state.platform, principal, job))


@routes.patch("/training_jobs/{job}", operation_id="move_job", response_model=JobDetailShape)
async def move(job: str, request: Request, principal: Caller, body: MoveJob) -> Response:
    """Give a waiting job another priority or another queue; it keeps its order of submission."""
    platform: Platform = request.app.state.platform
    moved = await platform.turns.move(principal, job, priority=body.priority, queue_ref=body.queue_id)
    return Json(await _detail(platform, principal, moved.id))


@routes.post("/training_jobs/{job}/cancel", operation_id="cancel_job")
async def cancel(job: str, request: Request, principal: Caller) -> Response:
    """End a job. Its processes get SIGTERM, and SIGKILL after its grace period."""
    platform: Platform = request.app.state.platform
    await platform.jobs.cancel(principal, job)
    return Json(None)


@routes.get("/training_jobs/{job}/explain", operation_id="explain_job", response_model=ExplanationShape)
async def explain(job: str, request: Request, principal: Caller) -> Response:
    """Why a job waits, who holds what it needs, when it is expected to start, and what would start it now."""
    platform: Platform = request.app.state.platform
    found, told = await platform.jobs.explain(principal, job)
    holders = [h.job_id for h in told.reason.holders] if told is not None else []
    names = await platform.jobs.names_of(holders)
    node_name = platform.projection.fleet.node_name
    return Json(job_views.explanation_object(found, told, node_name=node_name, job_names=names))


@routes.get("/training_jobs/{job}/wait", operation_id="wait_for_job", response_model=JobDetailShape)
async def wait(
    job: str,
    request: Request,
    principal: Caller,
    timeout_s: float = Query(300, ge=0, le=300),
) -> Response:
    """The job, as soon as it has ended; as it is then, when the time is over before."""
    platform: Platform = request.app.state.platform
    ended = await platform.jobs.wait_ended(principal, job, timeout_s)
    return Json(await _detail(platform, principal, ended.id))


@routes.get("/training_jobs/{job}/events", operation_id="list_job_events", response_model=JobEventsShape)
async def job_events(
    job: str,
    request: Request,
    principal: Caller,
    after: int = Query(0, ge=0, le=INT64_MAX),
    limit: int = Query(1000, ge=1, le=1000),
) -> Response:
    """What happened to a job, oldest first."""
    platform: Platform = request.app.state.platform
    found = await platform.jobs.get(principal, job)
    events = await platform.db.read(event_store.list_events, after=after, limit=limit, job_id=found.id)
    return Json({"events": [event_to_wire(event) for event in events]})


@routes.get(
    "/training_jobs/{job}/logs",
    operation_id="read_job_logs",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def logs(
    job: str,
    request: Request,
    principal: Caller,
    attempt: int | None = Query(None, ge=1, le=INT32_MAX),
    rank: int = Query(0, ge=0, le=INT32_MAX),
    offset: int = Query(0, ge=-INT64_MAX, le=INT64_MAX, description="Where to begin; negative counts from the end."),
    limit: int = Query(_READ_LIMIT, ge=1, le=_READ_LIMIT),
    follow: bool = False,
    exact: bool = Query(False, description="With follow: end where bytes were not kept, instead of saying so there."),
    download: bool = Query(False, description="All that is kept, as a file; no other range."),
) -> Response:
    """A job's output, as it was written. With `follow`, on and on until it is complete.

    `X-Log-Offset` says where the reply begins, `X-Log-Size` how much was written, `X-Log-Complete` whether that is
    all. A reply without output that has `X-Log-Left-Out: 100-200` says that bytes 100 to 199 were not kept.
    """
    platform: Platform = request.app.state.platform
    found = await platform.jobs.get(principal, job)
    number = attempt if attempt is not None else found.attempt
    key = ReplicaKey(found.id, number, rank)
    size = await platform.logs.size(key) if number else 0
    begin = max(size + offset, 0) if offset < 0 else offset
    complete = await platform.logs.is_complete(key) if number else is_terminal(found.state)
    headers = {
        "X-Log-Offset": str(begin),
        "X-Log-Size": str(size),
        "X-Log-Attempt": str(number),
        "X-Log-Complete": str(complete).lower(),
    }
    media = "text/plain; charset=utf-8"
    if download:
        file = _file_name(f"{found.spec.name}.{number}.{rank}.log")
        headers |= {"X-Log-Offset": "0", "Content-Disposition": f"attachment; filename*=UTF-8''{file}"}
        return StreamingResponse(platform.logs.everything(key), media_type=media, headers=headers)
    if not follow:
        data = await platform.logs.read(key, begin, limit) if number else b""
        if number and not data and (gap := await platform.logs.left_out(key, begin)) is not None:
            headers["X-Log-Left-Out"] = f"{gap[0]}-{gap[1]}"
        return Response(data, media_type=media, headers=headers)
    stream = _follow(platform, principal, found, key, begin, fixed=attempt is not None, exact=exact)
    return StreamingResponse(stream, media_type=media, headers=headers)


@routes.patch("/training_jobs/{job_id}/status", operation_id="set_job_status")
async def set_status(job_id: str, body: SetStatus, request: Request, principal: Caller) -> Response:
    """Set a job's state by hand, within the state table: for jobs whose node cannot tell their end any more."""
    platform: Platform = request.app.state.platform
    await platform.jobs.force_state(principal, JobId(_uuid(job_id, "job_id")), body.status)
    return Json(None)


@routes.post("/training_jobs/{job}/logs", operation_id="append_job_logs")
async def append_logs(job: str, body: AppendLogs, request: Request, principal: Caller) -> Response:
    """Append text to the output of a job's last attempt, as the original route promises."""
    platform: Platform = request.app.state.platform
    found = await platform.jobs.get(principal, job)
    if not principal.may_change(found.owner_id):
        raise Forbidden("Only the owner of a job or an administrator may add to its output.")
    if found.attempt == 0:
        raise InvalidInput(f"Job {found.spec.name} has not started yet, so it has no output.")
    if not platform.ships_no_output(found.node_id):
        raise Conflict(f"The output of job {found.spec.name} comes from its node's agent; nothing can be added to it.")
    await platform.logs.append(ReplicaKey(found.id, found.attempt, 0), None, body.logs.encode())
    return Json(None)


async def _detail(platform: Platform, principal: Principal, job: str) -> dict[str, Any]:
    detail = await platform.jobs.detail(principal, job)
    node_name = platform.projection.fleet.node_name
    attempts: list[dict[str, Any]] = []
    usage = await platform.usage.totals(detail.job.id)
    for attempt, replicas in detail.attempts:
        sizes = {r.key.rank: await platform.logs.size(r.key) for r in replicas}
        attempts.append(job_views.attempt_object(attempt, replicas, node_name, sizes, usage))
    shown = platform.jobs.render(detail.job, principal)
    shown["waiting"] = job_views.waiting_object(detail.waiting) if detail.waiting is not None else None
    shown["attempts"] = attempts
    return shown


async def _follow(
    platform: Platform, principal: Principal, job: Job, key: ReplicaKey, offset: int, *, fixed: bool, exact: bool
) -> AsyncIterator[bytes]:
    """Stream one attempt's output after the other, until the job (or the attempt that was asked for) is complete."""
    if key.attempt > job.attempt:
        job = await _attempt_begun(platform, principal, job, key.attempt)
    while key.attempt <= job.attempt:
        if key.attempt > 0:
            replica = await platform.jobs.replica(key)
            if replica is not None and has_no_more_output(replica):
                await platform.logs.end(key)
            async for chunk in platform.logs.follow(key, offset, exact=exact):
                yield chunk
        if fixed or platform.bus.closed.is_set():
            return
        job = await _next_attempt(platform, principal, job, key.attempt)
        if job.attempt == key.attempt:
            return
        key, offset = key._replace(attempt=job.attempt), 0


async def _attempt_begun(platform: Platform, principal: Principal, job: Job, attempt: int) -> Job:
    """The job as soon as it has this attempt, or cannot get it any more."""
    while job.attempt < attempt and not is_terminal(job.state) and not platform.bus.closed.is_set():
        job = await _next_attempt(platform, principal, job, job.attempt)
    return job


async def _next_attempt(platform: Platform, principal: Principal, job: Job, attempt: int) -> Job:
    """The job as soon as it has another attempt than this one, or none can come any more."""
    while not platform.bus.closed.is_set():
        with platform.bus.watching(job.id) as changed:
            job = await platform.jobs.get(principal, job.id)
            if job.attempt != attempt or is_terminal(job.state):
                break
            await changed
    return job


def _file_name(text: str) -> str:
    """A name for a file of the reader's, as a header may carry it (RFC 5987)."""
    return quote(text.replace("/", "_").replace("\\", "_"), safe="")


def _uuid(text: str, name: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise InvalidInput(f"{name} must be a UUID, not {text!r}.", field=name)
    return found
