"""Why a job waits: a code for programs, a sentence for people, and the facts behind both.

A reason is never empty and never vaguer than what is known: it names the nearest node, what is short there and by how
much, who holds it, when the job is expected to start where that can be computed, and the smallest change to the
request that would start the job now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from lilac.model.ids import JobId, NodeId, UserId
from lilac.model.jobs import SizeRange
from lilac.model.resources import GpuRequest
from lilac.scheduling.views import Shape


class ReasonCode(StrEnum):
    """Why, in one word."""

    NO_QUEUE = "no_queue"
    """Its queue does not exist any more."""
    QUEUE_PAUSED = "queue_paused"
    NO_NODES = "no_nodes"
    """The queue's clusters have no nodes at all, or the queue has no clusters."""
    NEVER_FITS = "never_fits"
    """No node of the queue's clusters could run it, even when empty and well."""
    UNAVAILABLE = "unavailable"
    """Only nodes that get no work now (lost, draining) or GPUs that are unhealthy could run it."""
    RESOURCES = "resources"
    """It fits on a node, but not beside what is there now."""
    GANG = "gang"
    """Some of its replicas fit now, but not all that it needs to start."""
    RESERVED = "reserved"
    """It would fit now, but would delay a job before it in line that has reserved the place."""
    LIMIT = "limit"
    """Its user, or its queue, has as much as the queue's limits allow, or it asks for more than they ever allow."""
    MAKING_ROOM = "making_room"
    """Jobs of lower priority shrink or are stopped for it; it starts when they have."""
    DEPENDENCY = "dependency"
    """It waits for other jobs to end; it is not in line yet."""
    PAUSE = "pause"
    """It failed and is tried again after a pause; it is not in line meanwhile."""
    ARRAY_LIMIT = "array_limit"
    """As many elements of its array run or are in line as may run at once."""
    ARRAY_ORDER = "array_order"
    """It is an element behind those of its array that are in line."""
    PREVIOUS_ATTEMPT = "previous_attempt"
    """It is exclusive, and its attempt before may still run somewhere."""
    READY = "ready"
    """Nothing holds it back: it starts in the next pass."""


class Dimension(StrEnum):
    CPU = "cpu"
    MEMORY = "memory"
    GPU = "gpu"
    REPLICAS = "replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What one replica needs in one dimension, and what the node has free of it.

    Units: millicores, MiB, acceptable GPUs; for `replicas` those of the whole job, and the room in one cluster.
    """

    dimension: Dimension
    needed: int
    free: int
    total: int
    """What there would be if nothing else ran."""

    @property
    def missing(self) -> int:
        return self.needed - self.free


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A job that holds something on the best node, and what it holds there."""

    job_id: JobId
    node_id: NodeId
    cpu_millicores: int
    memory_mb: int
    gpus: int
    expected_end: float | None
    """By its time limit; None if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to a request. What is None or False stays as it is."""

    cpu_millicores: int | None = None
    memory_mb: int | None = None
    gpu_count: int | None = None
    size_min: int | None = None
    time_limit_s: int | None = None
    drop_gpu_model: bool = False
    drop_gpu_memory: bool = False
    drop_node_selector: bool = False

    @property
    def text(self) -> str:
        """The change in the words of the command line."""
        return ", ".join(
            [
                *([f"--gpu-count {self.gpu_count}"] if self.gpu_count else []),
                *(["no GPUs"] if self.gpu_count == 0 else []),
                *(["drop --gpu-model"] if self.drop_gpu_model else []),
                *(["drop --gpu-memory"] if self.drop_gpu_memory else []),
                *([f"--cpu {self.cpu_millicores}"] if self.cpu_millicores is not None else []),
                *([f"--memory {self.memory_mb}"] if self.memory_mb is not None else []),
                *(["drop --node-selector"] if self.drop_node_selector else []),
                *([f"--size {self.size_min}"] if self.size_min is not None else []),
                *([f"--time-limit {self.time_limit_s}"] if self.time_limit_s is not None else []),
            ]
        )

    def apply(self, shape: Shape) -> Shape:
        """The request after the change."""
        need = shape.resources
        gpus = need.gpus
        if gpus is not None:
            count = gpus.count if self.gpu_count is None else self.gpu_count
            model = None if self.drop_gpu_model else gpus.model
            memory_gb = None if self.drop_gpu_memory else gpus.memory_gb
            gpus = GpuRequest(count, model, memory_gb) if count else None
        need = replace(
            need,
            cpu_millicores=need.cpu_millicores if self.cpu_millicores is None else self.cpu_millicores,
            memory_mb=need.memory_mb if self.memory_mb is None else self.memory_mb,
            gpus=gpus,
        )
        size = shape.size
        if self.size_min is not None:
            size = SizeRange(self.size_min, size.max if shape.elastic else self.size_min)
        return replace(
            shape,
            resources=need,
            size=size,
            time_limit_s=shape.time_limit_s if self.time_limit_s is None else self.time_limit_s,
            node_selector=() if self.drop_node_selector else shape.node_selector,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a job waits. `str(reason)` is the sentence."""

    code: ReasonCode
    message: str
    shortages: tuple[Shortage, ...] = ()
    """What is short on the best node, or in the best cluster for `replicas`."""
    best_node: NodeId | None = None
    """The node nearest to running it."""
    holders: tuple[Holder, ...] = ()
    """Who holds what is short there, the largest first, at most ten."""
    reserved_by: JobId | None = None
    """The job before it in line whose reservation keeps it out, for `reserved`."""
    expected_start: float | None = None
    """When it can start by the time limits of others; None if that cannot be known."""
    smallest_change: Change | None = None
    """The smallest change to the request that would start it now; None if none is known."""
    limited_user: UserId | None = None
    """Whose limit it is, for `limit`; the message names the user by this id."""

    def __str__(self) -> str:
        return self.message
