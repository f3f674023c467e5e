"""What agents send, ours and original ones. Read by hand: words and fields that are not known are
accepted and ignored, so that an agent of another version never loses its jobs over a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

from lilac.control.fleet import Disk, Held, Progress
from lilac.control.nodes import Assignment, StatusReport, ToldGpus
from lilac.model.clusters import Inventory, RuntimeName
from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId, ReplicaKey, parse_uuid
from lilac.model.jobs import ReplicaReport
from lilac.model.resources import INT32_MAX, Gpu
from lilac.model.states import FailureReason, ReplicaState
from lilac.store.encoding import port_to_json, volume_to_json

_MOST_GPUS = 1024
_MOST_PATHS = 256
_MOST_PORTS = 64
_LONGEST_TEXT = 255
_LEGACY_STATES = {
    "acknowledged": ReplicaState.PREPARING,
    "starting": ReplicaState.PREPARING,
    "running": ReplicaState.RUNNING,
    "succeeded": ReplicaState.SUCCEEDED,
    "failed": ReplicaState.FAILED,
    "cancelled": ReplicaState.STOPPED,
}


def read_report(body: Any) -> StatusReport:
    """Parse a report.

    Raises:
        InvalidInput: a field that every agent sends is missing or of the wrong type; the sentence names it.
    """
    if not isinstance(body, dict):
        raise InvalidInput("A report is a JSON object.")
    table: dict[str, Any] = cast("dict[str, Any]", body)
    if "protocol" not in table:
        return StatusReport(inventory=_legacy_inventory(table), legacy_job=_legacy_job(table.get("job_info")))
    return StatusReport(
        inventory=_inventory(table),
        incarnation=_text(table.get("incarnation")),
        sequence=_number(table, "sequence", 0),
        replicas=tuple(_replicas(table.get("replicas") or [])),
        revision=table.get("revision") if isinstance(table.get("revision"), str) else None,
        wait_s=_seconds(table.get("wait_s", 0)),
        removed_volumes=frozenset(
            volume_id for word in _list(table.get("removed_volumes")) if (volume_id := parse_uuid(str(word)))
        ),
        progress=dict(_progress(table.get("replicas") or [])),
        disk=_disk(table.get("disk")),
        gpus=_told_gpus(table),
    )


def write_reply(
    answer: Assignment,
    log_sizes: Mapping[ReplicaKey, int],
    secrets: Mapping[ReplicaKey, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """The answer for our agents. `secrets` are the values for the replicas that are to start now."""
    return {
        "assigned_job": None,
        "revision": answer.revision,
        "replicas": [
            _entry(held, log_sizes.get(held.replica.key, 0), (secrets or {}).get(held.replica.key))
            | ({"exclusive": True, "lease_s": answer.lease_s} if held.spec.exclusive else {})
            for held in answer.held
        ],
        "tunnels": [
            {
                "id": offer.id,
                "job_id": offer.key.job_id,
                "attempt": offer.key.attempt,
                "rank": offer.key.rank,
                "url": offer.url or None,
            }
            for offer in answer.tunnels
        ],
        "removed_volumes": list(answer.doomed_volumes),
    }


def write_legacy_reply(answer: Assignment) -> dict[str, Any]:
    """The answer for original agents."""
    held = answer.legacy_job
    if held is None:
        return {"assigned_job": None}
    return {"assigned_job": {"id": held.replica.key.job_id, "docker_uri": held.spec.image}}


def _entry(held: Held, log_offset: int, secrets: Mapping[str, str] | None) -> dict[str, Any]:
    replica, spec = held.replica, held.spec
    values = {"secret_values": dict(secrets)} if secrets is not None else {}
    return values | {
        "job_id": replica.key.job_id,
        "attempt": replica.key.attempt,
        "rank": replica.key.rank,
        "desired": held.desired,
        "known_state": str(replica.state),
        "job_name": spec.name,
        "runtime": str(spec.runtime),
        "image": spec.image,
        "command": [*spec.command, *spec.args] if spec.command is not None else None,
        "env": dict(spec.env),
        "working_dir": spec.working_dir,
        "world_size": held.world_size,
        "cpu_millicores": spec.resources.cpu_millicores,
        "memory_mb": spec.resources.memory_mb,
        "gpu_uuids": list(replica.gpu_uuids),
        "grace_s": spec.grace_s,
        "args": list(spec.args) if spec.command is None else [],
        "stop_signal": spec.stop_signal,
        "stop_reason": held.stop_reason,
        "secrets": [{"name": s.name, "env": s.env, "file": s.file} for s in spec.secrets],
        "ports": [port_to_json(port) for port in spec.ports],
        "volumes": [volume_to_json(volume) for volume in spec.volumes],
        "log_offset": log_offset,
    }


def _inventory(table: dict[str, Any]) -> Inventory:
    cpu = _table(table.get("cpu_info"))
    gpus = {uuid: g for entry in _list(table.get("gpus")) if (uuid := _text((g := _table(entry)).get("uuid")))}
    return Inventory(
        cpu_millicores=_number(cpu, "millicores", None, "cpu_info.millicores"),
        memory_mb=_number(table, "memory_info", None),
        cpu_manufacturer=_text(cpu.get("manufacturer")),
        cpu_architecture=_text(cpu.get("architecture")),
        gpus=tuple(_gpu(uuid, g) for uuid, g in sorted(gpus.items())),
        gpu_manufacturer="Nvidia" if gpus else None,
        runtimes=frozenset(name for name in RuntimeName if name in _list(table.get("runtimes"))),
        labels={_text(k): _text(v) for k, v in _table(table.get("labels")).items()},
        hostname=_text(table.get("hostname")),
        agent_version=_text(table.get("agent_version")),
        host_paths=tuple(path for path in map(_text, _list(table.get("host_paths"))[:_MOST_PATHS]) if path),
        features=frozenset(word for word in map(_text, _list(table.get("features"))[:_MOST_PATHS]) if word),
        drivers={_text(k): _text(v) for k, v in _table(table.get("drivers")).items()},
        disk_low=_table(table.get("disk")).get("low") is True,
    )


def _told_gpus(table: dict[str, Any]) -> ToldGpus:
    """How far the report's list of GPUs can be trusted; agents that say no `drivers` name only what they saw."""
    if "gpus" in table and table["gpus"] is None:
        return ToldGpus.UNKNOWN
    return ToldGpus.ALL if isinstance(table.get("drivers"), dict) else ToldGpus.SEEN


def _gpu(uuid: str, told: dict[str, Any]) -> Gpu:
    lost = bool(told.get("lost", False))
    return Gpu(
        uuid=uuid,
        model=_text(told.get("model")) or "GPU",
        memory_mb=_number(told, "memory_mb", 0),
        healthy=bool(told.get("healthy", True)) and not lost,
        lost=lost,
        problem=_text(told.get("problem")) or None,
        mig=_text(told.get("mig")) or None,
        parent=_text(told.get("parent")) or None,
        pci_bus_id=_text(told.get("pci_bus_id")) or None,
        compute_capability=_text(told.get("compute_capability")) or None,
    )


def _legacy_inventory(table: dict[str, Any]) -> Inventory:
    cpu = table.get("cpu_info")
    if not isinstance(cpu, dict):
        raise InvalidInput("cpu_info must be an object with manufacturer, architecture and millicores.")
    cpu, gpu = _table(cpu), _table(table.get("gpu_info"))
    gpus: tuple[Gpu, ...] = ()
    if gpu:
        memory = _number(gpu, "memory_mb", 0, "gpu_info.memory_mb")
        count = _number(gpu, "count", 1, "gpu_info.count")
        if count > _MOST_GPUS:
            raise InvalidInput(f"gpu_info.count must be at most {_MOST_GPUS}, not {count}.", field="gpu_info.count")
        model = _text(gpu.get("model")) or "GPU"
        gpus = tuple(Gpu(uuid=f"legacy-{n}", model=model, memory_mb=memory) for n in range(count))
    return Inventory(
        cpu_millicores=_number(cpu, "millicores", None, "cpu_info.millicores"),
        memory_mb=_number(table, "memory_info", None),
        cpu_manufacturer=_text(cpu.get("manufacturer")),
        cpu_architecture=_text(cpu.get("architecture")),
        gpus=gpus,
        gpu_manufacturer=_text(gpu.get("manufacturer")) if gpu else None,
        runtimes=frozenset({RuntimeName.DOCKER}),
        legacy=True,
    )


def _legacy_job(info: Any) -> tuple[JobId, ReplicaState] | None:
    if info is None:
        return None
    job_id = parse_uuid(str(info.get("current_job_id"))) if isinstance(info, dict) else None
    if job_id is None:
        raise InvalidInput("job_info.current_job_id must be a UUID.")
    return JobId(job_id), _LEGACY_STATES.get(str(info.get("status")).lower(), ReplicaState.PREPARING)


def _replicas(entries: Any) -> Iterator[ReplicaReport]:
    if not isinstance(entries, list):
        raise InvalidInput("replicas must be a list.")
    for entry in entries:
        job_id = parse_uuid(str(entry.get("job_id"))) if isinstance(entry, dict) else None
        if job_id is None:
            raise InvalidInput("replicas: every entry needs job_id, attempt, rank and state.")
        key = ReplicaKey(JobId(job_id), _number(entry, "attempt", None), _number(entry, "rank", None))
        try:
            state = ReplicaState(entry.get("state"))
        except ValueError:
            words = ", ".join(ReplicaState)
            raise InvalidInput(f"replicas: state must be one of {words}, not {entry.get('state')!r}.") from None
        reason: FailureReason | None = None
        if entry.get("reason") is not None:
            reason = FailureReason.ERROR
            with suppress(ValueError):
                reason = FailureReason(entry["reason"])
        exit_code = entry.get("exit_code")
        message = entry.get("message")
        yield ReplicaReport(
            key=key,
            state=state,
            exit_code=exit_code if isinstance(exit_code, int) and abs(exit_code) <= INT32_MAX else None,
            reason=reason,
            message=str(message)[:2000] if message is not None else None,
            times=_times(entry.get("times")),
            ports=_ports(entry.get("ports")),
        )


def _progress(entries: list[dict[str, Any]]) -> Iterator[tuple[ReplicaKey, Progress]]:
    """What the entries, whose keys were checked before, tell of long steps; odd words are no progress."""
    for entry in entries:
        told = entry.get("progress")
        if isinstance(told, dict) and (step := _text(told.get("step"))):
            done, total = _count(told.get("done")), _count(told.get("total"))
            if done is not None:
                key = ReplicaKey(JobId(parse_uuid(str(entry["job_id"])) or ""), entry["attempt"], entry["rank"])
                yield key, Progress(step, done, total)


def _disk(told: Any) -> Disk | None:
    table = _table(told)
    total, free = _count(table.get("total_mb")), _count(table.get("free_mb"))
    return Disk(total, free) if total is not None and free is not None else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


def _ports(told: Any) -> dict[str, dict[str, Any]]:
    """Where the ports of a replica can be reached: `{"8080/tcp": {"host": "10.0.0.5", "port": 32768}}`."""
    ports: dict[str, dict[str, Any]] = {}
    for name, entry in list(_table(told).items())[:_MOST_PORTS]:
        host, port = _text(_table(entry).get("host")), _table(entry).get("port")
        if isinstance(port, int) and 0 < port < 65_536 and host and _text(name):
            ports[_text(name)] = {"host": host, "port": port}
    return ports


_TOLD_TIMES = ("received", "pull_started", "pull_finished", "created", "started", "exited")


def _times(told: Any) -> dict[str, float]:
    if not isinstance(told, dict):
        return {}
    return {name: float(told[name]) for name in _TOLD_TIMES if isinstance(told.get(name), int | float)}


def _number(table: dict[str, Any], name: str, default: int | None, shown: str | None = None) -> int:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise InvalidInput(f"{shown or name} must be a whole number, not {value!r}.", field=shown or name)
    return value


def _text(value: Any) -> str:
    """A word or short text of the agent's, as far as it can be stored and shown; "" for anything else."""
    return "".join(c for c in value[:_LONGEST_TEXT] if c.isprintable()) if isinstance(value, str) else ""


def _table(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0
