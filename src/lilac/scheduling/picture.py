"""The state to plan for as plain parts, and as JSON: to change it, to keep it, and to plan it again.

A `Snapshot` is made for one pass and shares the board's line; a `Picture` is its own copy of the parts, in an order of
their own, so that equal states give equal pictures and equal JSON, byte for byte. `from_json(to_json(p)) == p`, and
planning a picture gives what planning the snapshot gave. JSON that lacks fields gets their defaults, so pictures of an
older release can still be planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lilac.model.clusters import RuntimeName
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import JobKind, SizeRange
from lilac.model.limits import QueueOrder, limits_from_json
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.scheduling.board import Board, Snapshot
from lilac.scheduling.views import HeldReplica, NodeView, QueueView, RunningJob, Shape, WaitingJob

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that a pass looks at, and the time of it."""

    now: float
    nodes: tuple[NodeView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    running: tuple[RunningJob, ...] = ()
    waiting: tuple[WaitingJob, ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot, now: float) -> Picture:
        """Take down a snapshot; the parts are shared values, nothing is copied but the lists of them."""
        return cls(
            now=now,
            nodes=tuple(sorted(snapshot.nodes.values(), key=lambda node: node.id)),
            queues=tuple(sorted(snapshot.queues.values(), key=lambda queue: queue.id)),
            running=tuple(sorted(snapshot.running.values(), key=lambda job: (job.id, job.attempt))),
            waiting=tuple(sorted(snapshot.waiting, key=lambda job: (job.seq, job.id))),
        )

    def board(self) -> Board:
        return Board.of(nodes=self.nodes, queues=self.queues, running=self.running, waiting=self.waiting)

    def snapshot(self) -> Snapshot:
        return self.board().snapshot()


def to_json(picture: Picture) -> dict[str, Any]:
    """The picture as plain values. Shapes, which many jobs share, are listed once and named by their place."""
    shapes: dict[Shape, int] = {}

    def place(shape: Shape) -> int:
        return shapes.setdefault(shape, len(shapes))

    running = [_job(job, place) for job in picture.running]
    waiting = [_job(job, place) for job in picture.waiting]
    return {
        "format": FORMAT,
        "now": picture.now,
        "nodes": [
            asdict(node)
            | {"runtimes": sorted(node.runtimes), "labels": dict(sorted(node.labels.items()))}
            | {"features": sorted(node.features), "resting": sorted(node.resting)}
            for node in picture.nodes
        ],
        "queues": [asdict(queue) for queue in picture.queues],
        "shapes": [asdict(shape) for shape in shapes],
        "running": running,
        "waiting": waiting,
    }


def from_json(data: Mapping[str, Any]) -> Picture:
    """What `to_json` gave. Raises `ValueError` for anything else."""
    try:
        if data.get("format") != FORMAT:
            raise ValueError(f"this is no snapshot of format {FORMAT}")
        shapes: list[Shape] = [_shape(each) for each in data["shapes"]]
        return Picture(
            now=float(data["now"]),
            nodes=tuple(map(_node, data["nodes"])),
            queues=tuple(map(_queue, data["queues"])),
            running=tuple(_running(each, shapes) for each in data["running"]),
            waiting=tuple(_waiting(each, shapes) for each in data["waiting"]),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the snapshot is not whole: {error!r}") from error


def _job(job: RunningJob | WaitingJob, place: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": job.id,
        "seq": job.seq,
        "priority": job.priority,
        "shape": place(job.shape),
        "owner_id": job.owner_id,
    }
    if isinstance(job, WaitingJob):
        return told | {"submitted_at": job.submitted_at}
    return told | {
        "attempt": job.attempt,
        "replicas": [[replica.rank, replica.node_id, list(replica.gpu_uuids)] for replica in job.replicas],
        "started_at": job.started_at,
        "stopping": job.stopping,
        "leaving": sorted(job.leaving),
        "ranks_used": job.ranks_used,
    }


def _node(data: Mapping[str, Any]) -> NodeView:
    return NodeView(
        id=NodeId(data["id"]),
        name=data["name"],
        cluster_id=ClusterId(data["cluster_id"]),
        cpu_millicores=data["cpu_millicores"],
        memory_mb=data["memory_mb"],
        gpus=tuple(Gpu(**gpu) for gpu in data.get("gpus", ())),
        runtimes=frozenset(map(RuntimeName, data["runtimes"])),
        labels=dict(data.get("labels", {})),
        host_paths=tuple(data.get("host_paths", ())),
        features=frozenset(data.get("features", ())),
        resting=frozenset(map(RuntimeName, data.get("resting", ()))),
        schedulable=data.get("schedulable", True),
        single_job=data.get("single_job", False),
    )


def _queue(data: Mapping[str, Any]) -> QueueView:
    return QueueView(
        id=QueueId(data["id"]),
        name=data["name"],
        priority=data["priority"],
        cluster_targets=tuple(map(ClusterId, data["cluster_targets"])),
        paused=data.get("paused", False),
        limits=limits_from_json(data.get("limits")),
        user_limits=limits_from_json(data.get("user_limits")),
        order=QueueOrder(data.get("order", QueueOrder.FIFO)),
        ageing_s=data.get("ageing_s"),
        preemption=data.get("preemption", True),
    )


def _shape(data: Mapping[str, Any]) -> Shape:
    need = data["resources"]
    gpus = need.get("gpus")
    return Shape(
        queue_id=QueueId(data["queue_id"]),
        resources=ResourceRequest(
            need["cpu_millicores"], need["memory_mb"], None if gpus is None else GpuRequest(**gpus)
        ),
        size=SizeRange(data["size"]["min"], data["size"]["max"]),
        runtime=RuntimeName(data["runtime"]),
        node_selector=tuple((key, value) for key, value in data.get("node_selector", ())),
        time_limit_s=data.get("time_limit_s"),
        kind=JobKind(data.get("kind", JobKind.BATCH)),
        preemptible=data.get("preemptible", False),
        host_paths=tuple((path, read_only) for path, read_only in data.get("host_paths", ())),
        features=tuple(data.get("features", ())),
        on_node=None if (on_node := data.get("on_node")) is None else NodeId(on_node),
        volumes=tuple(data.get("volumes", ())),
        plain=data.get("plain", True),
    )


def _owner(data: Mapping[str, Any]) -> UserId | None:
    owner_id = data.get("owner_id")
    return None if owner_id is None else UserId(owner_id)


def _waiting(data: Mapping[str, Any], shapes: list[Shape]) -> WaitingJob:
    return WaitingJob(
        id=JobId(data["id"]),
        seq=data["seq"],
        priority=data["priority"],
        submitted_at=data["submitted_at"],
        shape=shapes[int(data["shape"])],
        owner_id=_owner(data),
    )


def _running(data: Mapping[str, Any], shapes: list[Shape]) -> RunningJob:
    shape = shapes[int(data["shape"])]
    return RunningJob(
        id=JobId(data["id"]),
        seq=data["seq"],
        priority=data["priority"],
        queue_id=shape.queue_id,
        shape=shape,
        attempt=data["attempt"],
        replicas=tuple(HeldReplica(rank, NodeId(node_id), tuple(gpus)) for rank, node_id, gpus in data["replicas"]),
        started_at=data.get("started_at"),
        stopping=data.get("stopping", False),
        owner_id=_owner(data),
        leaving=frozenset(data.get("leaving", ())),
        ranks_used=data.get("ranks_used", 0),
    )
