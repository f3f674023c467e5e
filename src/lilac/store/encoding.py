"""What is in the JSON columns: the shapes of specs and inventories, and orjson in both directions.

Reading fills fields that an older release did not write with their defaults and ignores fields that it does not know,
so two neighbouring releases can share a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lilac.model.clusters import Inventory, RuntimeName
from lilac.model.ids import JobId, QueueId
from lilac.model.jobs import Dependency, DependencyCondition, JobKind, JobSpec, SizeRange
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.model.retrying import RetryBudget, RetryClass
from lilac.model.surroundings import DEFAULT_STOP_SIGNAL, Port, SecretRef, VolumeMount


def dumps(value: Any) -> str:
    """JSON text; mappings of any type and enumerations are accepted. Raises `TypeError` for anything else."""
    return orjson.dumps(value, default=_plain).decode()


def encoded(value: Any) -> orjson.Fragment:
    """JSON that is ready to be stored as it is, alone or as a part of more. Raises as `dumps`."""
    return orjson.Fragment(orjson.dumps(value, default=_plain))


loads = orjson.loads


def spec_to_json(spec: JobSpec) -> dict[str, Any]:
    resources = spec.resources
    gpus = resources.gpus
    return {
        "name": spec.name,
        "queue_id": spec.queue_id,
        "resources": {
            "cpu_millicores": resources.cpu_millicores,
            "memory_mb": resources.memory_mb,
            "gpus": None if gpus is None else {"count": gpus.count, "model": gpus.model, "memory_gb": gpus.memory_gb},
        },
        "image": spec.image,
        "command": spec.command,
        "env": spec.env,
        "working_dir": spec.working_dir,
        "runtime": spec.runtime,
        "kind": spec.kind,
        "size": {"min": spec.size.min, "max": spec.size.max},
        "priority": spec.priority,
        "time_limit_s": spec.time_limit_s,
        "grace_s": spec.grace_s,
        "max_retries": spec.max_retries,
        "node_selector": spec.node_selector,
        "labels": spec.labels,
        "preemptible": spec.preemptible,
    } | _more(spec)


def _more(spec: JobSpec) -> dict[str, Any]:
    """What few jobs ask for, so that it costs the others nothing."""
    more: dict[str, Any] = {}
    if spec.retries != RetryBudget():
        more["retries"] = {str(each): spec.retries.of(each) for each in RetryClass}
    if spec.after:
        more["after"] = [{"job_id": each.job_id, "condition": each.condition} for each in spec.after]
    if spec.args:
        more["args"] = spec.args
    if spec.stop_signal != DEFAULT_STOP_SIGNAL:
        more["stop_signal"] = spec.stop_signal
    if spec.exclusive:
        more["exclusive"] = True
    if spec.secrets:
        more["secrets"] = [{"name": s.name, "env": s.env, "file": s.file} for s in spec.secrets]
    if spec.volumes:
        more["volumes"] = [volume_to_json(v) for v in spec.volumes]
    if spec.ports:
        more["ports"] = [port_to_json(p) for p in spec.ports]
    return more


def volume_to_json(volume: VolumeMount) -> dict[str, Any]:
    return {
        "name": volume.name,
        "host_path": volume.host_path,
        "path": volume.path,
        "read_only": volume.read_only,
        "volume_id": volume.volume_id,
    }


def port_to_json(port: Port) -> dict[str, Any]:
    return {"port": port.port, "name": port.name, "protocol": port.protocol}


def spec_from_json(data: Mapping[str, Any]) -> JobSpec:
    get = data.get
    resources = data["resources"]
    gpus = resources.get("gpus")
    size = get("size")
    command = get("command")
    return JobSpec(
        name=data["name"],
        queue_id=QueueId(data["queue_id"]),
        resources=ResourceRequest(
            cpu_millicores=resources["cpu_millicores"],
            memory_mb=resources["memory_mb"],
            gpus=None
            if gpus is None
            else GpuRequest(count=gpus["count"], model=gpus.get("model"), memory_gb=gpus.get("memory_gb")),
        ),
        image=get("image", ""),
        command=None if command is None else tuple(command),
        args=tuple(get("args", ())),
        env=get("env", {}),
        working_dir=get("working_dir"),
        runtime=RuntimeName(get("runtime", RuntimeName.DOCKER)),
        kind=JobKind(get("kind", JobKind.BATCH)),
        size=SizeRange() if size is None else SizeRange(size["min"], size["max"]),
        priority=get("priority", 0),
        time_limit_s=get("time_limit_s"),
        grace_s=get("grace_s", 30),
        max_retries=get("max_retries", 3),
        node_selector=get("node_selector", {}),
        labels=get("labels", {}),
        preemptible=get("preemptible", False),
        retries=RetryBudget(**retries) if (retries := get("retries")) else RetryBudget(),
        after=tuple(
            Dependency(JobId(each["job_id"]), DependencyCondition(each["condition"])) for each in get("after", ())
        ),
        stop_signal=get("stop_signal", DEFAULT_STOP_SIGNAL),
        exclusive=get("exclusive", False),
        secrets=tuple(SecretRef(**secret) for secret in get("secrets", ())),
        volumes=tuple(VolumeMount(**volume) for volume in get("volumes", ())),
        ports=tuple(Port(**port) for port in get("ports", ())),
    )


def inventory_to_json(inventory: Inventory) -> dict[str, Any]:
    return {
        "cpu_millicores": inventory.cpu_millicores,
        "memory_mb": inventory.memory_mb,
        "cpu_manufacturer": inventory.cpu_manufacturer,
        "cpu_architecture": inventory.cpu_architecture,
        "gpus": [gpu_to_json(gpu) for gpu in inventory.gpus],
        "gpu_manufacturer": inventory.gpu_manufacturer,
        "runtimes": sorted(inventory.runtimes),
        "labels": inventory.labels,
        "hostname": inventory.hostname,
        "agent_version": inventory.agent_version,
        "drivers": inventory.drivers,
        "legacy": inventory.legacy,
        "host_paths": inventory.host_paths,
        "features": sorted(inventory.features),
        "disk_low": inventory.disk_low,
    }


def inventory_from_json(data: Mapping[str, Any]) -> Inventory:
    get = data.get
    return Inventory(
        cpu_millicores=data["cpu_millicores"],
        memory_mb=data["memory_mb"],
        cpu_manufacturer=get("cpu_manufacturer", ""),
        cpu_architecture=get("cpu_architecture", ""),
        gpus=tuple(gpu_from_json(gpu) for gpu in get("gpus", ())),
        gpu_manufacturer=get("gpu_manufacturer"),
        runtimes=frozenset(RuntimeName(name) for name in get("runtimes", (RuntimeName.DOCKER,))),
        labels=get("labels", {}),
        hostname=get("hostname", ""),
        agent_version=get("agent_version", ""),
        drivers=get("drivers", {}),
        legacy=get("legacy", False),
        host_paths=tuple(get("host_paths", ())),
        features=frozenset(get("features", ())),
        disk_low=bool(get("disk_low", False)),
    )


def gpu_to_json(gpu: Gpu) -> dict[str, Any]:
    """What says nothing is left out: most GPUs are whole and healthy."""
    details = {
        "lost": gpu.lost or None,
        "problem": gpu.problem,
        "mig": gpu.mig,
        "parent": gpu.parent,
        "pci_bus_id": gpu.pci_bus_id,
        "compute_capability": gpu.compute_capability,
    }
    return {
        "uuid": gpu.uuid,
        "model": gpu.model,
        "memory_mb": gpu.memory_mb,
        "healthy": gpu.healthy,
        **{name: value for name, value in details.items() if value is not None},
    }


def gpu_from_json(data: Mapping[str, Any]) -> Gpu:
    get = data.get
    return Gpu(
        uuid=data["uuid"],
        model=data["model"],
        memory_mb=data["memory_mb"],
        healthy=get("healthy", True),
        lost=get("lost", False),
        problem=get("problem"),
        mig=get("mig"),
        parent=get("parent"),
        pci_bus_id=get("pci_bus_id"),
        compute_capability=get("compute_capability"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, frozenset | set):
        return sorted(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
