"""Clusters: groups of nodes, and the keys of their agents."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.routers.account import KEY_BODY, new_key_to_wire, read_key_body
from lilac.api.routers.nodes import shown_nodes
from lilac.api.routers.queues import list_whole
from lilac.api.schemas.accounts import ClusterKeyShape, NewKeyShape
from lilac.api.schemas.clusters import (
    ClusterIdShape,
    ClusterInfoShape,
    ClusterNodesShape,
    ClusterShape,
    ClustersShape,
    NewClusterBody,
)
from lilac.api.schemas.job_replies import ClusterJobsShape
from lilac.api.wire import cluster_info_to_wire, cluster_summary_to_wire, cluster_to_wire, key_to_wire
from lilac.model.ids import KeyId, parse_uuid
from lilac.store.listing import JobFilter

routes = router("clusters")


@routes.post("/clusters", operation_id="createCluster", response_model=ClusterIdShape)
async def create_cluster(request: Request, caller: Caller, body: NewClusterBody) -> Response:
    cluster = await request.app.state.platform.directory.create_cluster(
        caller, body.cluster_name, body.cluster_description
    )
    return Json({"cluster_id": cluster.id})


@routes.get("/clusters", operation_id="listClusters", response_model=ClustersShape)
async def list_clusters(request: Request) -> Response:
    clusters = await request.app.state.platform.directory.clusters()
    return Json({"clusters": [cluster_summary_to_wire(cluster) for cluster in clusters]})


@routes.get("/clusters/{cluster}", operation_id="getCluster", response_model=ClusterShape)
async def get_cluster(request: Request, cluster: str) -> Response:
    return Json(cluster_to_wire(await request.app.state.platform.directory.cluster(cluster)))


@routes.delete("/clusters/{cluster}", operation_id="deleteCluster", response_class=Response)
async def delete_cluster(request: Request, caller: Caller, cluster: str) -> Response:
    """Delete a cluster with its keys and lost nodes; 409 while live nodes or running jobs are in it."""
    platform = request.app.state.platform
    await platform.directory.delete_cluster(caller, cluster)
    platform.accounts.forget()
    return nothing()


@routes.get("/clusters/{cluster}/info", operation_id="getClusterInfo", response_model=ClusterInfoShape)
async def get_cluster_info(request: Request, cluster: str) -> Response:
    """What the cluster has and what of it is in use. Lost nodes do not count."""
    return Json(cluster_info_to_wire(await request.app.state.platform.directory.cluster_use(cluster)))


@routes.get("/clusters/{cluster}/nodes", operation_id="listClusterNodes", response_model=ClusterNodesShape)
async def list_cluster_nodes(request: Request, caller: Caller, cluster: str) -> Response:
    platform = request.app.state.platform
    return Json({"cluster_nodes": await shown_nodes(platform, caller, await platform.directory.nodes(cluster))})


@routes.get("/clusters/{cluster}/jobs", operation_id="listClusterJobs", response_model=ClusterJobsShape)
async def list_cluster_jobs(request: Request, caller: Caller, cluster: str) -> Response:
    """The newest jobs (at most 1,000) whose first replica is or was on a node of the cluster."""
    platform = request.app.state.platform
    found = await platform.directory.cluster(cluster)
    jobs = await list_whole(platform, caller, JobFilter(cluster_id=found.id))
    return Json({"cluster_jobs": [platform.jobs.render(job, caller) for job in jobs]})


@routes.post(
    "/clusters/{cluster}/api-keys",
    operation_id="createClusterKey",
    response_model=NewKeyShape,
    openapi_extra=KEY_BODY,
)
async def create_cluster_key(request: Request, caller: Caller, cluster: str) -> Response:
    """Make a key for the agents of the cluster's nodes. Its text is shown only in this reply."""
    platform = request.app.state.platform
    found = await platform.directory.cluster(cluster)
    wanted = await read_key_body(request)
    wanted.pop("scope", None)
    return Json(new_key_to_wire(await platform.accounts.keys.create_for_cluster(caller, found.id, **wanted)))


@routes.get("/clusters/{cluster}/api-keys", operation_id="listClusterKeys", response_model=list[ClusterKeyShape])
async def list_cluster_keys(request: Request, cluster: str) -> Response:
    platform = request.app.state.platform
    found = await platform.directory.cluster(cluster)
    return Json([key_to_wire(key) for key in await platform.accounts.keys.list_of_cluster(found.id)])


@routes.delete("/clusters/{cluster}/api-keys/{key_id}", operation_id="deleteClusterKey", response_class=Response)
async def delete_cluster_key(request: Request, caller: Caller, cluster: str, key_id: str) -> Response:
    platform = request.app.state.platform
    found = await platform.directory.cluster(cluster)
    await platform.accounts.keys.delete_of_cluster(caller, found.id, KeyId(parse_uuid(key_id) or key_id))
    return nothing()
