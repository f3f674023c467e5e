"""The two calls of agents: their report, and the output of their replicas."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Path as PathParam
from fastapi import Query, Request
from fastapi.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.node import read_report, write_legacy_reply, write_reply
from lilac.control.platform import Platform
from lilac.control.principals import Principal
from lilac.model.errors import Forbidden, InvalidInput, LogGap, NotFound
from lilac.model.ids import INT64_MAX, ClusterId, JobId, NodeId, ReplicaKey, parse_uuid
from lilac.model.resources import INT32_MAX
from lilac.model.states import ReplicaState

routes = router("agents")
MAX_CHUNK_BYTES = 1 << 20


@routes.post("/node/{node_id}/status", operation_id="report_node_status")
async def report_status(node_id: str, request: Request, principal: Caller) -> Response:
    """Tell the machine and every replica on it; get the full list of replicas that it should hold."""
    platform: Platform = request.app.state.platform
    known_id = parse_uuid(node_id)
    if known_id is None:
        raise InvalidInput(f"A node id is a UUID, not {node_id!r}.", field="node_id")
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The report is not JSON: {error}.") from None
    told = read_report(body)
    answer = await platform.nodes.status(NodeId(known_id), _cluster(principal), told)
    if told.inventory.legacy:
        return Json(write_legacy_reply(answer))
    seen_before = [h.replica.key for h in answer.held if h.replica.state is not ReplicaState.ASSIGNED]
    sizes = {key: await platform.logs.size(key) for key in seen_before}
    return Json(write_reply(answer, sizes, await platform.secrets.for_node(answer.held)))


@routes.post("/node/{node_id}/logs/{job_id}/{attempt}/{rank}", operation_id="append_replica_output")
async def append_output(
    node_id: str,
    job_id: str,
    attempt: Annotated[int, PathParam(ge=0, le=INT32_MAX)],
    rank: Annotated[int, PathParam(ge=0, le=INT32_MAX)],
    request: Request,
    principal: Caller,
    offset: Annotated[int, Query(ge=0, le=INT64_MAX)],
    end: bool = False,
) -> Response:
    """Append output of a replica; `offset` is where the body begins in the whole of it."""
    platform: Platform = request.app.state.platform
    key = ReplicaKey(JobId(parse_uuid(job_id) or ""), attempt, rank)
    await _check_holder(platform, NodeId(parse_uuid(node_id) or ""), key, _cluster(principal))
    data = await request.body()
    if len(data) > MAX_CHUNK_BYTES:
        raise InvalidInput(f"A chunk of output is at most {MAX_CHUNK_BYTES} bytes long, not {len(data)}.")
    try:
        stored = await platform.logs.append(key, offset, data, end=end)
        platform.metrics.logged(len(data))
        return Json({"offset": stored})
    except LogGap as gap:
        return Json({"error": str(gap), "code": gap.code, "offset": gap.details["offset"]}, 409)


async def _check_holder(platform: Platform, node_id: NodeId, key: ReplicaKey, cluster_id: ClusterId) -> None:
    station = platform.projection.fleet.get(node_id)
    if station is not None and station.node.cluster_id != cluster_id:
        raise Forbidden("The node belongs to another cluster than this key.")
    if station is not None and key in station.held:
        return
    await platform.follower.catch_up()  # another replica of the control plane may have assigned it just now
    station = platform.projection.fleet.get(node_id)
    replica = await platform.jobs.replica(key) if key.job_id else None
    if station is None or replica is None or replica.node_id != node_id:
        raise NotFound(f"Replica {key} is not known on this node.")


def _cluster(principal: Principal) -> ClusterId:
    if principal.cluster_id is None:
        raise Forbidden("Only agents may call this, with the key of their cluster.")
    return principal.cluster_id
