"""How things of the model look on the wire: plain dictionaries, with every nullable key present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lilac.control.directory import ClusterUse, NodeUse, QueueUse
from lilac.control.fleet import Disk
from lilac.control.times import rfc3339
from lilac.control.usage import GpuNow
from lilac.model.accounts import ApiKey, User
from lilac.model.clusters import Cluster
from lilac.model.events import Event
from lilac.model.ids import JobId
from lilac.model.limits import DIMENSIONS, Amount, limits_to_json

_NOBODY: Mapping[JobId, tuple[str, str | None]] = {}
_NOTHING_KNOWN: Mapping[str, GpuNow] = {}
_UNSEEN = (None, None)
_NO_JOB = JobId("")


def profile_to_wire(user: User) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
    }


def user_to_wire(user: User) -> dict[str, Any]:
    return {**profile_to_wire(user), "created_at": rfc3339(user.created_at), "disabled": user.disabled}


def key_to_wire(key: ApiKey) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "id": key.id,
        "prefix": key.prefix,
        "created_at": rfc3339(key.created_at),
        "last_used_at": rfc3339(key.last_used_at),
        "expires_at": rfc3339(key.expires_at),
        "name": key.name,
        "scope": key.scope,
    }
    if key.cluster_id is not None:
        wire["cluster_id"] = key.cluster_id
    return wire


def cluster_to_wire(cluster: Cluster) -> dict[str, Any]:
    return {
        "cluster_id": cluster.id,
        "cluster_name": cluster.name,
        "cluster_description": cluster.description,
    }


def cluster_summary_to_wire(use: ClusterUse) -> dict[str, Any]:
    return {
        **cluster_to_wire(use.cluster),
        "total_nodes": use.total_nodes,
        "busy_nodes": use.busy_nodes,
        "total_running_jobs": use.running_jobs,
    }


def cluster_info_to_wire(use: ClusterUse) -> dict[str, Any]:
    return {
        **cluster_to_wire(use.cluster),
        "total_nodes": use.total_nodes,
        "busy_nodes": use.busy_nodes,
        "memory_info": {"total_memory_mb": use.total_memory_mb, "used_memory_mb": use.used_memory_mb},
        "cpu_info": {"total_millicores": use.total_millicores, "used_millicores": use.used_millicores},
        "gpu_info": {"total_gpus": use.total_gpus, "used_gpus": use.used_gpus},
        "job_info": {"total_running_jobs": use.running_jobs},
        "created_at": rfc3339(use.cluster.created_at),
        "updated_at": rfc3339(use.cluster.updated_at),
    }


def node_to_wire(
    use: NodeUse,
    disk: Disk | None = None,
    shown: Mapping[JobId, tuple[str, str | None]] = _NOBODY,
    now: Mapping[str, GpuNow] = _NOTHING_KNOWN,
) -> dict[str, Any]:
    """A node. `shown` has name and owner of the jobs on it that the caller may see, `now` what its GPUs do."""
    node, inventory = use.node, use.node.inventory
    gpus = inventory.gpus
    summary = None
    if gpus:
        summary = {
            "manufacturer": inventory.gpu_manufacturer or "Nvidia",
            "model": gpus[0].model,
            "count": len(gpus),
            "memory_mb": gpus[0].memory_mb,
        }
    return {
        "id": node.id,
        "cluster_id": node.cluster_id,
        "node_status": use.state,
        "last_heartbeat": rfc3339(node.last_heartbeat),
        "memory_mb": inventory.memory_mb,
        "cpu": {
            "manufacturer": inventory.cpu_manufacturer,
            "architecture": inventory.cpu_architecture,
            "millicores": inventory.cpu_millicores,
        },
        "gpu": summary,
        "name": node.name,
        "hostname": inventory.hostname,
        "labels": node.labels,
        "set_labels": dict(node.set_labels),
        "runtimes": sorted(inventory.runtimes),
        "gpus": [
            {
                "uuid": gpu.uuid,
                "model": gpu.model,
                "memory_mb": gpu.memory_mb,
                "healthy": gpu.healthy,
                "lost": gpu.lost,
                "problem": gpu.problem,
                "mig": gpu.mig,
                "parent": gpu.parent,
                "pci_bus_id": gpu.pci_bus_id,
                "compute_capability": gpu.compute_capability,
                "job_id": (job_id := use.gpu_holders.get(gpu.uuid)),
                "job_name": shown.get(job_id or _NO_JOB, _UNSEEN)[0],
                "owner": shown.get(job_id or _NO_JOB, _UNSEEN)[1],
                "utilization_pct": now[gpu.uuid].load_pct if gpu.uuid in now else None,
                "used_memory_mb": now[gpu.uuid].memory_mb if gpu.uuid in now else None,
            }
            for gpu in gpus
        ],
        "free": {
            "cpu_millicores": use.free_millicores,
            "memory_mb": use.free_memory_mb,
            "gpus": use.free_gpus,
        },
        "jobs": list(use.jobs),
        "drained": use.drained,
        "drain_deadline": rfc3339(node.drain_deadline),
        "agent_version": inventory.agent_version,
        "disk": {"total_mb": disk.total_mb, "free_mb": disk.free_mb} if disk is not None else None,
        "drivers": dict(inventory.drivers),
        "features": sorted(inventory.features),
    }


def queue_to_wire(use: QueueUse, held: Amount) -> dict[str, Any]:
    queue = use.queue
    return {
        "id": queue.id,
        "name": queue.name,
        "priority": queue.priority,
        "cluster_targets": list(queue.cluster_targets),
        "paused": queue.paused,
        "waiting_jobs": use.waiting_jobs,
        "waiting_since": rfc3339(use.waiting_since),
        "in_use": dict(zip(DIMENSIONS, held, strict=True)),
        "limits": limits_to_json(queue.limits),
        "user_limits": limits_to_json(queue.user_limits),
        "order": str(queue.order),
        "ageing_s": queue.ageing_s,
        "preemption": queue.preemption,
    }


def event_to_wire(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "actor": event.actor,
        "job_id": event.job_id,
        "node_id": event.node_id,
        "cluster_id": event.cluster_id,
        "queue_id": event.queue_id,
        "user_id": event.user_id,
        "data": dict(event.data),
    }
