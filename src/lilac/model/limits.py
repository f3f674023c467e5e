"""Limits: how much may run at once, and how many jobs may wait, in a queue as a whole or for each user in it.

What counts is what is held: a replica counts from its start until its resources are free again. A limit of None is
none; a limit of 0 lets nothing run. Units: CPU in millicores, memory in MiB, GPUs and jobs as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from lilac.model.errors import InvalidInput
from lilac.model.resources import INT32_MAX, ResourceRequest


class QueueOrder(StrEnum):
    """Who goes first among jobs of equal priority in a queue."""

    FIFO = "fifo"
    """Who submitted first."""
    FAIR = "fair"
    """The user who uses the least of the queue's clusters now, and of one user who submitted first."""


@dataclass(frozen=True, slots=True)
class Amount:
    """So many jobs that run, with what they hold."""

    running_jobs: int = 0
    gpus: int = 0
    cpu_millicores: int = 0
    memory_mb: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.running_jobs + other.running_jobs,
            self.gpus + other.gpus,
            self.cpu_millicores + other.cpu_millicores,
            self.memory_mb + other.memory_mb,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.running_jobs - other.running_jobs,
            self.gpus - other.gpus,
            self.cpu_millicores - other.cpu_millicores,
            self.memory_mb - other.memory_mb,
        )

    def __iter__(self) -> Iterator[int]:
        """The parts, in the order of `DIMENSIONS`."""
        return iter((self.running_jobs, self.gpus, self.cpu_millicores, self.memory_mb))


NOTHING_HELD = Amount()
DIMENSIONS: tuple[str, ...] = ("running_jobs", "gpus", "cpu_millicores", "memory_mb")


def amount_of(resources: ResourceRequest, replicas: int, *, jobs: int = 1) -> Amount:
    """What so many replicas hold."""
    return Amount(
        jobs, resources.gpu_count * replicas, resources.cpu_millicores * replicas, resources.memory_mb * replicas
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that may run at once, and that may wait."""

    running_jobs: int | None = None
    gpus: int | None = None
    cpu_millicores: int | None = None
    memory_mb: int | None = None
    waiting_jobs: int | None = None

    def __iter__(self) -> Iterator[int | None]:
        """What limits running, in the order of `DIMENSIONS`."""
        return iter((self.running_jobs, self.gpus, self.cpu_millicores, self.memory_mb))

    @property
    def limits_running(self) -> bool:
        return any(most is not None for most in self)


NO_LIMITS = Limits()


def check_limits(limits: Limits, field_name: str) -> None:
    """Raise `InvalidInput` for a limit that is negative or too large to count."""
    for each in fields(limits):
        most = getattr(limits, each.name)
        if most is not None and not 0 <= most <= INT32_MAX:
            name = f"{field_name}.{each.name}"
            raise InvalidInput(f"{name} must be between 0 and {INT32_MAX}, or null for none; not {most}.", field=name)


def limits_to_json(limits: Limits) -> dict[str, int | None]:
    """Every limit by name, None where there is none."""
    return asdict(limits)


def limits_from_json(data: Mapping[str, Any] | None) -> Limits:
    """What `limits_to_json` wrote; names that are not known are ignored, missing ones are no limit."""
    if not data:
        return NO_LIMITS
    return Limits(**{each.name: data[each.name] for each in fields(Limits) if data.get(each.name) is not None})
