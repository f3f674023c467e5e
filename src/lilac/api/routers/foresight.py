"""Plans: the last one, what it was made from, and what would be if."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.foresight import LineShape, PlanShape, WhatIfBody, WhatIfShape
from lilac.control.foresight import Question

routes = router("plans")


@routes.post("/what-if", operation_id="whatIf", response_model=WhatIfShape)
async def what_if(request: Request, caller: Caller, body: WhatIfBody) -> Response:
    """Which waiting jobs would start earlier or later, and when a job would start, if something were different.

    Nothing is changed. A job to be submitted is checked as at submission; of an array, its first element is told of,
    and jobs named in `after` count as ended. Times are the latest to expect: every job runs to its limit, and nobody
    makes room for another.
    """
    platform = request.app.state.platform
    order = body.submit.order(platform.jobs.queue(body.submit.queue_id).id) if body.submit is not None else None
    if order is not None:
        await platform.jobs.submitting.check(caller, order)
    question = Question(
        submit=order.spec if order is not None else None,
        cancel=body.cancel,
        priorities={each.job: each.priority for each in body.priorities},
        drain=body.drain,
        add_nodes={each.like: each.count for each in body.add_nodes},
    )
    return Json(await platform.foresight.what_if(caller, question))


@routes.get("/plan", operation_id="getPlan", response_model=PlanShape)
async def get_plan(request: Request) -> Response:
    """What the scheduler decided last, and why the first kinds of waiting jobs wait."""
    return Json(request.app.state.platform.foresight.last_plan())


@routes.get("/queues/{queue}/line", operation_id="getLine", response_model=LineShape)
async def get_line(
    request: Request, caller: Caller, queue: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """The waiting jobs of a queue in turn (members: their own), with place, expected start, and why each waits."""
    return Json(await request.app.state.platform.foresight.line(caller, queue, limit))


@routes.get("/plan/snapshot", operation_id="getSnapshot")
async def get_snapshot(request: Request) -> Response:
    """The whole state as the scheduler sees it, for `lilac replay`."""
    return Json(request.app.state.platform.foresight.snapshot())
