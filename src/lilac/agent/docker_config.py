"""What a replica's container is created with: its name, and the configuration that the engine gets. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from lilac.agent.cgroups import PIDS_LIMIT
from lilac.agent.guardian import STOP_REASON_IN_CONTAINER
from lilac.agent.wire import Assignment, replica_environment
from lilac.model.ids import NodeId, ReplicaKey

_MIB = 1 << 20


def container_name(key: ReplicaKey, node_id: NodeId) -> str:
    """Return a name that people recognise and that no other replica of any node on this engine has."""
    unique = hashlib.sha256(f"{key}@{node_id}".encode()).hexdigest()[:8]
    return f"lilac-{key.job_id[:8]}-{key.attempt}-{key.rank}-{unique}"


def container_config(assignment: Assignment, labels: dict[str, str]) -> dict[str, Any]:
    """Return what the engine needs to create a replica's container.

    A command replaces both entrypoint and command of the image: the one empty word resets the entrypoint. Shared
    memory may fill half of the memory limit, which counts it; the engine's 64 MiB break data loaders.
    """
    memory = max(6, assignment.memory_mb) * _MIB
    host: dict[str, Any] = {
        "NanoCpus": max(10, assignment.cpu_millicores) * 1_000_000,
        "Memory": memory,
        "MemorySwap": memory,
        "ShmSize": max(64 * _MIB, memory // 2),
        "PidsLimit": PIDS_LIMIT,
        "Privileged": False,
        "SecurityOpt": ["no-new-privileges"],
        "Init": True,
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "256m", "max-file": "4"}},
    }
    if assignment.gpu_uuids:
        host["DeviceRequests"] = [{"DeviceIDs": list(assignment.gpu_uuids), "Capabilities": [["gpu"]]}]
    config: dict[str, Any] = {
        "Image": assignment.image,
        "Env": [
            *(f"{name}={value}" for name, value in replica_environment(assignment).items()),
            f"LILAC_STOP_REASON_FILE={STOP_REASON_IN_CONTAINER}",
        ],
        "Labels": labels,
        "Tty": False,
        "HostConfig": host,
    }
    if assignment.command is not None:
        config["Entrypoint"] = [""]
        config["Cmd"] = list(assignment.words)
    elif assignment.args:
        config["Cmd"] = list(assignment.args)
    if assignment.working_dir is not None:
        config["WorkingDir"] = assignment.working_dir
    return config
