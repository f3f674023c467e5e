"""Queues: where jobs wait for the clusters that they target."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.schemas.clusters import QueueBody, QueueChanges, QueueShape
from lilac.api.schemas.job_replies import QueueJobsShape
from lilac.api.wire import queue_to_wire
from lilac.control.directory import Directory, QueueUse, QueueWanted
from lilac.control.principals import Principal
from lilac.model.jobs import Job
from lilac.model.states import JobState
from lilac.store.listing import JobFilter

routes = router("queues")

MOST_JOBS = 1000


@routes.post("/queues", operation_id="createQueue", response_model=QueueShape)
async def create_queue(request: Request, caller: Caller, body: QueueBody) -> Response:
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.create_queue(caller, _wanted(body)))


@routes.get("/queues", operation_id="listQueues", response_model=list[QueueShape])
async def list_queues(request: Request) -> Response:
    """All queues; the one that runs first, with the lowest priority number, comes first."""
    directory = request.app.state.platform.directory
    return Json([queue_to_wire(each, directory.held_in(each.queue.id)) for each in await directory.queues()])


@routes.get("/queues/{queue}", operation_id="getQueue", response_model=QueueShape)
async def get_queue(request: Request, queue: str) -> Response:
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.queue(queue))


@routes.put("/queues/{queue}", operation_id="replaceQueue", response_model=QueueShape)
async def replace_queue(request: Request, caller: Caller, queue: str, body: QueueBody) -> Response:
    """Replace name, priority and targets. What else a queue has stays as it is where it is left out."""
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.replace_queue(caller, queue, _wanted(body)))


@routes.patch("/queues/{queue}", operation_id="editQueue", response_model=QueueShape)
async def edit_queue(request: Request, caller: Caller, queue: str, body: QueueChanges) -> Response:
    """Change some fields of a queue. The order of `cluster_targets` is the order of preference."""
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.edit_queue(caller, queue, body.changes()))


@routes.post("/queues/{queue}/pause", operation_id="pauseQueue", response_model=QueueShape)
async def pause_queue(request: Request, caller: Caller, queue: str) -> Response:
    """Start nothing more of this queue. What runs goes on."""
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.edit_queue(caller, queue, {"paused": True}))


@routes.post("/queues/{queue}/resume", operation_id="resumeQueue", response_model=QueueShape)
async def resume_queue(request: Request, caller: Caller, queue: str) -> Response:
    """Let jobs of a paused queue start again."""
    directory = request.app.state.platform.directory
    return _reply(directory, await directory.edit_queue(caller, queue, {"paused": False}))


@routes.delete("/queues/{queue}", operation_id="deleteQueue", response_class=Response)
async def delete_queue(request: Request, caller: Caller, queue: str, cancel_waiting: bool = False) -> Response:
    """Delete a queue; 409 while jobs wait in it, unless they are to be cancelled. Jobs of it that run go on."""
    await request.app.state.platform.directory.delete_queue(caller, queue, cancel_waiting=cancel_waiting)
    return nothing()


@routes.get("/queues/{queue}/jobs", operation_id="listQueueJobs", response_model=QueueJobsShape)
async def list_queue_jobs(request: Request, caller: Caller, queue: str) -> Response:
    """The jobs that wait in the queue, the oldest first (the newest 1,000 of them)."""
    platform = request.app.state.platform
    use = await platform.directory.queue(queue)
    jobs = await list_whole(platform, caller, JobFilter(queue_id=use.queue.id, states=(JobState.QUEUED,)))
    return Json({"jobs": [platform.jobs.render(job, caller) for job in reversed(jobs)]})


async def list_whole(platform: Any, caller: Principal, where: JobFilter) -> list[Job]:
    """The jobs of a list without pages, as many as are given at once."""
    return await platform.jobs.list(caller, where, limit=MOST_JOBS)


def _reply(directory: Directory, use: QueueUse) -> Response:
    return Json(queue_to_wire(use, directory.held_in(use.queue.id)))


def _wanted(body: QueueBody) -> QueueWanted:
    return QueueWanted(
        name=body.name,
        priority=body.priority,
        cluster_targets=tuple(body.cluster_targets),
        paused=body.paused,
        more=body.options(),
    )
