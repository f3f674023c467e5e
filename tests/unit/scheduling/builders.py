"""Short words for nodes, jobs and queues, so that a test reads like a table.

Amounts are in whole units: CPUs in cores, memory in GiB. Every job waits in queue `q` unless said otherwise, every
node stands in cluster `c`.
"""

from __future__ import annotations

from collections.abc import Iterable

from lilac.model.clusters import RuntimeName
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import JobKind, SizeRange
from lilac.model.limits import NO_LIMITS, Limits, QueueOrder
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.scheduling import (
    HeldReplica,
    NodeView,
    Plan,
    QueueView,
    RunningJob,
    Shape,
    Snapshot,
    WaitingJob,
)

NOW = 1_000_000.0
GPU_MEMORY_MB = {"T4": 15_109, "A100": 40_960, "H100": 81_559}


def gpu(name: str, model: str = "H100", *, healthy: bool = True) -> Gpu:
    return Gpu(name, f"NVIDIA {model}", GPU_MEMORY_MB[model], healthy)


def node(
    name: str,
    gpus: int | str | Iterable[Gpu] = 0,
    *,
    cpu: float = 64,
    memory: int = 512,
    cluster: str = "c",
    labels: dict[str, str] | None = None,
    schedulable: bool = True,
    single_job: bool = False,
    runtimes: Iterable[RuntimeName] = (RuntimeName.DOCKER,),
) -> NodeView:
    """`gpus` is a number of H100, words such as `"2 T4, 1 H100"`, or the devices themselves."""
    if isinstance(gpus, int):
        gpus = f"{gpus} H100" if gpus else ""
    if isinstance(gpus, str):
        words = [part.split() for part in gpus.split(",") if part.strip()]
        models = [model for count, model in words for _ in range(int(count))]
        gpus = [gpu(f"{name}-gpu-{i}", model) for i, model in enumerate(models)]
    return NodeView(
        id=NodeId(name),
        name=name,
        cluster_id=ClusterId(cluster),
        cpu_millicores=int(cpu * 1000),
        memory_mb=memory * 1024,
        gpus=tuple(gpus),
        runtimes=frozenset(runtimes),
        labels=labels or {},
        schedulable=schedulable,
        single_job=single_job,
    )


def queue(
    name: str = "q",
    priority: int = 10,
    *clusters: str,
    paused: bool = False,
    limits: Limits = NO_LIMITS,
    user_limits: Limits = NO_LIMITS,
    order: QueueOrder = QueueOrder.FIFO,
    ageing_s: int | None = None,
) -> QueueView:
    return QueueView(
        id=QueueId(name),
        name=name,
        priority=priority,
        cluster_targets=tuple(map(ClusterId, clusters or ("c",))),
        paused=paused,
        limits=limits,
        user_limits=user_limits,
        order=order,
        ageing_s=ageing_s,
    )


def shape(
    gpus: int = 0,
    *,
    cpu: float = 1,
    memory: int = 1,
    model: str | None = None,
    gpu_memory: int | None = None,
    limit: int | None = None,
    size: int | tuple[int, int] = 1,
    queue: str = "q",
    selector: dict[str, str] | None = None,
    runtime: RuntimeName = RuntimeName.DOCKER,
    preemptible: bool = False,
) -> Shape:
    least, most = (size, size) if isinstance(size, int) else size
    return Shape(
        queue_id=QueueId(queue),
        resources=ResourceRequest(
            int(cpu * 1000), memory * 1024, GpuRequest(gpus, model, gpu_memory) if gpus else None
        ),
        size=SizeRange(least, most),
        runtime=runtime,
        node_selector=tuple(sorted((selector or {}).items())),
        time_limit_s=limit,
        kind=JobKind.BATCH if least == most else JobKind.ELASTIC,
        preemptible=preemptible,
    )


def job(
    name: str, wanted: Shape, *, seq: int | None = None, priority: int = 0, owner: str | None = None, at: float = NOW
) -> WaitingJob:
    """A waiting job; without `seq` the number at the end of its name is its turn."""
    if seq is None:
        seq = int("".join(filter(str.isdigit, name)) or 0)
    owner_id = None if owner is None else UserId(owner)
    return WaitingJob(id=JobId(name), seq=seq, priority=priority, submitted_at=at, shape=wanted, owner_id=owner_id)


def run(
    name: str,
    wanted: Shape,
    *places: str | tuple[str, Iterable[int]],
    since: float | None = 0,
    attempt: int = 1,
    stopping: bool = False,
    priority: int = 0,
    seq: int = 0,
    owner: str | None = None,
) -> RunningJob:
    """A running job; each place is a node, or a node with the numbers of its GPUs. `since` is seconds before NOW."""
    replicas: list[HeldReplica] = []
    for rank, place in enumerate(places):
        name_of_node, numbers = (place, ()) if isinstance(place, str) else place
        uuids = tuple(f"{name_of_node}-gpu-{i}" for i in numbers)
        replicas.append(HeldReplica(rank, NodeId(name_of_node), uuids))
    return RunningJob(
        id=JobId(name),
        seq=seq,
        priority=priority,
        queue_id=wanted.queue_id,
        shape=wanted,
        attempt=attempt,
        replicas=tuple(replicas),
        started_at=None if since is None else NOW - since,
        stopping=stopping,
        owner_id=None if owner is None else UserId(owner),
    )


def world(
    nodes: Iterable[NodeView],
    waiting: Iterable[WaitingJob] = (),
    running: Iterable[RunningJob] = (),
    queues: Iterable[QueueView] | None = None,
) -> Snapshot:
    return Snapshot.of(nodes=nodes, queues=[queue()] if queues is None else queues, running=running, waiting=waiting)


def started(made: Plan) -> list[str]:
    """The jobs that start, in order."""
    return [start.job_id for start in made.starts]


def places(made: Plan) -> dict[str, list[str]]:
    """On which nodes each job starts, by rank."""
    return {start.job_id: [placement.node_id for placement in start.placements] for start in made.starts}
