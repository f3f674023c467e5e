"""From a job as the API tells it to a file that can be submitted again. What has its default is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lilac.cli.quantities import written_cores, written_memory, written_seconds

_DEFAULTS: Mapping[str, Any] = {
    "runtime": "docker",
    "grace_s": 30,
    "stop_signal": "SIGTERM",
    "priority": 0,
    "max_retries": 3,
    "exclusive": False,
    "preemptible": False,
}


def write_job(job: Mapping[str, Any]) -> str:
    """The YAML of one job."""
    import yaml

    found = to_file(job)
    # Some characters end a line in YAML 1.1 and not in 1.2; escaped they are the same to everybody.
    plain = re.search("[\x85\u2028\u2029\ufeff]", _texts(found)) is None
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=plain, default_flow_style=False, width=100)


def _texts(value: Any) -> str:
    """All texts in a value, one behind the other."""
    if isinstance(value, Mapping):
        return "".join(_texts(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return "".join(map(_texts, value))
    return str(value)


def to_file(job: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a job file with their values, in the file's order."""
    needs = job["resource_requirements"]
    resources: dict[str, Any] = {
        "cpu": _number(written_cores(needs["cpu_millicores"])),
        "memory": written_memory(needs["memory_mb"]),
    }
    if gpus := needs.get("gpus"):
        resources["gpus"] = _gpus(gpus)
    size = job.get("size") or {"min": 1, "max": 1}
    command = job.get("command")
    found: dict[str, Any] = {
        "name": job["job_name"],
        "image": job.get("definition") or None,
        "command": command[2] if command and command[:2] == ["sh", "-c"] and len(command) == 3 else command,
        "args": job.get("args") or None,
        "queue": job.get("queue_name") or job.get("queue_id"),
        "resources": resources,
        "size": _size(size),
        "env": job.get("env") or None,
        "secrets": [dict(item) for item in job.get("secrets") or ()] or None,
        "volumes": [_without_none(item) for item in job.get("volumes") or ()] or None,
        "ports": [_without_none(item) for item in job.get("ports") or ()] or None,
        "working_dir": job.get("working_dir"),
        "runtime": _changed(job, "runtime"),
        "time_limit": written_seconds(job["time_limit_s"]) if job.get("time_limit_s") else None,
        "grace": written_seconds(job["grace_s"]) if _changed(job, "grace_s") is not None else None,
        "stop_signal": _changed(job, "stop_signal"),
        "priority": _changed(job, "priority"),
        "retries": _retries(job),
        "array": _array(job.get("array")),
        "after": [_after(item) for item in job.get("after") or ()] or None,
        "labels": job.get("labels") or None,
        "node_selector": job.get("node_selector") or None,
        "exclusive": _changed(job, "exclusive"),
        "preemptible": _changed(job, "preemptible"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _changed(job: Mapping[str, Any], key: str) -> Any:
    value = job.get(key)
    return None if value == _DEFAULTS[key] else value


def _gpus(gpus: Mapping[str, Any]) -> int | dict[str, Any]:
    if not gpus.get("model") and not gpus.get("memory_gb"):
        return int(gpus["count"])
    memory = gpus.get("memory_gb")
    return _without_none({"count": gpus["count"], "model": gpus.get("model"), "memory": memory})


def _size(size: Mapping[str, int]) -> int | str | None:
    if size["min"] == size["max"]:
        return None if size["min"] == 1 else size["min"]
    return f"{size['min']}:{size['max']}"


def _retries(job: Mapping[str, Any]) -> int | dict[str, int] | None:
    """A number where only the platform's failures have a budget, else one for each class that has any."""
    allowed = {name: count for name, count in (job.get("retries_allowed") or {}).items() if count}
    if set(allowed) - {"node_lost"}:
        return allowed
    return _changed(job, "max_retries")


def _array(array: Mapping[str, Any] | None) -> str | None:
    if array is None:
        return None
    limit = array.get("running_limit")
    return str(array["indices"]) + (f"%{limit}" if limit else "")


def _after(item: Mapping[str, Any]) -> str:
    condition = item.get("condition") or "success"
    return str(item["job_id"]) if condition == "success" else f"{item['job_id']}:{condition}"


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _without_none(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if value is not None}
