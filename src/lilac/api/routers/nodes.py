"""Nodes: looking at them, taking them out of service and back."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.schemas.clusters import NodeShape, NodesShape
from lilac.api.wire import node_to_wire
from lilac.control.directory import NodeUse

routes = router("nodes")


@routes.get("/nodes", operation_id="listNodes", response_model=NodesShape)
async def list_nodes(request: Request) -> Response:
    """The nodes of all clusters."""
    nodes = await request.app.state.platform.directory.nodes()
    return Json({"nodes": [_shown(request, node) for node in nodes]})


@routes.get("/nodes/{node}", operation_id="getNode", response_model=NodeShape)
async def get_node(request: Request, node: str) -> Response:
    return Json(_shown(request, await request.app.state.platform.directory.node(node)))


@routes.post("/nodes/{node}/drain", operation_id="drainNode", response_model=NodeShape)
async def drain_node(request: Request, caller: Caller, node: str) -> Response:
    """Give the node nothing new. What runs on it goes on."""
    return Json(_shown(request, await request.app.state.platform.directory.drain_node(caller, node)))


@routes.post("/nodes/{node}/resume", operation_id="resumeNode", response_model=NodeShape)
async def resume_node(request: Request, caller: Caller, node: str) -> Response:
    """Let a draining node take work again."""
    return Json(_shown(request, await request.app.state.platform.directory.resume_node(caller, node)))


@routes.delete("/nodes/{node}", operation_id="removeNode", response_class=Response)
async def remove_node(request: Request, caller: Caller, node: str) -> Response:
    """Forget a lost node; 409 for any other."""
    await request.app.state.platform.directory.remove_node(caller, node)
    return nothing()


def _shown(request: Request, use: NodeUse) -> dict[str, Any]:
    return node_to_wire(use, request.app.state.platform.projection.fleet.disk(use.node.id))
