"""An index of what is free, so that finding a place does not look at every node.

Nodes that can get work are sorted into *ranks* of alike nodes: same cluster, runtimes, kinds of GPU and agent. Within
a rank they stand in *buckets* by how many GPUs of each kind are free, and within a bucket in order of free CPU, then
free memory, then id. A search for a place tests a rank's runtimes and GPU kinds once, skips buckets with too few
GPUs, enters a bucket by bisection at the CPU asked for and takes the first node with enough memory: that is the
tightest fit.

Which place is best, in this order:

* a node that takes many jobs, before one whose agent holds only one at a time;
* for a request of GPUs: the least capable GPUs that will do (by memory), then the fewest acceptable GPUs left over
  on the node, so that whole nodes stay whole;
* for a request without GPUs: nodes without GPUs, then nodes with the fewest free GPUs, then the less capable ones;
* the tightest CPU, then the tightest memory, then the smallest node id.

Invariants: a schedulable node stands in exactly one bucket; `free` is what the node has less what is held on it (it
may be negative where a node came back smaller); an occupied single-job node has nothing free. The order in which
nodes were added never shows in any answer.

A pass works on a `copy()`, so a search never changes the state that it was given.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from lilac.model.clusters import RuntimeName
from lilac.model.ids import ClusterId, NodeId
from lilac.model.resources import Gpu, GpuRequest
from lilac.model.surroundings import allows_path
from lilac.scheduling.views import NodeView, Shape

Kind = tuple[int, str]
"""A kind of GPU: memory in MiB and model."""

Entry = tuple[int, int, NodeId]
"""A node in a bucket: free CPU, free memory, id."""

Bucket = tuple[int, ...]
"""Free GPUs of each kind of the rank."""

Permits = Callable[[NodeId, int], int]
"""How many of so many replicas may go to a node without harming a reservation."""

RankKey = tuple[bool, tuple[Kind, ...], tuple[RuntimeName, ...]]


@dataclass(frozen=True, slots=True)
class Free:
    """What is free on a node. GPUs are the healthy ones that nobody holds, least capable first."""

    cpu: int
    memory: int
    gpus: tuple[Gpu, ...]


class Rank:
    """Nodes of one cluster that are alike but for what is free on them."""

    __slots__ = ("buckets", "key", "kinds", "runtimes", "single_job")

    def __init__(self, key: RankKey, buckets: dict[Bucket, list[Entry]] | None = None) -> None:
        self.key = key
        self.single_job, self.kinds, self.runtimes = key
        self.buckets: dict[Bucket, list[Entry]] = {} if buckets is None else buckets

    def copy(self) -> Rank:
        return Rank(self.key, {bucket: entries[:] for bucket, entries in self.buckets.items()})

    def bucket_of(self, gpus: tuple[Gpu, ...]) -> Bucket:
        kinds = self.kinds
        if len(kinds) == 1:
            return (len(gpus),)
        if not kinds:
            return ()
        counts = dict.fromkeys(kinds, 0)
        for gpu in gpus:
            counts[(gpu.memory_mb, gpu.model)] += 1
        return tuple(counts.values())

    def add(self, bucket: Bucket, entry: Entry) -> None:
        entries = self.buckets.get(bucket)
        if entries is None:
            self.buckets[bucket] = [entry]
        else:
            insort(entries, entry)

    def remove(self, bucket: Bucket, entry: Entry) -> None:
        entries = self.buckets[bucket]
        if len(entries) == 1:
            del self.buckets[bucket]
        else:
            del entries[bisect_left(entries, entry)]


class Capacity:
    """Free resources of the schedulable nodes, searchable. See the module's text for the order of preference."""

    __slots__ = ("_places", "_ranks", "free", "nodes")

    def __init__(self) -> None:
        self.nodes: dict[NodeId, NodeView] = {}
        """All nodes, also those that get nothing new."""
        self.free: dict[NodeId, Free] = {}
        """What is free on the schedulable ones."""
        self._ranks: dict[ClusterId, list[Rank]] = {}
        self._places: dict[NodeId, tuple[Rank, Bucket, Entry]] = {}

    def copy(self) -> Capacity:
        """An independent copy; the nodes themselves are shared values."""
        new = Capacity()
        new.nodes = self.nodes.copy()
        new.free = self.free.copy()
        twins: dict[int, Rank] = {}
        for cluster_id, ranks in self._ranks.items():
            copies = [rank.copy() for rank in ranks]
            new._ranks[cluster_id] = copies
            twins.update(zip(map(id, ranks), copies, strict=True))
        new._places = {
            node_id: (twins[id(rank)], bucket, entry) for node_id, (rank, bucket, entry) in self._places.items()
        }
        return new

    def put(self, node: NodeView, free: Free) -> None:
        """Insert or replace a node with what is free on it."""
        self.remove(node.id)
        self.nodes[node.id] = node
        if node.schedulable:
            self._stand(node, free)

    def remove(self, node_id: NodeId) -> None:
        """Forget a node, if it is known."""
        node = self.nodes.pop(node_id, None)
        if node is None or node_id not in self._places:
            return
        rank, bucket, entry = self._places.pop(node_id)
        rank.remove(bucket, entry)
        del self.free[node_id]
        if not rank.buckets:
            ranks = self._ranks[node.cluster_id]
            ranks.remove(rank)
            if not ranks:
                del self._ranks[node.cluster_id]

    def set_free(self, node_id: NodeId, free: Free) -> None:
        """Change what is free on a schedulable node."""
        rank, bucket, entry = self._places[node_id]
        rank.remove(bucket, entry)
        bucket = rank.bucket_of(free.gpus)
        entry = (free.cpu, free.memory, node_id)
        rank.add(bucket, entry)
        self._places[node_id] = (rank, bucket, entry)
        self.free[node_id] = free

    def take(self, node_id: NodeId, shape: Shape, replicas: int = 1) -> tuple[tuple[str, ...], ...]:
        """Take room for replicas of a shape that is known to be there; return the GPUs of each."""
        free = self.free[node_id]
        if self.nodes[node_id].single_job:
            chosen, _ = choose_gpus(free.gpus, shape.gpus, 1)
            self.set_free(node_id, NOTHING)
            return chosen
        chosen, rest = choose_gpus(free.gpus, shape.gpus, replicas)
        need = shape.resources
        self.set_free(
            node_id, Free(free.cpu - replicas * need.cpu_millicores, free.memory - replicas * need.memory_mb, rest)
        )
        return chosen

    def give(self, node_id: NodeId, shape: Shape, gpu_uuids: tuple[str, ...]) -> None:
        """Give back what one replica of the shape held, if the node is schedulable."""
        free = self.free.get(node_id)
        if free is None:
            return
        node, need = self.nodes[node_id], shape.resources
        if node.single_job:
            self.set_free(node_id, all_of(node))
            return
        gpus = free.gpus
        if gpu_uuids:
            known = {gpu.uuid for gpu in gpus}.union(gpu_uuids)
            gpus = tuple(gpu for gpu in sorted_gpus(node.gpus) if gpu.uuid in known)
        self.set_free(node_id, Free(free.cpu + need.cpu_millicores, free.memory + need.memory_mb, gpus))

    def tightest(self, cluster_id: ClusterId, shape: Shape, replicas: int, permits: Permits | None) -> NodeId | None:
        """The best node of a cluster that has room for so many replicas of the shape together, None if none has."""
        need = shape.resources
        cpu, memory, gpus = need.cpu_millicores * replicas, need.memory_mb * replicas, shape.gpus
        count = gpus.count * replicas if gpus is not None else 0
        start: Entry = (cpu, memory, NodeId(""))
        best: NodeId | None = None
        best_key: tuple[bool, int, int, int, Entry] | None = None
        for rank in self._ranks.get(cluster_id, ()):
            if not runs(rank.runtimes, shape, single_job=rank.single_job) or (rank.single_job and replicas > 1):
                continue
            accepted = accepted_kinds(gpus, rank.kinds) if gpus is not None else None
            if gpus is not None and accepted is None:
                continue
            for bucket, entries in rank.buckets.items():
                if accepted is not None:
                    first, second = rank.kinds[accepted[0]][0], sum([bucket[i] for i in accepted]) - count
                    if second < 0:
                        continue
                elif rank.kinds:
                    first, second = sum(bucket) + 1, rank.kinds[-1][0]
                else:
                    first, second = 0, 0
                if best_key is not None and (rank.single_job, first, second) > best_key[:3]:
                    continue
                for index in range(bisect_left(entries, start), len(entries)):
                    entry = entries[index]
                    if entry[1] < memory:
                        continue
                    node_id = entry[2]
                    if shape.choosy and not admits(self.nodes[node_id], shape):
                        continue
                    if permits is not None and permits(node_id, replicas) < replicas:
                        continue
                    key = (rank.single_job, first, second, sum(bucket), entry)
                    if best_key is None or key < best_key:
                        best, best_key = node_id, key
                    break
        return best

    def roomiest(
        self, cluster_id: ClusterId, shape: Shape, limit: int, permits: Permits | None
    ) -> tuple[NodeId, int] | None:
        """The node with room for the most replicas of the shape, and how many, at most `limit`; None if none has.

        Among those with the most room the one is taken that `tightest` would take.
        """
        most = 0
        for rank, accepted in self._ranks_for(cluster_id, shape):
            for bound, bucket in self._bounds(rank, accepted, shape, limit):
                if bound <= most:
                    break
                most = max(most, self._most_room(rank.buckets[bucket], shape, bound, most, permits))
        if not most:
            return None
        node_id = self.tightest(cluster_id, shape, most, permits)
        return None if node_id is None else (node_id, most)

    def _ranks_for(self, cluster_id: ClusterId, shape: Shape) -> Iterator[tuple[Rank, tuple[int, ...]]]:
        """The ranks whose nodes may suit the shape, each with the kinds of GPU that the shape accepts there."""
        gpus = shape.gpus
        for rank in self._ranks.get(cluster_id, ()):
            if runs(rank.runtimes, shape, single_job=rank.single_job):
                accepted = accepted_kinds(gpus, rank.kinds) if gpus is not None else ()
                if accepted is not None:
                    yield rank, accepted

    def _bounds(self, rank: Rank, accepted: tuple[int, ...], shape: Shape, limit: int) -> list[tuple[int, Bucket]]:
        """The buckets of a rank, each with the most replicas that its GPUs allow, the most first."""
        if rank.single_job:
            limit = min(limit, 1)
        count = shape.resources.gpu_count
        bounds = [
            (min(limit, sum([bucket[i] for i in accepted]) // count) if count else limit, bucket)
            for bucket in rank.buckets
        ]
        bounds.sort(key=lambda pair: (-pair[0], pair[1]))
        return bounds

    def _most_room(self, entries: list[Entry], shape: Shape, bound: int, most: int, permits: Permits | None) -> int:
        """The most replicas that a node of one bucket has room for, if more than `most`; else 0."""
        need = shape.resources
        found = 0
        for cpu, memory, node_id in reversed(entries):
            room = min(bound, cpu // need.cpu_millicores)
            if room <= most:
                break
            room = min(room, memory // need.memory_mb)
            if room <= most or (shape.choosy and not admits(self.nodes[node_id], shape)):
                continue
            if permits is not None:
                room = permits(node_id, room)
            if room > most:
                found = most = room
        return found

    def _stand(self, node: NodeView, free: Free) -> None:
        key = _rank_key(node)
        ranks = self._ranks.setdefault(node.cluster_id, [])
        rank = next((rank for rank in ranks if rank.key == key), None)
        if rank is None:
            rank = Rank(key)
            insort(ranks, rank, key=lambda rank: rank.key)
        bucket = rank.bucket_of(free.gpus)
        entry = (free.cpu, free.memory, node.id)
        rank.add(bucket, entry)
        self._places[node.id] = (rank, bucket, entry)
        self.free[node.id] = free


NOTHING = Free(0, 0, ())
"""What is free on a single-job node that has its job."""


def all_of(node: NodeView, *, unhealthy: bool = False) -> Free:
    """What is free on a node when it is empty, with its unhealthy GPUs or without them."""
    return Free(node.cpu_millicores, node.memory_mb, sorted_gpus(node.gpus, unhealthy=unhealthy))


def sorted_gpus(gpus: tuple[Gpu, ...], *, unhealthy: bool = False) -> tuple[Gpu, ...]:
    """Usable GPUs, least capable first, in the order of the inventory within a kind."""
    usable = [gpu for gpu in gpus if gpu.healthy or unhealthy]
    usable.sort(key=lambda gpu: (gpu.memory_mb, gpu.model))
    return tuple(usable)


def choose_gpus(
    free: tuple[Gpu, ...], request: GpuRequest | None, replicas: int
) -> tuple[tuple[tuple[str, ...], ...], tuple[Gpu, ...]]:
    """Pick the least capable acceptable GPUs: the uuids for each replica, and what is left.

    Raises ValueError if there are not enough.
    """
    if request is None:
        return ((),) * replicas, free
    count = request.count
    picked: list[str] = []
    rest: list[Gpu] = []
    wanted = count * replicas
    for index, gpu in enumerate(free):
        if request.accepts(gpu):
            picked.append(gpu.uuid)
            if len(picked) == wanted:
                rest.extend(free[index + 1 :])
                return tuple(tuple(picked[i : i + count]) for i in range(0, wanted, count)), tuple(rest)
        else:
            rest.append(gpu)
    raise ValueError(f"{len(picked)} acceptable GPUs are free, not {wanted}")


def room_for(shape: Shape, free: Free, *, single_job: bool = False) -> int:
    """How many replicas of the shape fit into what is free; runtime and labels aside."""
    need, gpus = shape.resources, shape.gpus
    room = min(free.cpu // need.cpu_millicores, free.memory // need.memory_mb)
    if room <= 0:
        return 0
    if gpus is not None:
        room = min(room, acceptable(gpus, free.gpus) // gpus.count)
    return min(room, 1) if single_job else room


def acceptable(request: GpuRequest, gpus: tuple[Gpu, ...]) -> int:
    """How many of these GPUs the request accepts."""
    if not gpus:
        return 0
    first, last = gpus[0], gpus[-1]
    if first.memory_mb == last.memory_mb and first.model == last.model:
        return len(gpus) if request.accepts(first) else 0
    return sum([request.accepts(gpu) for gpu in gpus])


def suits(node: NodeView, shape: Shape) -> bool:
    """Whether the node has the runtime that the shape needs, and all else besides capacity."""
    return runs(node.runtimes, shape, single_job=node.single_job) and (not shape.choosy or admits(node, shape))


def runs(runtimes: Collection[RuntimeName], shape: Shape, *, single_job: bool) -> bool:
    """Whether an agent with these runtimes can run the shape; an original one (`single_job`) runs plain images only."""
    return shape.runtime in runtimes and (shape.plain or not single_job)


def admits(node: NodeView, shape: Shape) -> bool:
    """Whether the node has the labels, the agent, the paths and the data that the shape needs."""
    return (
        (shape.on_node is None or shape.on_node == node.id)
        and has_labels(node.labels, shape.node_selector)
        and node.features.issuperset(shape.features)
        and all(allows_path(node.host_paths, path, read_only=read_only) for path, read_only in shape.host_paths)
    )


def has_labels(labels: Mapping[str, str], selector: tuple[tuple[str, str], ...]) -> bool:
    return all(labels.get(key) == value for key, value in selector)


@lru_cache(maxsize=4096)
def accepted_kinds(request: GpuRequest, kinds: tuple[Kind, ...]) -> tuple[int, ...] | None:
    """Which of these kinds, least capable first, the request accepts; None if none."""
    accepted = tuple(i for i, (memory, model) in enumerate(kinds) if request.accepts(Gpu("", model, memory)))
    return accepted or None


def _rank_key(node: NodeView) -> RankKey:
    kinds = tuple(sorted({(gpu.memory_mb, gpu.model) for gpu in node.gpus}))
    return (node.single_job, kinds, tuple(sorted(node.runtimes)))
