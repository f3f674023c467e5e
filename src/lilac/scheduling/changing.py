"""The smallest change to a request that would start it now.

Changes are tried against the free capacity and the reservations as a pass left them. Room only shrinks while a pass
goes on, so what fits afterwards would also have fitted at the job's own turn: a change that is named does start the
job, if nothing else happens in between. A change is only named after it was tried.

How large a change is: the share by which an amount goes down, shares of several amounts added. Giving up the GPU
model, the GPU memory or the labels counts as half an amount, a time limit as a quarter. Amounts are cut no further than
to a twentieth, since a job cut down to nothing is not the job that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lilac.model.ids import JobId, NodeId
from lilac.scheduling.capacity import Capacity, acceptable, suits
from lilac.scheduling.fitting import places_now
from lilac.scheduling.reasons import Change
from lilac.scheduling.reserving import Holds, most
from lilac.scheduling.views import QueueView, Shape

LEAST_SHARE = 0.05
LEAST_TIME_LIMIT_S = 60


def smallest_change(
    capacity: Capacity,
    holds: Holds,
    queue: QueueView,
    shape: Shape,
    head: JobId | None,
    allowed: Callable[[Shape], bool] = lambda shape: True,
) -> Change | None:
    """The smallest change that starts a job of this shape now, None if none does.

    `head` is the job itself if it may give up its own reservation, None for a job that stands behind others of its
    shape. `allowed` tells whether the limits let a shape start.
    """

    def starts(change: Change) -> bool:
        changed = change.apply(shape)
        return allowed(changed) and (
            places_now(capacity, queue.cluster_targets, changed, holds.permits(changed, capacity, ignoring=head))
            is not None
        )

    best: tuple[float, int, Change] | None = None
    for order, (cost, change) in enumerate(_candidates(capacity, holds, queue, shape, starts)):
        if (best is None or (cost, order) < best[:2]) and starts(change):
            best = (cost, order, change)
    return None if best is None else best[2]


def _candidates(
    capacity: Capacity, holds: Holds, queue: QueueView, shape: Shape, starts: Callable[[Change], bool]
) -> Iterator[tuple[float, Change]]:
    """Changes worth trying, with their costs. Where one has an amount, it is the largest with which it starts."""
    need, gpus = shape.resources, shape.gpus
    if gpus is not None:
        if gpus.count > 1:
            count = most(gpus.count - 1, lambda count: not starts(Change(gpu_count=count)))
            if count:
                yield 1 - count / gpus.count, Change(gpu_count=count)
        if gpus.model is not None:
            yield 0.5, Change(drop_gpu_model=True)
        if gpus.memory_gb is not None:
            yield 0.5, Change(drop_gpu_memory=True)
        if gpus.model is not None and gpus.memory_gb is not None:
            yield 1.0, Change(drop_gpu_model=True, drop_gpu_memory=True)
    cpu = most(need.cpu_millicores - 1, lambda cpu: not starts(Change(cpu_millicores=cpu)))
    if cpu >= max(1, LEAST_SHARE * need.cpu_millicores):
        yield 1 - cpu / need.cpu_millicores, Change(cpu_millicores=cpu)
    memory = most(need.memory_mb - 1, lambda memory: not starts(Change(memory_mb=memory)))
    if memory >= max(1, LEAST_SHARE * need.memory_mb):
        yield 1 - memory / need.memory_mb, Change(memory_mb=memory)
    if shape.size.min > 1:
        size = most(shape.size.min - 1, lambda size: not starts(Change(size_min=size)))
        if size:
            yield 1 - size / shape.size.min, Change(size_min=size)
    if shape.node_selector:
        yield 0.5, Change(drop_node_selector=True)
    limit = _time_limit(holds, shape, starts)
    if limit is not None:
        yield 0.25, Change(time_limit_s=limit)
    yield from _several_amounts(capacity, queue, shape)


def _time_limit(holds: Holds, shape: Shape, starts: Callable[[Change], bool]) -> int | None:
    """The longest time limit with which it ends before a reservation needs the place."""
    limits = {
        int(hold.start - holds.now)
        for hold in holds.by_node.values()
        if hold.start is not None and hold.start - holds.now >= LEAST_TIME_LIMIT_S
    }
    for limit in sorted(limits, reverse=True):
        if (shape.time_limit_s is None or limit < shape.time_limit_s) and starts(Change(time_limit_s=limit)):
            return limit
    return None


def _several_amounts(capacity: Capacity, queue: QueueView, shape: Shape) -> list[tuple[float, Change]]:
    """One replica cut to what is free on a node, for the nodes where the cut is least."""
    need, gpus = shape.resources, shape.gpus
    cuts: list[tuple[float, NodeId, Change]] = []
    for node_id, free in capacity.free.items():
        if free.cpu < 1 or free.memory < 1 or (gpus is not None and not free.gpus):
            continue
        node = capacity.nodes[node_id]
        if node.cluster_id not in queue.cluster_targets or not suits(node, shape):
            continue
        cpu, memory = min(free.cpu, need.cpu_millicores), min(free.memory, need.memory_mb)
        count = min(acceptable(gpus, free.gpus), gpus.count) if gpus is not None else 0
        shares = [cpu / need.cpu_millicores, memory / need.memory_mb, *([count / gpus.count] if gpus else [])]
        if min(shares) < LEAST_SHARE or sum(share < 1 for share in shares) < 2:
            continue
        change = Change(
            cpu_millicores=cpu if cpu < need.cpu_millicores else None,
            memory_mb=memory if memory < need.memory_mb else None,
            gpu_count=count if gpus is not None and count < gpus.count else None,
        )
        cuts.append((sum(1 - share for share in shares), node_id, change))
    return [(cost, change) for cost, _, change in sorted(cuts, key=lambda cut: cut[:2])[:3]]
