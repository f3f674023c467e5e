"""Usage: what agents send, and what is told. Samples that make no sense are left out, the others are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from pydantic import Field

from lilac.api.schemas.fields import Shape
from lilac.control.usage import GpuNow, Measurement, Sent
from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId, ReplicaKey, parse_uuid
from lilac.model.resources import INT32_MAX

_MOST_SAMPLES = 20_000


class UsageSample(Shape):
    at: str
    cpu_millicores: int
    memory_mb: int
    gpu_utilization_pct: float | None = Field(description="The mean of its GPUs.")
    gpu_memory_mb: int | None = Field(description="The sum of its GPUs.")


class UsageFigures(Shape):
    rank: int
    cpu_millicores_mean: int
    cpu_millicores_max: int
    memory_mb_max: int
    gpu_utilization_pct_mean: float | None
    gpu_memory_mb_max: int | None


class Amounts(Shape):
    cpu_millicores: int
    memory_mb: int
    gpus: int


class NodeAmounts(Amounts):
    gpu_memory_mb: int


class NodeUsageSample(UsageSample):
    allocated: Amounts | None = Field(None, description="What jobs held then, used or not; null where nobody noted it.")


class _Series(Shape):
    since: str
    until: str
    step_s: int


class JobUsageShape(_Series):
    job_id: str
    attempt: int
    rank: int | None
    samples: list[UsageSample]
    replicas: list[UsageFigures] = Field(description="Peaks and means of each replica over its whole life.")


class NodeUsageShape(_Series):
    node_id: str
    node_name: str
    samples: list[NodeUsageSample]
    capacity: NodeAmounts


class ClusterUsageShape(_Series):
    cluster_id: str
    cluster_name: str
    samples: list[NodeUsageSample]
    capacity: Amounts
    allocated: Amounts = Field(description="What jobs hold now, used or not.")


def read_usage(body: Any) -> Sent:
    """Parse an agent's samples.

    Raises:
        InvalidInput: it is no list of samples at all, or far too long.
    """
    table = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    node, replicas = table.get("node"), table.get("replicas")
    if not isinstance(node, list) or not isinstance(replicas, list):
        raise InvalidInput("Samples come as {node: […], replicas: […]}.")
    if len(node) + len(replicas) > _MOST_SAMPLES:
        raise InvalidInput(f"At most {_MOST_SAMPLES} samples may come in one call.")
    of_node = [one for entry in node if (one := _measurement(entry)) is not None]
    return Sent(of_node, list(_of_replicas(cast("list[Any]", replicas))))


def _of_replicas(entries: list[Any]) -> Iterator[tuple[ReplicaKey, Measurement]]:
    for entry in entries:
        one = _measurement(entry)
        if one is None:
            continue
        job_id = parse_uuid(str(entry.get("job_id")))
        attempt, rank = _amount(entry.get("attempt")), _amount(entry.get("rank"))
        if job_id is not None and attempt is not None and rank is not None:
            yield ReplicaKey(JobId(job_id), attempt, rank), one


def _measurement(entry: Any) -> Measurement | None:
    if not isinstance(entry, dict):
        return None
    at, cpu, memory = entry.get("at"), _amount(entry.get("cpu_millicores")), _amount(entry.get("memory_mb"))
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at < 1e11 or cpu is None or memory is None:
        return None
    gpus = [cast("dict[str, Any]", gpu) for gpu in _gpus(entry) if isinstance(gpu, dict)]
    loads = [min(load, 100) for gpu in gpus if (load := _amount(gpu.get("utilization_pct"))) is not None]
    memories = [used for gpu in gpus if (used := _amount(gpu.get("memory_mb"))) is not None]
    return Measurement(
        at=int(at),
        cpu_millicores=cpu,
        memory_mb=memory,
        gpu_pct=sum(loads) / len(loads) if loads else None,
        gpu_memory_mb=min(sum(memories), INT32_MAX) if memories else None,
        gpus=dict(_gpu_now(gpu) for gpu in gpus if isinstance(gpu.get("uuid"), str)),
    )


def _gpu_now(gpu: dict[str, Any]) -> tuple[str, GpuNow]:
    load = _amount(gpu.get("utilization_pct"))
    return gpu["uuid"], GpuNow(None if load is None else min(load, 100), _amount(gpu.get("memory_mb")))


def _amount(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= INT32_MAX:
        return None
    return int(value)


def _gpus(entry: dict[str, Any]) -> list[Any]:
    gpus = entry.get("gpus")
    return cast("list[Any]", gpus) if isinstance(gpus, list) else []
