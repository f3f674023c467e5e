"""What jobs, nodes and clusters use over time, and the call by which agents tell it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from fastapi.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.usage import ClusterUsageShape, JobUsageShape, NodeUsageShape, read_usage
from lilac.control.platform import Platform
from lilac.control.times import rfc3339
from lilac.control.usage import Window
from lilac.model.errors import Forbidden, InvalidInput
from lilac.model.ids import NodeId, parse_uuid
from lilac.model.resources import INT32_MAX

routes = router("usage")

Since = Annotated[float | None, Query(ge=0, le=1e11, description="Seconds since the epoch; by default an hour ago.")]
Until = Annotated[float | None, Query(ge=0, le=1e11, description="Seconds since the epoch; by default now.")]
Step = Annotated[int | None, Query(ge=1, le=86_400, description="Seconds that make one sample.")]


@routes.get("/training_jobs/{job}/usage", operation_id="get_job_usage", response_model=JobUsageShape)
async def job_usage(
    job: str,
    request: Request,
    principal: Caller,
    attempt: Annotated[int | None, Query(ge=1, le=INT32_MAX)] = None,
    rank: Annotated[int | None, Query(ge=0, le=INT32_MAX, description="By default all replicas together.")] = None,
    since: Since = None,
    until: Until = None,
    step: Step = None,
) -> Response:
    """What a job uses: CPU, memory and GPUs over time, for its last attempt or another, with peaks and means."""
    platform: Platform = request.app.state.platform
    found = await platform.jobs.get(principal, job)
    number = attempt if attempt is not None else found.attempt
    if since is None and found.finished_at is not None:
        since = max((found.started_at or found.submitted_at), found.finished_at - 3600) - 10
        until = until if until is not None else found.finished_at + 10
    window = platform.usage.window(since, until, step)
    samples = await platform.usage.of_job(found.id, number, rank, window)
    totals = await platform.usage.totals(found.id)
    told = {
        "job_id": found.id,
        "attempt": number,
        "rank": rank,
        "replicas": [
            {"rank": place[1], **figures}
            for place, figures in sorted(totals.items())
            if place[0] == number and rank in (None, place[1])
        ],
    }
    return Json(told | _series(window, samples))


@routes.get("/nodes/{node}/usage", operation_id="get_node_usage", response_model=NodeUsageShape)
async def node_usage(
    node: str, request: Request, since: Since = None, until: Until = None, step: Step = None
) -> Response:
    """What the whole machine uses over time, jobs or not, and what jobs were given of it."""
    platform: Platform = request.app.state.platform
    found = (await platform.directory.node(node)).node
    window = platform.usage.window(since, until, step)
    samples = await platform.usage.of_node(found.id, window)
    inventory = found.inventory
    capacity = _capacity(inventory.cpu_millicores, inventory.memory_mb, len(inventory.gpus))
    capacity["gpu_memory_mb"] = sum(gpu.memory_mb for gpu in inventory.gpus)
    return Json({"node_id": found.id, "node_name": found.name, "capacity": capacity} | _series(window, samples))


@routes.get("/clusters/{cluster}/usage", operation_id="get_cluster_usage", response_model=ClusterUsageShape)
async def cluster_usage(
    cluster: str, request: Request, since: Since = None, until: Until = None, step: Step = None
) -> Response:
    """What the cluster's nodes use together over time and what jobs were given of them, beside what they have."""
    platform: Platform = request.app.state.platform
    use = await platform.directory.cluster_use(cluster)
    window = platform.usage.window(since, until, step)
    samples = await platform.usage.of_cluster(use.cluster.id, window)
    told = {
        "cluster_id": use.cluster.id,
        "cluster_name": use.cluster.name,
        "capacity": _capacity(use.total_millicores, use.total_memory_mb, use.total_gpus),
        "allocated": _capacity(use.used_millicores, use.used_memory_mb, use.used_gpus),
    }
    return Json(told | _series(window, samples))


@routes.post("/node/{node_id}/usage", operation_id="report_node_usage")
async def report_usage(node_id: str, request: Request, principal: Caller) -> Response:
    """Tell what the machine and its replicas use; the reply says after how many seconds to tell again."""
    platform: Platform = request.app.state.platform
    known_id = parse_uuid(node_id)
    if known_id is None:
        raise InvalidInput(f"A node id is a UUID, not {node_id!r}.", field="node_id")
    if principal.cluster_id is None:
        raise Forbidden("Only agents may call this, with the key of their cluster.")
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The samples are not JSON: {error}.") from None
    if platform.projection.fleet.get(NodeId(known_id)) is None:
        await platform.follower.catch_up()  # it may have joined by another replica of the control plane just now
    next_s = platform.usage.take(NodeId(known_id), principal.cluster_id, read_usage(body))
    return Json({"next_s": next_s})


def _series(window: Window, samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "since": rfc3339(window.since),
        "until": rfc3339(window.until),
        "step_s": window.step_s,
        "samples": [{**sample, "at": rfc3339(sample["at"])} for sample in samples],
    }


def _capacity(cpu_millicores: int, memory_mb: int, gpus: int) -> dict[str, int]:
    return {"cpu_millicores": cpu_millicores, "memory_mb": memory_mb, "gpus": gpus}
