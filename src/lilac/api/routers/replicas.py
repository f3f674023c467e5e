"""The replicas of the control plane: which are there, and which one leads."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import router
from lilac.api.replies import Json
from lilac.api.schemas.events import ReplicasShape
from lilac.control.platform import Platform
from lilac.control.replicas import PATIENCE_S
from lilac.control.times import rfc3339
from lilac.store import leases

routes = router("replicas")


@routes.get("/replicas", operation_id="listReplicas", response_model=ReplicasShape)
async def list_replicas(request: Request) -> Response:
    """The live replicas of this control plane. `epoch` grows by one whenever another one takes the lead."""
    platform: Platform = request.app.state.platform
    if platform.replicas is None:
        return Json({"replicas": [], "epoch": 0, "leading_since": None})
    rows = await platform.db.read(lambda conn: leases.list_control_planes(conn, patience_s=PATIENCE_S))
    leader = await platform.db.read(leases.leader)
    leads = leader.holder if leader is not None and leader.valid else None
    return Json(
        {
            "replicas": [
                {
                    "id": row.id,
                    "name": row.name,
                    "address": row.address,
                    "version": row.version,
                    "started_at": rfc3339(row.started_at),
                    "seen_at": rfc3339(row.seen_at),
                    "leader": row.id == leads,
                }
                for row in rows
                if row.live
            ],
            "epoch": leader.epoch if leader is not None else 0,
            "leading_since": rfc3339(leader.since) if leader is not None and leads else None,
        }
    )
