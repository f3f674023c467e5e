"""Jobs as objects of the API: the shapes of docs/explanation/http-api.md, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lilac.control.fleet import Progress
from lilac.control.times import rfc3339
from lilac.model.arrays import JobArray, array_text
from lilac.model.ids import NodeId
from lilac.model.jobs import WATERFALL, Attempt, Job, Replica
from lilac.model.resources import ResourceRequest
from lilac.model.retrying import RetryClass
from lilac.model.states import JobState
from lilac.scheduling import Explanation, Reason
from lilac.store.encoding import port_to_json


def created_job(job: Job) -> dict[str, Any]:
    """The reply to a submission, exactly as the original's."""
    return {
        "id": job.id,
        "name": job.spec.name,
        "definition": job.spec.image,
        "status": str(job.state),
        "node_id": job.node_id,
        "queue_id": job.spec.queue_id,
        "resource_requirements": requirements(job.spec.resources),
        "created_at": rfc3339(job.submitted_at),
        "updated_at": rfc3339(job.updated_at),
    }


def created(work: Job | JobArray) -> dict[str, Any]:
    """The reply to a submission of a job or an array."""
    if isinstance(work, Job):
        return created_job(work)
    return created_job(work.as_job()) | {"array": array_text(work)}


def job_object(
    found: Job | JobArray,
    *,
    queue_name: str | None,
    owner: str | None,
    node_name: str | None,
    with_env: bool,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """A job or an array as every other route shows it: the original's fields, and ours."""
    job = found.as_job() if isinstance(found, JobArray) else found
    spec = job.spec
    return {
        "job_id": job.id,
        "job_name": spec.name,
        "job_status": str(job.state),
        "node_id": job.node_id,
        "queue_id": spec.queue_id,
        "resource_requirements": requirements(spec.resources),
        "created_at": rfc3339(job.submitted_at),
        "updated_at": rfc3339(job.updated_at),
        "queue_name": queue_name,
        "owner": owner,
        "kind": str(spec.kind),
        "runtime": str(spec.runtime),
        "definition": spec.image,
        "command": list(spec.command) if spec.command is not None else None,
        "env": dict(spec.env) if with_env else None,
        "args": list(spec.args),
        "stop_signal": spec.stop_signal,
        "exclusive": spec.exclusive,
        "secrets": [{"name": s.name, "env": s.env, "file": s.file} for s in spec.secrets],
        "volumes": [
            {"name": v.name, "host_path": v.host_path, "path": v.path, "read_only": v.read_only} for v in spec.volumes
        ],
        "ports": [port_to_json(port) for port in spec.ports],
        "working_dir": spec.working_dir,
        "size": {"min": spec.size.min, "max": spec.size.max},
        "priority": spec.priority,
        "time_limit_s": spec.time_limit_s,
        "grace_s": spec.grace_s,
        "max_retries": spec.max_retries,
        "retries_allowed": {str(each): spec.allowed_retries(each) for each in RetryClass},
        "retries_used": {str(each): job.retried(each) for each in RetryClass if job.retried(each)},
        "after": [{"job_id": each.job_id, "condition": str(each.condition)} for each in spec.after],
        "retry_of": job.retry_of,
        "array": array_object(found) if isinstance(found, JobArray) else None,
        "array_id": job.array_id,
        "array_index": job.array_index,
        "node_selector": dict(spec.node_selector),
        "labels": dict(spec.labels),
        "preemptible": spec.preemptible,
        "node_name": node_name,
        "attempt": job.attempt,
        "retries": job.retries,
        "started_at": rfc3339(job.started_at),
        "finished_at": rfc3339(job.finished_at),
        "exit_code": job.exit_code,
        "reason": str(job.reason) if job.reason is not None else None,
        "message": job.message,
        "progress": {"step": progress.step, "done": progress.done, "total": progress.total} if progress else None,
        "waterfall": {step: job.waterfall[step] for step in WATERFALL if step in job.waterfall},
    }


def array_object(array: JobArray) -> dict[str, Any]:
    """What of a job is the array's: its indices, and its elements counted by state."""
    return {
        "indices": str(array.indices),
        "size": len(array.indices),
        "running_limit": array.running_limit,
        "counts": {str(state): array.counts.get(state, 0) for state in JobState},
    }


def attempt_object(
    attempt: Attempt,
    replicas: tuple[Replica, ...],
    node_name: Callable[[NodeId | None], str | None],
    log_bytes: Mapping[int, int],
    usage: Mapping[tuple[int, int], Mapping[str, Any]],
) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "state": str(attempt.state),
        "size": attempt.size,
        "created_at": rfc3339(attempt.created_at),
        "started_at": rfc3339(attempt.started_at),
        "finished_at": rfc3339(attempt.finished_at),
        "reason": str(attempt.reason) if attempt.reason is not None else None,
        "message": attempt.message,
        "replicas": [
            {
                "rank": r.key.rank,
                "node_id": r.node_id,
                "node_name": node_name(r.node_id),
                "state": str(r.state),
                "stop_wanted": r.stop_wanted,
                "gpu_uuids": list(r.gpu_uuids),
                "exit_code": r.exit_code,
                "reason": str(r.reason) if r.reason is not None else None,
                "message": r.message,
                "started_at": rfc3339(r.started_at),
                "finished_at": rfc3339(r.finished_at),
                "usage": usage.get((attempt.number, r.key.rank)),
                "log_bytes": log_bytes.get(r.key.rank, 0),
                "ports": {name: {**at, "address": f"{at['host']}:{at['port']}"} for name, at in r.ports.items()},
            }
            for r in replicas
        ],
    }


def waiting_object(reason: Reason) -> dict[str, Any]:
    change = reason.smallest_change
    return {
        "code": str(reason.code),
        "message": reason.message,
        "expected_start": rfc3339(reason.expected_start),
        "smallest_change": change.text if change is not None else None,
    }


def explanation_object(
    job: Job,
    told: Explanation | None,
    *,
    node_name: Callable[[NodeId | None], str | None],
    job_names: Mapping[Any, str],
) -> dict[str, Any]:
    """Why a job waits; for a job that does not wait, what it is doing."""
    base: dict[str, Any] = {"job_id": job.id, "job_name": job.spec.name, "job_status": str(job.state)}
    if told is None:
        return base | {
            "code": str(job.state),
            "message": _doing(job, node_name),
            "position": None,
            "jobs_ahead": 0,
            "expected_start": None,
            "expected_start_note": None,
            "best_node": None,
            "holders": [],
            "nodes": [],
            "smallest_change": None,
        }
    reason = told.reason
    change = reason.smallest_change
    return base | {
        "code": str(reason.code),
        "message": reason.message,
        "position": told.position,
        "jobs_ahead": told.jobs_ahead,
        "expected_start": rfc3339(told.expected_start),
        "expected_start_note": told.unknown_because,
        "best_node": node_name(reason.best_node) if reason.best_node is not None else None,
        "holders": [
            {
                "job_id": h.job_id,
                "job_name": job_names.get(h.job_id),
                "node_name": node_name(h.node_id),
                "ends_at": rfc3339(h.expected_end),
            }
            for h in reason.holders
        ],
        "nodes": [
            {
                "node_name": n.name,
                "fits": n.fits,
                "unsuitable": n.unsuitable,
                "shortages": [{"dimension": str(s.dimension), "needed": s.needed, "free": s.free} for s in n.shortages],
            }
            for n in told.nodes
        ],
        "smallest_change": {"text": change.text} if change is not None else None,
    }


def requirements(resources: ResourceRequest) -> dict[str, Any]:
    gpus = resources.gpus
    return {
        "cpu_millicores": resources.cpu_millicores,
        "memory_mb": resources.memory_mb,
        "gpus": {"count": gpus.count, "model": gpus.model, "memory_gb": gpus.memory_gb} if gpus is not None else None,
    }


def _doing(job: Job, node_name: Callable[[NodeId | None], str | None]) -> str:
    where = node_name(job.node_id) or "its node"
    if job.finished_at is not None:
        why = f": {job.message}" if job.message else "."
        return f"It {job.state} at {rfc3339(job.finished_at)}{why}"
    return f"It is {job.state} on {where}."
