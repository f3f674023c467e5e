"""Clusters, their nodes, and the queues that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lilac.model.ids import ClusterId, NodeId, QueueId
from lilac.model.limits import NO_LIMITS, Limits, QueueOrder
from lilac.model.resources import Gpu
from lilac.model.states import NodeState


class RuntimeName(StrEnum):
    """How a node can run a replica: in a container of a Docker engine, or as plain processes."""

    DOCKER = "docker"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A named group of nodes with its own keys."""

    id: ClusterId
    name: str
    description: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a node has in all, as its agent measured it."""

    cpu_millicores: int
    memory_mb: int
    cpu_manufacturer: str = ""
    cpu_architecture: str = ""
    gpus: tuple[Gpu, ...] = ()
    gpu_manufacturer: str | None = None
    runtimes: frozenset[RuntimeName] = frozenset({RuntimeName.DOCKER})
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    hostname: str = ""
    agent_version: str = ""
    drivers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Versions of what stands between the GPUs and programs: `nvidia` the driver, `cuda` the newest CUDA it serves."""
    host_paths: tuple[str, ...] = ()
    """Paths of the node that jobs may mount, as its agent allows them; `/path:ro` for reading only."""
    features: frozenset[str] = frozenset()
    """What its agent knows of what jobs may ask (`model.surroundings.Feature`)."""
    disk_low: bool = False
    """Whether less of its engine's disk is free than its agent wants to keep free."""
    legacy: bool = False
    """Whether the agent speaks only the original protocol: one job at a time, no exit codes, no logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine that runs an agent. `state` is `lost` while silent, `draining` while it gets nothing new."""

    id: NodeId
    cluster_id: ClusterId
    name: str
    state: NodeState
    inventory: Inventory
    cordoned: bool = False
    """Drained by somebody: gets nothing new until it is resumed, also when it was lost in between."""
    last_heartbeat: float
    created_at: float = 0.0
    updated_at: float = 0.0
    set_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels given by administrators; they go over those that the agent tells."""
    drain_deadline: float | None = None
    """When what still runs on a draining node is stopped and queued again; None for never."""

    @property
    def labels(self) -> dict[str, str]:
        """All its labels, as the scheduler sees them."""
        return {**self.inventory.labels, **self.set_labels}

    def evolve(self, **changes: Any) -> Node:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Where jobs wait. A lower `priority` number runs first; `cluster_targets` is the order of preference."""

    id: QueueId
    name: str
    priority: int
    cluster_targets: tuple[ClusterId, ...]
    paused: bool = False
    created_at: float = 0.0
    limits: Limits = NO_LIMITS
    """For the queue as a whole."""
    user_limits: Limits = NO_LIMITS
    """For each user in the queue."""
    order: QueueOrder = QueueOrder.FIFO
    ageing_s: int | None = None
    """For each such time that the job in front has waited, the queue counts as one priority number lower."""
    preemption: bool = True
    """Whether jobs of lower priority that may be shrunk or stopped make room for jobs of this queue."""

    def evolve(self, **changes: Any) -> Queue:
        return replace(self, **changes)
