"""Whether the server lives, whether it can take work, and which version it is."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

import lilac
from lilac.api.auth import router
from lilac.api.replies import Json
from lilac.api.schemas.events import HealthShape, VersionShape

routes = router("health")


@routes.get("/health", operation_id="getHealth", response_model=HealthShape)
async def health() -> Response:
    """The process lives."""
    return Json({"status": "ok", "version": lilac.__version__})


@routes.get("/health/ready", operation_id="getReadiness", response_model=HealthShape)
async def ready(request: Request) -> Response:
    """The server can take work: 200, or 503 while it starts or stops. `leader` tells whether it is the one of several
    replicas that schedules; each serves all routes.
    """
    is_ready = bool(request.app.state.platform.ready)
    platform = request.app.state.platform
    body: dict[str, object] = {"status": "ready" if is_ready else "not ready", "version": lilac.__version__}
    if (lead := getattr(platform, "lead", None)) is not None:
        body["leader"] = lead.leads
    if is_ready:
        return Json(body)
    return Json({"error": "The server is not ready; try again shortly.", "code": "unavailable", **body}, 503)


@routes.get("/version", operation_id="getVersion", response_model=VersionShape)
async def version() -> Response:
    return Json({"version": lilac.__version__})
