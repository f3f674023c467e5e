"""Whether and where a shape fits into a capacity: one replica, or a gang in one cluster.

The clusters are tried in the order given, and the first that has room is taken. The nodes of a gang are filled one
after the other, those with the most room first, so that few are used; the last takes the node that fits it tightest.
Since what fits on one node does not depend on the others, this finds room for as many replicas as there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lilac.model.ids import ClusterId, NodeId
from lilac.model.jobs import SizeRange
from lilac.scheduling.capacity import Capacity, Free, Permits
from lilac.scheduling.plans import Placement
from lilac.scheduling.views import Shape


def place(
    capacity: Capacity, targets: Sequence[ClusterId], shape: Shape, permits: Permits | None
) -> tuple[Placement, ...] | None:
    """Take room for the shape in the first cluster that has it; None, and nothing taken, if none has."""
    for cluster_id in targets:
        if shape.size.max == 1:
            node_id = capacity.tightest(cluster_id, shape, 1, permits)
            if node_id is not None:
                (uuids,) = capacity.take(node_id, shape)
                return (Placement(0, node_id, uuids),)
            continue
        placements = place_gang(capacity, cluster_id, shape, permits)
        if placements is not None:
            return placements
    return None


def place_gang(
    capacity: Capacity, cluster_id: ClusterId, shape: Shape, permits: Permits | None
) -> tuple[Placement, ...] | None:
    """Take room for as many replicas as fit, from the least to the largest size; None, and nothing taken, if fewer."""
    before: list[tuple[NodeId, Free]] = []
    placements: list[Placement] = []
    left = shape.size.max
    while left:
        node_id, replicas = capacity.tightest(cluster_id, shape, left, permits), left
        if node_id is None:
            found = capacity.roomiest(cluster_id, shape, left, permits)
            if found is None:
                break
            node_id, replicas = found
        before.append((node_id, capacity.free[node_id]))
        for uuids in capacity.take(node_id, shape, replicas):
            placements.append(Placement(len(placements), node_id, uuids))
        left -= replicas
    if len(placements) >= shape.size.min:
        return tuple(placements)
    for node_id, free in reversed(before):
        capacity.set_free(node_id, free)
    return None


def places_now(
    capacity: Capacity, targets: Sequence[ClusterId], shape: Shape, permits: Permits | None
) -> tuple[NodeId, ...] | None:
    """The nodes on which the least size of the shape would start now, None if it would not. Changes nothing."""
    if shape.size.min == 1:
        for cluster_id in targets:
            node_id = capacity.tightest(cluster_id, shape, 1, permits)
            if node_id is not None:
                return (node_id,)
        return None
    least = replace(shape, size=SizeRange(shape.size.min, shape.size.min))
    for cluster_id in targets:
        before = capacity.free.copy()
        placements = place_gang(capacity, cluster_id, least, permits)
        if placements is not None:
            nodes = tuple(dict.fromkeys(placement.node_id for placement in placements))
            for node_id in nodes:
                capacity.set_free(node_id, before[node_id])
            return nodes
    return None
