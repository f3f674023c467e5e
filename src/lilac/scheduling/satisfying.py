"""Whether a request could ever run on the nodes there are, if nothing else ran; and if not, why.

Three answers matter: it fits on nodes that get work; it fits only if nodes that get none now (lost, draining) or GPUs
that are unhealthy come back; or it never fits. Only a job of the first kind may reserve a place, and only one of the
last kind is refused by a caller who asks to be told instead of waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from lilac.model.ids import ClusterId, NodeId
from lilac.model.surroundings import allows_path
from lilac.scheduling.board import Snapshot
from lilac.scheduling.capacity import acceptable, admits, all_of, has_labels, room_for, suits
from lilac.scheduling.limiting import too_large
from lilac.scheduling.reasons import Dimension, Reason, ReasonCode, Shortage
from lilac.scheduling.views import NodeView, QueueView, Shape
from lilac.scheduling.wording import amount, limit_sentence, listed, node_names, wanted, wanted_briefly


def satisfiable(snapshot: Snapshot, shape: Shape) -> Reason | None:
    """None if limits and nodes (lost and draining ones too, empty and well) could let it run; else why never."""
    queue = snapshot.queues.get(shape.queue_id)
    if queue is None:
        return Reason(code=ReasonCode.NO_QUEUE, message="the queue does not exist")
    over = too_large(queue, shape)
    if over is not None:
        return Reason(code=ReasonCode.LIMIT, message=limit_sentence(queue, over, 0.0))
    if fits_ever(snapshot, shape):
        return None
    reason = unfit_reason(snapshot.nodes, queue, shape)
    return None if reason.code is ReasonCode.UNAVAILABLE else reason


def fits_ever(snapshot: Snapshot, shape: Shape) -> bool:
    """Whether the schedulable nodes of one of the queue's clusters could run it, if they were empty."""
    known = snapshot.fits_ever.get(shape)
    if known is None:
        queue = snapshot.queues.get(shape.queue_id)
        targets = queue.cluster_targets if queue is not None else ()
        nodes = (node for node in snapshot.nodes.values() if node.schedulable)
        known = snapshot.fits_ever[shape] = fits_when_empty(nodes, targets, shape)
    return known


def fits_when_empty(
    nodes: Iterable[NodeView], targets: Sequence[ClusterId], shape: Shape, *, unhealthy: bool = False
) -> bool:
    """Whether these nodes, empty, have room for the least size of the shape in one of the clusters."""
    room: dict[ClusterId, int] = {}
    for node in nodes:
        if node.cluster_id not in targets:
            continue
        here = empty_room(node, shape, unhealthy=unhealthy)
        if here:
            total = room[node.cluster_id] = room.get(node.cluster_id, 0) + here
            if total >= shape.size.min:
                return True
    return False


def empty_room(node: NodeView, shape: Shape, *, unhealthy: bool = False) -> int:
    """How many replicas the node could hold if it were empty (and its unhealthy GPUs and its disk well, if wanted)."""
    node = _well(node) if unhealthy else node
    need = shape.resources
    if node.cpu_millicores < need.cpu_millicores or node.memory_mb < need.memory_mb or not suits(node, shape):
        return 0
    return room_for(shape, all_of(node, unhealthy=unhealthy), single_job=node.single_job)


def _well(node: NodeView) -> NodeView:
    """The node as it is when its disk has room."""
    return replace(node, runtimes=node.runtimes | node.resting, resting=frozenset()) if node.resting else node


def unfit_reason(all_nodes: Mapping[NodeId, NodeView], queue: QueueView, shape: Shape) -> Reason:
    """Why a shape for which `fits_ever` is false does not fit: no nodes, none for now, or never."""
    nodes = sorted(
        (node for node in all_nodes.values() if node.cluster_id in queue.cluster_targets), key=lambda node: node.id
    )
    if not queue.cluster_targets:
        return Reason(code=ReasonCode.NO_NODES, message=f"queue {queue.name} has no clusters to run on")
    if not nodes:
        return Reason(code=ReasonCode.NO_NODES, message=f"no node has joined the clusters of queue {queue.name} yet")
    if fits_when_empty(nodes, queue.cluster_targets, shape, unhealthy=True):
        return _unavailable(nodes, queue, shape)
    return _never([_well(node) for node in nodes], queue, shape)


def _unavailable(nodes: list[NodeView], queue: QueueView, shape: Shape) -> Reason:
    able = [node for node in nodes if empty_room(node, shape, unhealthy=True)]
    away = [node for node in able if not node.schedulable]
    full = [node for node in able if node.schedulable and shape.runtime in node.resting]
    sick = [node for node in able if empty_room(_well(node), shape, unhealthy=True) > empty_room(_well(node), shape)]
    parts: list[str] = []
    if away:
        gets = "gets" if len(away) == 1 else "get"
        parts.append(f"{node_names(away)} could, but {gets} no new work now (lost or draining)")
    if full:
        parts.append(f"{node_names(full)} could, but {too_full(len(full))}")
    sick_here = [node for node in sick if node.schedulable]
    if sick_here:
        has = "has" if len(sick_here) == 1 else "have"
        parts.append(f"{node_names(sick_here)} could, but {has} unhealthy GPUs")
    size = f"{shape.size.min} replicas of {wanted_briefly(shape)}" if shape.size.min > 1 else wanted_briefly(shape)
    room = _cluster_room(nodes, queue, lambda node: empty_room(node, shape) if node.schedulable else 0)
    total = _cluster_room(nodes, queue, lambda node: empty_room(node, shape, unhealthy=True))
    gang = (Shortage(dimension=Dimension.REPLICAS, needed=shape.size.min, free=room, total=total),)
    return Reason(
        code=ReasonCode.UNAVAILABLE,
        message=f"no node that gets work now could run {size}: {listed(parts)}",
        shortages=gang if shape.size.min > 1 else (),
        best_node=(away or full or sick_here or able)[0].id,
    )


def too_full(count: int = 1) -> str:
    """What is the matter with nodes whose engines get nothing new."""
    return ("has" if count == 1 else "have") + " too little free disk for containers (min_free_disk_gb of the agent)"


def _never(nodes: list[NodeView], queue: QueueView, shape: Shape) -> Reason:
    where = f"in the clusters of queue {queue.name}"
    with_runtime = [node for node in nodes if shape.runtime in node.runtimes]
    if not with_runtime:
        return Reason(
            code=ReasonCode.NEVER_FITS,
            message=f"no node {where} has the {shape.runtime} runtime",
            best_node=nodes[0].id,
        )
    able = [node for node in with_runtime if shape.plain or not node.single_job]
    if not able:
        return Reason(
            code=ReasonCode.NEVER_FITS,
            message=f"all nodes {where} with the {shape.runtime} runtime have an agent of the original Lilac, which "
            "runs an image as it is: no command, environment or several replicas",
            best_node=with_runtime[0].id,
        )
    labelled = [node for node in able if has_labels(node.labels, shape.node_selector)]
    if not labelled:
        labels = listed([f"{key}={value}" for key, value in shape.node_selector])
        return Reason(code=ReasonCode.NEVER_FITS, message=f"no node {where} has {labels}", best_node=able[0].id)
    able = [node for node in labelled if admits(node, shape)]
    if not able:
        return _no_place(labelled, where, shape)
    labelled = able
    if any(empty_room(node, shape, unhealthy=True) for node in labelled):
        room = _cluster_room(labelled, queue, lambda node: empty_room(node, shape, unhealthy=True))
        return Reason(
            code=ReasonCode.NEVER_FITS,
            message=(
                f"needs {shape.size.min} replicas of {wanted_briefly(shape)} at once in one cluster; "
                f"no cluster of queue {queue.name} has room for more than {room}, even when empty"
            ),
            shortages=(Shortage(dimension=Dimension.REPLICAS, needed=shape.size.min, free=room, total=room),),
            best_node=max(labelled, key=lambda node: empty_room(node, shape, unhealthy=True)).id,
        )
    best = min(labelled, key=lambda node: (_lack(node, shape), node.id))
    shortages = tuple(each for each in _totals(best, shape) if each.missing > 0)
    return Reason(
        code=ReasonCode.NEVER_FITS,
        message=_missing_model(labelled, where, shape) or _too_small(best, where, shape, shortages),
        shortages=shortages,
        best_node=best.id,
    )


def _no_place(nodes: list[NodeView], where: str, shape: Shape) -> Reason:
    """Why nodes with the right runtime and labels are out of the question all the same."""
    message = f"no node {where} offers all that it asks for"
    if shape.on_node is not None and not any(node.id == shape.on_node for node in nodes):
        message = (
            f"no node {where} holds the data of its volumes; the node that does was removed, or is of another queue"
            if shape.on_node
            else "the data of its volumes is on different nodes"
        )
        return Reason(code=ReasonCode.NEVER_FITS, message=message, best_node=nodes[0].id)
    for node in nodes:
        if (why := objection(node, shape)) is not None:
            message = f"no node {where} can take it: {node.name} {why}"
            break
    return Reason(code=ReasonCode.NEVER_FITS, message=message, best_node=nodes[0].id)


def objection(node: NodeView, shape: Shape) -> str | None:
    """Why the node cannot take the shape, besides runtime, labels and capacity."""
    if shape.on_node is not None and shape.on_node != node.id:
        return "does not hold the data of its volumes"
    unknown = [word for word in shape.features if word not in node.features]
    if unknown:
        return f"has an agent that does not know {listed(unknown)} yet; bring it up to date"
    for path, read_only in shape.host_paths:
        if not allows_path(node.host_paths, path, read_only=read_only):
            return f"does not allow the host path {path}{'' if read_only else ' for writing'}"
    return None


def _missing_model(nodes: list[NodeView], where: str, shape: Shape) -> str | None:
    """The sentence for a request of GPUs of which there is none at all."""
    request = shape.gpus
    if request is None or any(request.accepts(gpu) for node in nodes for gpu in node.gpus):
        return None
    models = sorted({gpu.model for node in nodes for gpu in node.gpus})
    if not models:
        return f"needs {request}; no node {where} has GPUs"
    return (
        f"needs {request}; no node {where} has such a GPU, there {'is' if len(models) == 1 else 'are'} {listed(models)}"
    )


def _too_small(best: NodeView, where: str, shape: Shape, shortages: Sequence[Shortage]) -> str:
    if not shortages:
        return f"no node {where} could run {wanted(shape)}"
    needs = listed([amount(each.dimension, each.needed, shape.gpus) for each in shortages])
    has = listed([_has(each, shape) for each in shortages])
    return f"needs {needs} on one node; no node {where} has that, the nearest is {best.name} with {has} in all"


def _has(shortage: Shortage, shape: Shape) -> str:
    gpus = shape.gpus
    if shortage.dimension is not Dimension.GPU or gpus is None:
        return amount(shortage.dimension, shortage.total)
    such = "such " if gpus.model is not None or gpus.memory_gb is not None else ""
    return f"{shortage.total or 'no'} {such}{'GPU' if shortage.total == 1 else 'GPUs'}"


def _totals(node: NodeView, shape: Shape) -> list[Shortage]:
    """What one replica needs against what the node has in all."""
    need, gpus = shape.resources, shape.gpus
    free = all_of(node, unhealthy=True)
    facts = [
        (Dimension.GPU, gpus.count if gpus else 0, acceptable(gpus, free.gpus) if gpus else 0),
        (Dimension.CPU, need.cpu_millicores, node.cpu_millicores),
        (Dimension.MEMORY, need.memory_mb, node.memory_mb),
    ]
    return [Shortage(dimension=which, needed=needed, free=total, total=total) for which, needed, total in facts]


def _lack(node: NodeView, shape: Shape) -> float:
    return sum(max(0, each.missing) / each.needed for each in _totals(node, shape) if each.needed)


def _cluster_room(nodes: Iterable[NodeView], queue: QueueView, room: Callable[[NodeView], int]) -> int:
    """The most replicas that one cluster has room for."""
    total = dict.fromkeys(queue.cluster_targets, 0)
    for node in nodes:
        total[node.cluster_id] += room(node)
    return max(total.values(), default=0)
