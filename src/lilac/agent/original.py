"""Working for a control plane of the original Lilac, which knows nothing of lists, attempts, output or waiting calls.

Its reply holds one job or none, told by the absence of `replicas` (wire contract, sections 2.4 and 2.5). It is taken
for a list: the job is a container of the image as it is, with all of the machine, held until the server names it no
more. So the rest of the agent, journal and adoption included, works as ever. What the server needs to hear is in
`job_info` of the report: `starting`, `running`, `succeeded` or `failed`, never `acknowledged`, which it refuses.

Calls are made one at a time: every 30 s, at once when something changed, and soon after the server took a job away, so
that it learns that the node is free. While a job that it took away still stops, nothing is said, since the server
would give the next one to a machine that is not free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lilac.agent.wire import Assignment, Desired, Listed, OriginalJob, Reply
from lilac.model.clusters import RuntimeName
from lilac.model.ids import ReplicaKey
from lilac.model.states import ReplicaState

HEARTBEAT_S = 30.0
SOON_S = 1.0
_STOP_PATIENCE_S = 60.0
_WORDS = {
    ReplicaState.ASSIGNED: "starting",
    ReplicaState.PREPARING: "starting",
    ReplicaState.RUNNING: "running",
    ReplicaState.SUCCEEDED: "succeeded",
    ReplicaState.FAILED: "failed",
    ReplicaState.STOPPED: "failed",
    ReplicaState.LOST: "failed",
}
_ACTIVE = (ReplicaState.ASSIGNED, ReplicaState.PREPARING, ReplicaState.RUNNING)


def as_list(reply: Reply, machine: Mapping[str, Any]) -> Reply:
    """The reply as a list of replicas, for a machine as the report describes it."""
    job = reply.original_job
    if job is None:
        return reply
    assignment = Assignment(
        key=_key(job),
        runtime=RuntimeName.DOCKER,
        job_name=job.job_id,
        image=job.image,
        cpu_millicores=machine["cpu_info"]["millicores"],
        memory_mb=machine["memory_info"],
        gpu_uuids=tuple(gpu["uuid"] for gpu in machine.get("gpus", ()) if gpu.get("healthy", True)),
    )
    listed = Listed(assignment=assignment, desired=Desired.RUN, known_state=ReplicaState.ASSIGNED)
    return replace(reply, replicas={listed.key: listed})


def job_info(job: OriginalJob | None, replicas: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What an original server is told of the job that it named last; None for a node that is free."""
    if job is None:
        return None
    held = next((told for told in replicas if told["job_id"] == job.job_id), None)
    if held is None:
        return None
    return {"current_job_id": job.job_id, "status": _WORDS[ReplicaState(held["state"])]}


def next_call_s(told: Mapping[str, Any], job: OriginalJob | None, replicas: Sequence[Mapping[str, Any]]) -> float:
    """How long until the next call, if nothing changes: `told` was sent, `job` answered, `replicas` are held now."""
    if job is not None:
        return HEARTBEAT_S
    if any(ReplicaState(held["state"]) in _ACTIVE for held in replicas):
        return _STOP_PATIENCE_S
    return SOON_S if told.get("job_info") is not None else HEARTBEAT_S


def _key(job: OriginalJob) -> ReplicaKey:
    return ReplicaKey(job.job_id, 1, 0)
