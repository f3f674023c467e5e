"""Reservations: how a job that cannot start yet keeps its turn (EASY backfill, Lifka 1995).

The first job that cannot start reserves the place where it can start soonest. The time is found by letting the
running jobs end one after the other, in the order of their expected ends, until it fits. Later jobs may use that
place if they end before that time, or if what they leave is enough for the reserved job at that time.

Where no such time exists, because jobs without a time limit hold what is needed, the reservation is on the nodes
nearest to having room, with the start unknown: later jobs may not take from what is free there and is needed.

Each reserved node has a *hold* with a floor: what must stay free on it. For a known start the floor is the demand less
what will be released by then; for an unknown one it is the part of the demand that is free already. In both cases it
is enough to compare what would be left with the floor.

Who may reserve: jobs that ask for the same kind of place (GPU model and memory, runtime, labels) in the same cluster
are rivals, and only the first `Policy.reservations` of them reserve: that is enough for each of them to come to the
front in turn, and so never to starve, and it keeps as few nodes idle as possible. Jobs that ask for different kinds of
place wait for different things, so each kind has its own. Reservations never share a node.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lilac.model.clusters import RuntimeName
from lilac.model.ids import ClusterId, JobId, NodeId
from lilac.model.resources import GpuRequest
from lilac.scheduling.capacity import Capacity, Free, Permits, acceptable, all_of, choose_gpus, suits
from lilac.scheduling.ends import End, RunKey
from lilac.scheduling.satisfying import empty_room
from lilac.scheduling.views import NodeView, RunningJob, Shape

PlaceKind = tuple[GpuRequest | None, RuntimeName, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Where a waiting job will start, and when if that is known."""

    job_id: JobId
    shape: Shape
    cluster_id: ClusterId
    start: float | None
    nodes: tuple[tuple[NodeId, int], ...]
    """Nodes and how many replicas on each."""


@dataclass(slots=True)
class Hold:
    """What must stay free on a reserved node until `start`."""

    reservation: Reservation
    start: float | None
    gpus: GpuRequest | None
    floor_cpu: int
    floor_memory: int
    floor_gpus: int

    def leaves_enough(self, free: Free) -> bool:
        return (
            free.cpu >= self.floor_cpu
            and free.memory >= self.floor_memory
            and (self.gpus is None or self.floor_gpus <= 0 or acceptable(self.gpus, free.gpus) >= self.floor_gpus)
        )


@dataclass(slots=True)
class Holds:
    """The reservations of a pass, and what they forbid."""

    now: float
    by_node: dict[NodeId, Hold] = field(default_factory=dict[NodeId, Hold])
    by_shape: dict[Shape, Reservation] = field(default_factory=dict[Shape, Reservation])
    _count: dict[tuple[ClusterId, PlaceKind], int] = field(default_factory=dict[tuple[ClusterId, PlaceKind], int])
    _total: dict[ClusterId, int] = field(default_factory=dict[ClusterId, int])

    def open_clusters(self, shape: Shape, targets: Sequence[ClusterId], per_kind: int, total: int) -> list[ClusterId]:
        """The clusters in which a job of this shape may still reserve."""
        kind = place_kind(shape)
        return [
            cluster_id
            for cluster_id in targets
            if self._count.get((cluster_id, kind), 0) < per_kind and self._total.get(cluster_id, 0) < total
        ]

    def add(self, reservation: Reservation, future: Mapping[NodeId, Room], capacity: Capacity) -> None:
        """Enter a reservation; `future` is the room on its nodes when it starts."""
        shape, cluster_id = reservation.shape, reservation.cluster_id
        need, gpus = shape.resources, shape.gpus
        for node_id, replicas in reservation.nodes:
            free = capacity.free[node_id]
            free_gpus = acceptable(gpus, free.gpus) if gpus is not None else 0
            cpu, memory = need.cpu_millicores * replicas, need.memory_mb * replicas
            count = gpus.count * replicas if gpus is not None else 0
            if reservation.start is None:
                floor = (min(cpu, free.cpu), min(memory, free.memory), min(count, free_gpus))
            else:
                room = future[node_id]
                floor = (cpu - room.cpu + free.cpu, memory - room.memory + free.memory, count - room.gpus + free_gpus)
            self.by_node[node_id] = Hold(reservation, reservation.start, gpus, *floor)
        self.by_shape[shape] = reservation
        key = (cluster_id, place_kind(shape))
        self._count[key] = self._count.get(key, 0) + 1
        self._total[cluster_id] = self._total.get(cluster_id, 0) + 1

    def permits(self, shape: Shape, capacity: Capacity, *, ignoring: JobId | None = None) -> Permits | None:
        """How many replicas of the shape may go to which node; None if anything may go anywhere."""
        if not self.by_node:
            return None
        end = None if shape.time_limit_s is None else self.now + shape.time_limit_s
        by_node, gpus, need = self.by_node, shape.gpus, shape.resources

        def permits(node_id: NodeId, replicas: int) -> int:
            hold = by_node.get(node_id)
            if hold is None or (end is not None and hold.start is not None and end <= hold.start):
                return replicas
            if ignoring is not None and hold.reservation.job_id == ignoring:
                return replicas
            if capacity.nodes[node_id].single_job:
                return 0
            free = capacity.free[node_id]

            def too_many(count: int) -> bool:
                _, rest = choose_gpus(free.gpus, gpus, count)
                left = Free(free.cpu - count * need.cpu_millicores, free.memory - count * need.memory_mb, rest)
                return not hold.leaves_enough(left)

            return most(replicas, too_many)

        return permits

    def note_start(self, job: RunningJob, nodes: Mapping[NodeId, NodeView]) -> None:
        """A job was started: what it holds on a reserved node is free again when the hold starts, if it ends before."""
        limit = job.shape.time_limit_s
        if limit is None or not self.by_node:
            return
        for replica in job.replicas:
            hold = self.by_node.get(replica.node_id)
            node = nodes[replica.node_id]
            if hold is None or hold.start is None or self.now + limit > hold.start or node.single_job:
                continue
            hold.floor_cpu -= job.shape.resources.cpu_millicores
            hold.floor_memory -= job.shape.resources.memory_mb
            if hold.gpus is not None:
                request = hold.gpus
                hold.floor_gpus -= sum(gpu.uuid in replica.gpu_uuids and request.accepts(gpu) for gpu in node.gpus)


def most(count: int, too_many: Callable[[int], bool]) -> int:
    """The largest number up to `count` that is not too many, 0 if all are."""
    if not too_many(count):
        return count
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if too_many(middle):
            high = middle
        else:
            low = middle
    return low


def place_kind(shape: Shape) -> PlaceKind:
    """What kind of place it asks for, amounts aside."""
    gpus = shape.gpus
    return (None if gpus is None else GpuRequest(1, gpus.model, gpus.memory_gb), shape.runtime, shape.node_selector)


@dataclass(slots=True)
class Room:
    """What is free on a node at some time to come, in terms of one shape."""

    cpu: int
    memory: int
    gpus: int

    def replicas(self, shape: Shape) -> int:
        need, gpus = shape.resources, shape.gpus
        room = min(self.cpu // need.cpu_millicores, self.memory // need.memory_mb)
        if gpus is not None:
            room = min(room, self.gpus // gpus.count)
        return max(room, 0)

    def missing(self, shape: Shape, replicas: int) -> float:
        """How far it is from having room for so many replicas: the sum of the missing shares, 0 if it has."""
        need, gpus = shape.resources, shape.gpus
        cpu, memory = need.cpu_millicores * replicas, need.memory_mb * replicas
        lack = max(0, cpu - self.cpu) / cpu + max(0, memory - self.memory) / memory
        if gpus is not None:
            count = gpus.count * replicas
            lack += max(0, count - self.gpus) / count
        return lack


class Outlook:
    """The future as the expected ends of running jobs tell it, seen by one shape on nodes that nobody reserved."""

    def __init__(
        self, capacity: Capacity, shape: Shape, clusters: Sequence[ClusterId], reserved: Mapping[NodeId, Hold]
    ) -> None:
        self._capacity = capacity
        self._shape = shape
        self._clusters = clusters
        self._reserved = reserved
        self._rooms: dict[NodeId, Room | None] = {}
        self._gpus: dict[NodeId, frozenset[str]] = {}

    def reserve(
        self, job_id: JobId, ends: Iterable[End], running: Callable[[RunKey], RunningJob]
    ) -> tuple[Reservation, dict[NodeId, Room]] | None:
        """Where and when the job can start, with the room on those nodes then; None if no place is left for it."""
        shape, least = self._shape, self._shape.size.min
        total = dict.fromkeys(self._clusters, 0)
        if least > 1:
            for node_id in self._capacity.free:
                room = self._room(node_id)
                if room is not None:
                    total[self._cluster(node_id)] += self._replicas(node_id, room)
        for end, _, ended_id, attempt in ends:
            job = running((ended_id, attempt))
            need = job.shape.resources
            for replica in job.replicas:
                node_id = replica.node_id
                room = self._room(node_id)
                if room is None:
                    continue
                before = self._replicas(node_id, room)
                if self._capacity.nodes[node_id].single_job:
                    self._empty(node_id, room)
                else:
                    room.cpu += need.cpu_millicores
                    room.memory += need.memory_mb
                    if replica.gpu_uuids and shape.gpus is not None:
                        ours = self._acceptable_uuids(node_id)
                        room.gpus += sum([uuid in ours for uuid in replica.gpu_uuids])
                after = self._replicas(node_id, room)
                if after <= before:
                    continue
                cluster_id = self._cluster(node_id)
                total[cluster_id] += after - before
                if least == 1:
                    return self._made(job_id, cluster_id, end, [(node_id, 1)])
                if total[cluster_id] >= least:
                    return self._made(job_id, cluster_id, end, self._fullest(cluster_id, least))
        return self._nearest(job_id)

    def _made(
        self, job_id: JobId, cluster_id: ClusterId, start: float | None, nodes: list[tuple[NodeId, int]]
    ) -> tuple[Reservation, dict[NodeId, Room]]:
        rooms = {node_id: room for node_id, _ in nodes if (room := self._room(node_id)) is not None}
        return Reservation(job_id, self._shape, cluster_id, start, tuple(nodes)), rooms

    def _fullest(self, cluster_id: ClusterId, replicas: int) -> list[tuple[NodeId, int]]:
        """The fewest nodes of the cluster that together have room for so many replicas."""
        rooms = sorted(
            (-count, node_id)
            for node_id, room in self._rooms.items()
            if room is not None
            and self._cluster(node_id) == cluster_id
            and (count := self._replicas(node_id, room)) > 0
        )
        nodes: list[tuple[NodeId, int]] = []
        for negative, node_id in rooms:
            if replicas <= 0:
                break
            nodes.append((node_id, min(replicas, -negative)))
            replicas -= nodes[-1][1]
        return nodes

    def _nearest(self, job_id: JobId) -> tuple[Reservation, dict[NodeId, Room]] | None:
        """The nodes that lack least, in the cluster that lacks least, when all known ends have come."""
        shape, least = self._shape, self._shape.size.min
        by_cluster: dict[ClusterId, list[tuple[NodeId, Room]]] = {}
        for node_id in self._capacity.free:
            room = self._room(node_id)
            if room is not None:
                by_cluster.setdefault(self._cluster(node_id), []).append((node_id, room))
        best: tuple[float, int, list[tuple[NodeId, int]]] | None = None
        for preference, cluster_id in enumerate(self._clusters):
            found = self._least_lack(by_cluster.get(cluster_id, []), least)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], preference, found[1])
        if best is None:
            return None
        _, preference, nodes = best
        return Reservation(job_id, shape, self._clusters[preference], None, tuple(nodes)), {}

    def _least_lack(
        self, rooms: list[tuple[NodeId, Room]], replicas: int
    ) -> tuple[float, list[tuple[NodeId, int]]] | None:
        """Replicas given one by one to the nodes that lack least for one more; None if they cannot hold so many."""
        shape = self._shape
        steps = [(room.missing(shape, 1), node_id, 1, room) for node_id, room in rooms]
        if replicas == 1:
            if not steps:
                return None
            lack, node_id, _, _ = min(steps, key=lambda step: step[:2])
            return lack, [(node_id, 1)]
        heap = [(lack, node_id, count) for lack, node_id, count, _ in steps]
        heapq.heapify(heap)
        by_id = dict(rooms)
        nodes: dict[NodeId, int] = {}
        total, limits = 0.0, dict[NodeId, int]()
        while replicas and heap:
            lack, node_id, count = heapq.heappop(heap)
            nodes[node_id] = count
            total += lack
            replicas -= 1
            if node_id not in limits:
                limits[node_id] = empty_room(self._capacity.nodes[node_id], shape)
            if count < limits[node_id]:
                heapq.heappush(heap, (by_id[node_id].missing(shape, count + 1), node_id, count + 1))
        return None if replicas else (total, sorted(nodes.items()))

    def _room(self, node_id: NodeId) -> Room | None:
        """The room on a node so far, None if the shape cannot use this node."""
        try:
            return self._rooms[node_id]
        except KeyError:
            room = self._rooms[node_id] = self._first_room(node_id)
            return room

    def _first_room(self, node_id: NodeId) -> Room | None:
        free = self._capacity.free.get(node_id)
        if free is None or node_id in self._reserved:
            return None
        node = self._capacity.nodes[node_id]
        need, gpus = self._shape.resources, self._shape.gpus
        if (
            node.cluster_id not in self._clusters
            or node.cpu_millicores < need.cpu_millicores
            or node.memory_mb < need.memory_mb
            or not suits(node, self._shape)
        ):
            return None
        if gpus is None:
            return Room(free.cpu, free.memory, 0)
        if len(node.gpus) < gpus.count or len(self._acceptable_uuids(node_id)) < gpus.count:
            return None
        return Room(free.cpu, free.memory, acceptable(gpus, free.gpus))

    def _empty(self, node_id: NodeId, room: Room) -> None:
        free, gpus = all_of(self._capacity.nodes[node_id]), self._shape.gpus
        room.cpu, room.memory = free.cpu, free.memory
        room.gpus = acceptable(gpus, free.gpus) if gpus is not None else 0

    def _replicas(self, node_id: NodeId, room: Room) -> int:
        count = room.replicas(self._shape)
        return min(count, 1) if self._capacity.nodes[node_id].single_job else count

    def _cluster(self, node_id: NodeId) -> ClusterId:
        return self._capacity.nodes[node_id].cluster_id

    def _acceptable_uuids(self, node_id: NodeId) -> frozenset[str]:
        known = self._gpus.get(node_id)
        if known is None:
            gpus = self._shape.gpus
            known = self._gpus[node_id] = frozenset(
                gpu.uuid
                for gpu in self._capacity.nodes[node_id].gpus
                if gpus is not None and gpu.healthy and gpus.accepts(gpu)
            )
        return known
