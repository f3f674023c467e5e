"""The messages between agent and control plane, as values. See the page "How control plane and agent speak".

Parsing is strict where a mistake could start or stop the wrong thing, and lenient about fields it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lilac.model.clusters import RuntimeName
from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.states import ReplicaState
from lilac.model.surroundings import DEFAULT_STOP_SIGNAL, Port, SecretRef, VolumeMount

PROTOCOL = 1


class Desired(StrEnum):
    RUN = "run"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What to run as one replica."""

    key: ReplicaKey
    runtime: RuntimeName
    job_name: str = ""
    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] = ()
    """Appended to the command; without one, arguments for the image's own entry point."""
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    working_dir: str | None = None
    world_size: int = 1
    cpu_millicores: int = 1000
    memory_mb: int = 512
    gpu_uuids: tuple[str, ...] = ()
    grace_s: float = 30.0
    stop_signal: str = DEFAULT_STOP_SIGNAL
    ports: tuple[Port, ...] = ()
    exclusive: bool = False
    lease_s: float = 0.0
    """How long an exclusive replica may run without contact to the control plane."""
    volumes: tuple[VolumeMount, ...] = ()
    secrets: tuple[SecretRef, ...] = ()
    """Which secrets it gets, and how; their values are never part of an assignment."""

    @property
    def words(self) -> tuple[str, ...]:
        """The whole command line of a replica that has a command of its own."""
        return (*(self.command or ()), *self.args)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of the control plane's list."""

    assignment: Assignment
    desired: Desired
    known_state: ReplicaState
    log_offset: int = 0
    secret_values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """By name, where it is to start."""
    stop_reason: str | None = None
    """Why it is to stop, in one word."""

    @property
    def key(self) -> ReplicaKey:
        return self.assignment.key


@dataclass(frozen=True, slots=True)
class TunnelOffer:
    """A tunnel into a replica that the agent is asked to dial, at `url` if that is not its own end point."""

    id: str
    key: ReplicaKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class OriginalJob:
    """What an original server assigns: an image, and the id of the job."""

    job_id: JobId
    image: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole list, and the name of this version of it."""

    revision: str
    replicas: Mapping[ReplicaKey, Listed]
    tunnels: tuple[TunnelOffer, ...] = ()
    removed_volumes: tuple[str, ...] = ()
    """Deleted volumes whose data is to be deleted here."""
    original: bool = False
    """Whether it comes from an original server, which names one job or none (see `original`)."""
    original_job: OriginalJob | None = None


def parse_reply(document: Any) -> Reply:
    """Return the reply in `document` (decoded JSON); `InvalidInput` if it is not one of this protocol."""
    if isinstance(document, dict) and "assigned_job" in document and "replicas" not in document:
        return Reply(revision="", replicas={}, original=True, original_job=_original_job(document["assigned_job"]))
    if not isinstance(document, dict) or not isinstance(document.get("replicas"), list):
        raise InvalidInput(
            "The server's answer holds no list of replicas: it is not a control plane that this agent can work with. "
            "Check api_endpoint and the server's version."
        )
    try:
        listed = [_listed(item) for item in document["replicas"]]
        tunnels = tuple(_tunnel(item) for item in document.get("tunnels") or ())
        return Reply(
            revision=str(document["revision"]),
            replicas={item.key: item for item in listed},
            tunnels=tunnels,
            removed_volumes=tuple(_plain_name(each) for each in document.get("removed_volumes") or ()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"The server's list of replicas cannot be read: {error!r}.") from error


def assignment_to_json(assignment: Assignment) -> dict[str, Any]:
    """Return the assignment with the names that it has on the wire; `parse_assignment` reads it back."""
    return {
        "job_id": assignment.key.job_id,
        "attempt": assignment.key.attempt,
        "rank": assignment.key.rank,
        "job_name": assignment.job_name,
        "runtime": str(assignment.runtime),
        "image": assignment.image,
        "command": list(assignment.command) if assignment.command is not None else None,
        "env": dict(assignment.env),
        "working_dir": assignment.working_dir,
        "world_size": assignment.world_size,
        "cpu_millicores": assignment.cpu_millicores,
        "memory_mb": assignment.memory_mb,
        "gpu_uuids": list(assignment.gpu_uuids),
        "grace_s": assignment.grace_s,
        "args": list(assignment.args),
        "stop_signal": assignment.stop_signal,
        "exclusive": assignment.exclusive,
        "lease_s": assignment.lease_s,
        "secrets": [{"name": s.name, "env": s.env, "file": s.file} for s in assignment.secrets],
        "ports": [{"port": port.port, "name": port.name, "protocol": port.protocol} for port in assignment.ports],
        "volumes": [
            {
                "name": v.name,
                "host_path": v.host_path,
                "path": v.path,
                "read_only": v.read_only,
                "volume_id": v.volume_id,
            }
            for v in assignment.volumes
        ],
    }


def parse_assignment(item: Mapping[str, Any]) -> Assignment:
    """Return the assignment in `item`; `KeyError`, `TypeError` or `ValueError` if it is none."""
    command = item.get("command")
    if command is not None and (not isinstance(command, list) or not command):
        raise ValueError("command must be a list of words")
    return Assignment(
        key=ReplicaKey(JobId(_plain_name(item["job_id"])), int(item["attempt"]), int(item["rank"])),
        runtime=RuntimeName(item.get("runtime") or RuntimeName.DOCKER),
        job_name=item.get("job_name") or "",
        image=item.get("image") or "",
        command=tuple(str(word) for word in command) if command is not None else None,
        env={str(name): str(value) for name, value in (item.get("env") or {}).items()},
        working_dir=item.get("working_dir") or None,
        world_size=int(item.get("world_size", 1)),
        cpu_millicores=int(item.get("cpu_millicores", 1000)),
        memory_mb=int(item.get("memory_mb", 512)),
        gpu_uuids=tuple(item.get("gpu_uuids") or ()),
        grace_s=float(item.get("grace_s", 30)),
        args=tuple(str(word) for word in item.get("args") or ()),
        stop_signal=str(item.get("stop_signal") or DEFAULT_STOP_SIGNAL),
        exclusive=bool(item.get("exclusive", False)),
        lease_s=float(item.get("lease_s", 0.0)),
        secrets=tuple(
            SecretRef(
                name=str(s["name"]), env=s.get("env"), file=None if s.get("file") is None else _plain_name(s["file"])
            )
            for s in item.get("secrets") or ()
        ),
        ports=tuple(
            Port(port=int(port["port"]), name=str(port.get("name") or ""), protocol=str(port.get("protocol") or "tcp"))
            for port in item.get("ports") or ()
        ),
        volumes=tuple(_mount(volume) for volume in item.get("volumes") or ()),
    )


def _mount(item: Mapping[str, Any]) -> VolumeMount:
    host_path, name = item.get("host_path"), item.get("name")
    if (host_path is None) is (name is None):
        raise ValueError("a volume has either a name or a host path")
    return VolumeMount(
        path=str(item["path"]),
        name=None if name is None else str(name),
        host_path=None if host_path is None else str(host_path),
        read_only=bool(item.get("read_only", False)),
        volume_id=None if name is None else _plain_name(item["volume_id"]),
    )


def replica_environment(assignment: Assignment) -> dict[str, str]:
    """Return what a replica finds in its environment: the job's own variables, and the platform's over them.

    Volumes are told where a container finds them; for a process its runtime says other places.

    The GPU variables name exactly the assigned devices, so that a replica without GPUs sees none.
    """
    uuids = ",".join(assignment.gpu_uuids)
    return {
        **assignment.env,
        **{port.variable: str(port.port) for port in assignment.ports},
        **{volume.variable: volume.path for volume in assignment.volumes},
        "LILAC_JOB_ID": assignment.key.job_id,
        "LILAC_JOB_NAME": assignment.job_name,
        "LILAC_ATTEMPT": str(assignment.key.attempt),
        "LILAC_RANK": str(assignment.key.rank),
        "LILAC_WORLD_SIZE": str(assignment.world_size),
        "LILAC_CPU_MILLICORES": str(assignment.cpu_millicores),
        "LILAC_MEMORY_MB": str(assignment.memory_mb),
        "CUDA_VISIBLE_DEVICES": uuids,
        "NVIDIA_VISIBLE_DEVICES": uuids or "void",
    }


def _original_job(item: Any) -> OriginalJob | None:
    if item is None:
        return None
    try:
        return OriginalJob(JobId(_plain_name(item["id"])), str(item["docker_uri"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"The server's assigned_job cannot be read: {error!r}.") from error


def _listed(item: Mapping[str, Any]) -> Listed:
    return Listed(
        assignment=parse_assignment(item),
        desired=Desired(item["desired"]),
        known_state=ReplicaState(item["known_state"]),
        log_offset=int(item.get("log_offset", 0)),
        secret_values={str(name): str(value) for name, value in (item.get("secret_values") or {}).items()},
        stop_reason=str(item["stop_reason"]) if item.get("stop_reason") else None,
    )


def _tunnel(item: Mapping[str, Any]) -> TunnelOffer:
    key = ReplicaKey(JobId(_plain_name(item["job_id"])), int(item["attempt"]), int(item["rank"]))
    url = item.get("url")
    return TunnelOffer(_plain_name(item["id"]), key, str(url) if url else None)


def _plain_name(text: object) -> str:
    """It names a file or directory on this machine: nothing that could lead elsewhere is one."""
    if (
        not isinstance(text, str)
        or not text
        or text.startswith(".")
        or not all(c.isalnum() or c in "-_." for c in text)
    ):
        raise ValueError(f"{text!r} is not a plain name")
    return text
