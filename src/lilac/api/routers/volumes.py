"""Named volumes: directories that outlive jobs."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.schemas.volumes import VolumeBody, VolumeShape, VolumesShape
from lilac.control.times import rfc3339
from lilac.control.volumes import ShownVolume

routes = router("volumes")


@routes.get("/volumes", operation_id="listVolumes", response_model=VolumesShape)
async def list_volumes(request: Request, caller: Caller) -> Response:
    """One's own volumes; administrators see everybody's."""
    found = await request.app.state.platform.volumes.list(caller)
    return Json({"volumes": [_wire(each) for each in found]})


@routes.post("/volumes", operation_id="createVolume", response_model=VolumeShape, status_code=201)
async def create_volume(request: Request, caller: Caller, body: VolumeBody) -> Response:
    """Make a volume. Its data will be on the node of the first job that uses it."""
    return Json(_wire(await request.app.state.platform.volumes.create(caller, body.name)), 201)


@routes.get("/volumes/{volume}", operation_id="getVolume", response_model=VolumeShape)
async def get_volume(request: Request, caller: Caller, volume: str) -> Response:
    """A volume by name or id."""
    return Json(_wire(await request.app.state.platform.volumes.get(caller, volume)))


@routes.delete("/volumes/{volume}", operation_id="deleteVolume", response_class=Response)
async def delete_volume(request: Request, caller: Caller, volume: str) -> Response:
    """Delete a volume that no live job uses. The agent of its node deletes the data, as soon as it can be reached."""
    await request.app.state.platform.volumes.delete(caller, volume)
    return nothing()


def _wire(shown: ShownVolume) -> dict[str, Any]:
    volume = shown.volume
    return {
        "id": volume.id,
        "name": volume.name,
        "owner": shown.owner,
        "node_id": volume.node_id,
        "node_name": shown.node_name,
        "node_state": shown.node_state,
        "created_at": rfc3339(volume.created_at),
        "last_used_at": rfc3339(volume.last_used_at),
    }
