"""New work: a job, a list of jobs, an array, a job once more; and ending many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Header, Request
from fastapi.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.routers.job_lists import text_to_find
from lilac.api.schemas.job_replies import CancelledShape, CreatedJobShape, CreatedJobsShape
from lilac.api.schemas.jobs import CancelJobs, SubmitJob, SubmitJobs, WhichJobs
from lilac.control.platform import Platform
from lilac.control.principals import Principal
from lilac.control.submitting import MOST_AT_ONCE, Once, Order
from lilac.model.errors import InvalidInput
from lilac.model.ids import QueueId
from lilac.model.jobs import OWN_FIELDS
from lilac.store.listing import JobFilter

routes = router("jobs")


@routes.post("/training_jobs", status_code=201, operation_id="submit_job", response_model=CreatedJobShape)
async def submit(
    body: SubmitJob, request: Request, principal: Caller, idempotency_key: str | None = Header(None)
) -> Response:
    """Submit a job, or an array of jobs."""
    platform: Platform = request.app.state.platform
    submitting = platform.jobs.submitting
    once = await _once(request, idempotency_key)
    if once is not None and (answered := await submitting.answered(principal, once)) is not None:
        return Json(answered, 201)
    order = body.order(platform.jobs.queue(body.queue_id).id)
    return Json(await submitting.submit(principal, order, once), 201)


@routes.post("/training_jobs/bulk", status_code=201, operation_id="submit_jobs", response_model=CreatedJobsShape)
async def submit_all(
    body: SubmitJobs, request: Request, principal: Caller, idempotency_key: str | None = Header(None)
) -> Response:
    """Submit many jobs: all of them are stored, or none. `after` may name another entry of the list as `#2`."""
    platform: Platform = request.app.state.platform
    submitting = platform.jobs.submitting
    once = await _once(request, idempotency_key)
    if once is not None and (answered := await submitting.answered(principal, once)) is not None:
        return Json(answered, 201)
    queues = {name: platform.jobs.queue(name).id for name in {job.queue_id for job in body.jobs}}
    orders = _orders(body.jobs, (await request.json())["jobs"], queues)
    return Json(await submitting.submit_all(principal, orders, once), 201)


@routes.post("/training_jobs/cancel", operation_id="cancel_jobs", response_model=CancelledShape)
async def cancel_all(body: CancelJobs, request: Request, principal: Caller) -> Response:
    """End all jobs that are named or match. What has ended already is left as it is."""
    platform: Platform = request.app.state.platform
    if not body.jobs and body.where is None:
        raise InvalidInput("Say which jobs: give jobs (ids or names) or where (a filter).", field="jobs")
    where = await _where(platform, principal, body.where) if body.where is not None else None
    done = await platform.jobs.cancelling.cancel_all(principal, names=body.jobs or (), where=where)
    return Json({"cancelled": done.cancelled, "ended": done.ended, "unknown": done.unknown})


@routes.post("/training_jobs/{job}/retry", status_code=201, operation_id="retry_job", response_model=CreatedJobShape)
async def retry(job: str, request: Request, principal: Caller) -> Response:
    """Run a job that failed or was cancelled again, as a new job. Of an array: those elements that did."""
    platform: Platform = request.app.state.platform
    return Json(await platform.jobs.retry(principal, job), 201)


def _orders(
    jobs: Sequence[SubmitJob], written: Sequence[Mapping[str, Any]], queues: Mapping[str, QueueId]
) -> list[Order]:
    """What a list asks for, as long as its arrays have a size that can be kept.

    `written` is the same as it was sent: where it says the same as one before, but for what alike jobs differ in, the
    order is made from that one's.
    """
    orders: list[Order] = []
    ranges = 0
    model: Order | None = None
    common: dict[str, Any] = {}
    for job, text in zip(jobs, written, strict=True):
        rest = {key: value for key, value in text.items() if key not in OWN_FIELDS}
        if model is not None and rest == common:
            orders.append(job.order_like(model))
        else:
            model, common = job.order(queues[job.queue_id]), rest
            orders.append(model)
        indices = orders[-1].indices
        ranges += len(indices.ranges) if indices is not None else 0
        if ranges > MOST_AT_ONCE:
            raise InvalidInput(
                f"jobs: the arrays of one list must have at most {MOST_AT_ONCE} ranges of indices together; "
                "send several lists.",
                field="jobs",
            )
    return orders


async def _once(request: Request, key: str | None) -> Once | None:
    """What makes this submission the same as another: its key, its route and its body, however it is spelled."""
    if key is None:
        return None
    try:
        body = orjson.dumps(orjson.loads(await request.body()), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise InvalidInput("The body is nested too deeply for a submission with an Idempotency-Key.") from None
    path: str = request.scope["path"]
    return Once(key.strip(), hashlib.sha256(path.encode() + b"\n" + body).hexdigest())


async def _where(platform: Platform, principal: Principal, wanted: WhichJobs) -> JobFilter:
    """A filter that says something, of jobs that have not ended and are the caller's to end."""
    if not wanted.model_dump(exclude_defaults=True):
        raise InvalidInput("where must have at least one condition, such as {'queue_id': 'default'}.", field="where")
    if wanted.q == "":
        raise InvalidInput("where.q must not be empty: every name has that in it.", field="where.q")
    facts: dict[str, Any] = {}
    if wanted.owner is not None:
        facts["owner_id"] = await platform.jobs.owner_id(principal, wanted.owner)
    if not principal.is_admin:
        if facts.get("owner_id", principal.user_id) != principal.user_id:
            raise InvalidInput("where.owner: only administrators end jobs of others.", field="where.owner")
        facts["owner_id"] = principal.user_id
    open_states = JobFilter.open_states()
    return JobFilter(
        name=wanted.name,
        states=tuple(state for state in open_states if wanted.status is None or state in wanted.status),
        queue_id=platform.jobs.queue(wanted.queue_id).id if wanted.queue_id is not None else None,
        labels=[f"{key}={value}" for key, value in wanted.labels.items()],
        text=text_to_find(wanted.q, "where.q"),
        kind=wanted.kind,
        **facts,
    )
