"""The first page of whoever looks at the platform: what there is, and what needs a person."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.overview import AttentionShape, OverviewShape

routes = router("overview")


@routes.get("/overview", operation_id="getOverview", response_model=OverviewShape)
async def overview(request: Request, caller: Caller) -> Response:
    """Jobs that wait and run and those that ended in the last 24 hours (members: their own), nodes, and what they
    have."""
    return Json(await request.app.state.platform.overview.for_person(caller))


@routes.get("/attention", operation_id="getAttention", response_model=AttentionShape)
async def attention(request: Request, caller: Caller) -> Response:
    """What will not come right by itself: lost nodes, unhealthy GPUs, disks that are nearly full, waiting jobs that can
    never run (members: their own), paused queues in which jobs wait, keys that expire (one's own; for administrators
    also those of clusters)."""
    return Json(await request.app.state.platform.attention.for_person(caller))
