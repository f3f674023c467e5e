"""What the scheduler sees of the world: nodes, queues, waiting and running jobs, reduced to what decides.

Each view is a frozen value made from its counterpart in `lilac.model`. The central one is `Shape`: everything about
a request that decides where and when it may start besides its turn. Equal requests have equal shapes, so a pass
tries each shape once after it failed instead of each job, and a hundred thousand equal jobs cost as much as one.

Units: CPU in millicores, memory in MiB, time in seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace

from lilac.model.clusters import Node, Queue, RuntimeName
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import Job, JobKind, JobSpec, SizeRange, features_of
from lilac.model.limits import NO_LIMITS, Amount, Limits, QueueOrder, amount_of
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.model.states import NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A machine and what it has in all. One that is not `schedulable` keeps what it runs and gets nothing new."""

    id: NodeId
    name: str
    cluster_id: ClusterId
    cpu_millicores: int
    memory_mb: int
    gpus: tuple[Gpu, ...] = ()
    runtimes: frozenset[RuntimeName] = frozenset({RuntimeName.DOCKER})
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    host_paths: tuple[str, ...] = ()
    """Paths that jobs may mount there."""
    features: frozenset[str] = frozenset()
    """What its agent knows of what jobs may ask."""
    resting: frozenset[RuntimeName] = frozenset()
    """Runtimes that it has, too, but that get nothing new now: the disk of its engine is nearly full."""
    schedulable: bool = True
    single_job: bool = False
    """Whether its agent is an original one: it holds one replica at a time (it gets one when it is empty, and then
    nothing more), and runs nothing but plain images."""

    @classmethod
    def of(cls, node: Node) -> NodeView:
        inventory = node.inventory
        resting = inventory.runtimes & {RuntimeName.DOCKER} if inventory.disk_low else frozenset[RuntimeName]()
        return cls(
            id=node.id,
            name=node.name,
            cluster_id=node.cluster_id,
            cpu_millicores=inventory.cpu_millicores,
            memory_mb=inventory.memory_mb,
            gpus=inventory.gpus,
            runtimes=inventory.runtimes - resting,
            resting=resting,
            labels=node.labels,
            host_paths=inventory.host_paths,
            features=inventory.features,
            schedulable=node.state in (NodeState.AVAILABLE, NodeState.BUSY),
            single_job=inventory.legacy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """Where jobs wait. A lower `priority` number goes first; `cluster_targets` is the order of preference."""

    id: QueueId
    name: str
    priority: int
    cluster_targets: tuple[ClusterId, ...]
    paused: bool = False
    limits: Limits = NO_LIMITS
    user_limits: Limits = NO_LIMITS
    order: QueueOrder = QueueOrder.FIFO
    ageing_s: int | None = None
    preemption: bool = True
    """Whether others make room for its jobs, where the policy allows it."""

    @property
    def limited(self) -> bool:
        return self.limits.limits_running or self.user_limits.limits_running

    @classmethod
    def of(cls, queue: Queue) -> QueueView:
        return cls(
            id=queue.id,
            name=queue.name,
            priority=queue.priority,
            cluster_targets=queue.cluster_targets,
            paused=queue.paused,
            limits=queue.limits,
            user_limits=queue.user_limits,
            order=queue.order,
            ageing_s=queue.ageing_s,
            preemption=queue.preemption,
        )


ONE_REPLICA = SizeRange(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """All of a request that decides where and when it may start, besides its turn. `resources` are per replica."""

    queue_id: QueueId
    resources: ResourceRequest
    size: SizeRange = ONE_REPLICA
    runtime: RuntimeName = RuntimeName.DOCKER
    node_selector: tuple[tuple[str, str], ...] = ()
    """Labels that a node must have, sorted by key."""
    host_paths: tuple[tuple[str, bool], ...] = ()
    """Paths of the node that it mounts, and whether for reading only."""
    features: tuple[str, ...] = ()
    """What the node's agent must know."""
    on_node: NodeId | None = None
    """The one node where the data of its volumes is, once they have some."""
    volumes: tuple[str, ...] = ()
    """Its named volumes that have no data anywhere yet: the first job that starts with one decides where that is."""
    time_limit_s: int | None = None
    kind: JobKind = JobKind.BATCH
    preemptible: bool = False
    plain: bool = True
    """Whether it asks for nothing but an image to be run, so that an original agent can run it."""

    @property
    def gpus(self) -> GpuRequest | None:
        """The GPUs per replica, None also where none are counted."""
        gpus = self.resources.gpus
        return gpus if gpus is not None and gpus.count > 0 else None

    @property
    def choosy(self) -> bool:
        """Whether nodes differ in more for it than runtime and capacity."""
        return bool(self.node_selector or self.features or self.host_paths or self.on_node)

    @property
    def elastic(self) -> bool:
        return self.size.max > self.size.min


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A job in line. A job that is queued again keeps its `seq` and `submitted_at`, so it keeps its turn."""

    id: JobId
    seq: int
    priority: int
    submitted_at: float
    shape: Shape
    owner_id: UserId | None = None

    @classmethod
    def of(cls, job: Job, shape: Shape | None = None) -> WaitingJob:
        return cls(
            id=job.id,
            seq=job.turn,
            priority=job.spec.priority,
            submitted_at=job.submitted_at,
            shape=shape_of(job) if shape is None else shape,
            owner_id=job.owner_id,
        )


@dataclass(frozen=True, slots=True)
class HeldReplica:
    """One replica of a running job and the GPUs it holds on its node."""

    rank: int
    node_id: NodeId
    gpu_uuids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """One attempt of a job, with the replicas that still hold resources.

    `stopping` says that all of it has been told to end: it holds its resources until it has.
    """

    id: JobId
    seq: int
    priority: int
    queue_id: QueueId
    shape: Shape
    attempt: int
    replicas: tuple[HeldReplica, ...]
    started_at: float | None = None
    stopping: bool = False
    owner_id: UserId | None = None
    leaving: frozenset[int] = frozenset()
    """Ranks that have been told to end while the attempt goes on without them; they hold what they have until then."""

    ranks_used: int = 0
    """How many ranks the attempt has had, if more than it holds now."""

    @property
    def next_rank(self) -> int:
        """The first rank that the attempt has never had."""
        return max(self.ranks_used, 1 + max((replica.rank for replica in self.replicas), default=-1))

    @property
    def held(self) -> Amount:
        """All that it holds."""
        return amount_of(self.shape.resources, len(self.replicas))

    @property
    def staying(self) -> int:
        """How many of its replicas go on."""
        return len(self.replicas) - len(self.leaving)

    @property
    def gives_way(self) -> bool:
        """Whether it could be shrunk or stopped for others, or is about to be gone."""
        return self.stopping or self.shape.preemptible or self.shape.elastic

    def expected_end(self, now: float) -> float | None:
        """When its resources are free again by its time limit; None if it may run for ever.

        A job that is stopping, or is past its limit, is expected to be gone at once.
        """
        if self.stopping:
            return now
        limit = self.shape.time_limit_s
        if limit is None:
            return None
        return max(now, (now if self.started_at is None else self.started_at) + limit)


def shape_of(job: Job) -> Shape:
    """The shape of a job's request, as if its volumes had no data yet (`placed` says where that is)."""
    spec = job.spec
    return Shape(
        queue_id=spec.queue_id,
        resources=spec.resources,
        size=spec.size,
        runtime=spec.runtime,
        node_selector=tuple(sorted(spec.node_selector.items())) if spec.node_selector else (),
        host_paths=tuple((v.host_path, v.read_only) for v in spec.volumes if v.host_path is not None)
        if spec.volumes
        else (),
        features=tuple(map(str, features_of(spec))),
        volumes=tuple(dict.fromkeys(v.volume_id for v in spec.volumes if v.volume_id is not None))
        if spec.volumes
        else (),
        time_limit_s=spec.time_limit_s,
        kind=spec.kind,
        preemptible=spec.preemptible,
        plain=spec.size.max == 1 and all(getattr(spec, name) == usual for name, usual in _BEYOND_PLAIN),
    )


NOWHERE = NodeId("")


def placed(shape: Shape, places: Mapping[str, NodeId]) -> Shape:
    """The shape with what is known about where its volumes are. Data on two nodes can be used on none."""
    if not any(volume in places for volume in shape.volumes):
        return shape
    nodes = {places[volume] for volume in shape.volumes if volume in places}
    nodes |= {shape.on_node} if shape.on_node is not None else set()
    rest = tuple(volume for volume in shape.volumes if volume not in places)
    return replace(shape, volumes=rest, on_node=nodes.pop() if len(nodes) == 1 else NOWHERE)


_FOR_ANY_AGENT = frozenset(
    {
        "name", "queue_id", "resources", "image", "runtime", "kind", "size", "priority", "time_limit_s", "grace_s",
        "max_retries", "retries", "node_selector", "labels", "preemptible", "after",
    }
)  # fmt: skip
_BEYOND_PLAIN: tuple[tuple[str, object], ...] = tuple(
    (field.name, field.default_factory() if field.default_factory is not MISSING else field.default)
    for field in fields(JobSpec)
    if field.name not in _FOR_ANY_AGENT
)
"""What a request may ask for that an original agent would ignore, each with the value that asks for nothing."""
