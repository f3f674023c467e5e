"""Nodes: looking at them, taking them out of service and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.routers.events import EventFilter, event_page
from lilac.api.schemas.clusters import DrainBody, NodeChanges, NodeShape, NodesShape
from lilac.api.schemas.events import EventsShape
from lilac.api.schemas.job_replies import JobsShape
from lilac.api.wire import node_to_wire
from lilac.control.directory import NodeUse
from lilac.control.history import sight_of
from lilac.control.principals import Principal
from lilac.model.accounts import Role
from lilac.model.ids import INT64_MAX

routes = router("nodes")


@routes.get("/nodes", operation_id="listNodes", response_model=NodesShape)
async def list_nodes(request: Request, caller: Caller) -> Response:
    """The nodes of all clusters."""
    platform = request.app.state.platform
    return Json({"nodes": await shown_nodes(platform, caller, await platform.directory.nodes())})


@routes.get("/nodes/{node}", operation_id="getNode", response_model=NodeShape)
async def get_node(request: Request, caller: Caller, node: str) -> Response:
    return await _reply(request, caller, await request.app.state.platform.directory.node(node))


@routes.patch("/nodes/{node}", operation_id="editNode", response_model=NodeShape)
async def edit_node(request: Request, caller: Caller, node: str, body: NodeChanges) -> Response:
    """Set labels of a node; they go over those that its agent tells, and jobs can select nodes by them."""
    changed = await request.app.state.platform.directory.label_node(caller, node, body.labels)
    return await _reply(request, caller, changed)


@routes.get("/nodes/{node}/events", operation_id="listNodeEvents", response_model=EventsShape)
async def list_node_events(
    request: Request,
    caller: Caller,
    node: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int | None, Query(ge=0, le=INT64_MAX)] = None,
) -> Response:
    """The history of the node, in pages as at `/events`."""
    platform = request.app.state.platform
    use = await platform.directory.node(node)
    return await event_page(platform, EventFilter(node_id=use.node.id, sight=sight_of(caller)), after, limit)


@routes.get("/nodes/{node}/jobs", operation_id="listNodeJobs", response_model=JobsShape)
async def list_node_jobs(
    request: Request,
    caller: Caller,
    node: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=INT64_MAX, description="The `next` of the page before.")] = None,
) -> Response:
    """The jobs that run or ran on the node and that the caller may see, newest first."""
    platform = request.app.state.platform
    owner_id = caller.user_id if caller.role is Role.MEMBER else None
    found = await platform.directory.node_jobs(node, limit=limit, before_seq=before, owner_id=owner_id)
    await platform.jobs.know_owners(found)
    shown = [platform.jobs.render(job, caller) for job in found]
    return Json({"jobs": shown, "next": str(found[-1].seq) if len(found) == limit else None})


@routes.post("/nodes/{node}/drain", operation_id="drainNode", response_model=NodeShape)
async def drain_node(request: Request, caller: Caller, node: str, body: DrainBody | None = None) -> Response:
    """Give the node nothing new. What runs on it goes on, or is stopped and queued again at the deadline."""
    deadline_s = None if body is None else 0 if body.evict else body.deadline_s
    changed = await request.app.state.platform.directory.drain_node(caller, node, deadline_s)
    return await _reply(request, caller, changed)


@routes.post("/nodes/{node}/resume", operation_id="resumeNode", response_model=NodeShape)
async def resume_node(request: Request, caller: Caller, node: str) -> Response:
    """Let a draining node take work again."""
    return await _reply(request, caller, await request.app.state.platform.directory.resume_node(caller, node))


@routes.delete("/nodes/{node}", operation_id="removeNode", response_class=Response)
async def remove_node(request: Request, caller: Caller, node: str) -> Response:
    """Forget a lost node; 409 for any other."""
    await request.app.state.platform.directory.remove_node(caller, node)
    return nothing()


async def shown_nodes(platform: Any, caller: Principal, uses: Sequence[NodeUse]) -> list[dict[str, Any]]:
    """Nodes as the caller may see them: members are told name and owner of their own jobs only."""
    seen = {
        job_id: (name, owner_id)
        for use in uses
        for job_id, (name, owner_id) in use.holders.items()
        if caller.role is not Role.MEMBER or owner_id == caller.user_id
    }
    owners = await platform.jobs.owners_of({owner_id for _, owner_id in seen.values() if owner_id is not None})
    shown = {job_id: (name, owners.get(owner_id)) for job_id, (name, owner_id) in seen.items()}
    fleet = platform.projection.fleet
    gpus_now = platform.usage.gpus_now
    return [node_to_wire(use, fleet.disk(use.node.id), shown, gpus_now(use.node.id)) for use in uses]


async def _reply(request: Request, caller: Principal, use: NodeUse) -> Response:
    return Json((await shown_nodes(request.app.state.platform, caller, [use]))[0])
