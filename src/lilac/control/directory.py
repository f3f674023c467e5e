"""What there is: clusters, their nodes, and the queues that lead to them; looking, and changing by hand.

Clusters, queues and nodes are found by id or by name. Every change is one transaction with its event, after which what
is kept in memory is told. What is "used" comes from the replicas that hold resources now, not from states of nodes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from lilac.control import array_changes, maintenance, records, volumes
from lilac.control.principals import Principal
from lilac.model.arrays import JobArray
from lilac.model.clusters import Cluster, Node, Queue
from lilac.model.errors import Conflict, InvalidInput, NotFound
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId, parse_uuid
from lilac.model.jobs import Job, Replica
from lilac.model.lifecycle import Work, cancel
from lilac.model.limits import NOTHING_HELD, Amount, check_limits, limits_to_json
from lilac.model.resources import INT32_MAX
from lilac.model.states import JobState, NodeState, ReplicaState
from lilac.store import attempts as attempt_store
from lilac.store import clusters as store
from lilac.store import jobs as job_store
from lilac.store import listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter
from lilac.store.node_history import job_ids_on

_MAX_NAME = 255
_CANCELLED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUse:
    """A node with what is held on it now."""

    node: Node
    jobs: tuple[JobId, ...] = ()
    running_jobs: frozenset[JobId] = frozenset()
    used_millicores: int = 0
    used_memory_mb: int = 0
    gpu_holders: Mapping[str, JobId] = field(default_factory=dict[str, JobId])
    """The job of each GPU that is held, by the GPU's uuid."""
    holders: Mapping[JobId, tuple[str, UserId | None]] = field(default_factory=dict[JobId, tuple[str, UserId | None]])
    """Name and owner of each job on it."""

    @property
    def state(self) -> NodeState:
        """The state as people see it: an available node that holds jobs is busy (it may still have room)."""
        if self.node.state is NodeState.AVAILABLE and self.jobs:
            return NodeState.BUSY
        return self.node.state

    @property
    def drained(self) -> bool:
        """Whether nothing runs on it any more and nothing will: the machine can be taken away."""
        return self.node.cordoned and not self.jobs

    @property
    def is_lost(self) -> bool:
        return self.node.state is NodeState.LOST

    @property
    def free_millicores(self) -> int:
        return max(0, self.node.inventory.cpu_millicores - self.used_millicores)

    @property
    def free_memory_mb(self) -> int:
        return max(0, self.node.inventory.memory_mb - self.used_memory_mb)

    @property
    def free_gpus(self) -> int:
        return sum(gpu.healthy and gpu.uuid not in self.gpu_holders for gpu in self.node.inventory.gpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterUse:
    """A cluster with the sums over its nodes. Lost nodes count only in `lost_nodes`."""

    cluster: Cluster
    total_nodes: int
    busy_nodes: int
    lost_nodes: int
    running_jobs: int
    total_millicores: int
    used_millicores: int
    total_memory_mb: int
    used_memory_mb: int
    total_gpus: int
    used_gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueUse:
    queue: Queue
    waiting_jobs: int = 0
    waiting_since: float | None = None
    """When the job was submitted that has waited longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueWanted:
    """What a queue shall be. Targets are ids or names of clusters; what is not given stays, or gets its default."""

    name: str
    priority: int
    cluster_targets: Sequence[str]
    paused: bool | None = None
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of `Queue`: limits, user_limits, order, ageing_s, preemption."""


Changed = Callable[[Sequence[Queue], Sequence[Node], float], None]
P = ParamSpec("P")
R = TypeVar("R")


class Directory:
    """`changed` is told all queues and nodes, and the time, after each commit of a change."""

    def __init__(
        self, db: Database, clock: Callable[[], float], changed: Changed = lambda queues, nodes, now: None
    ) -> None:
        self._db = db
        self._clock = clock
        self._changed = changed
        self.took: Callable[[Work], None] = lambda work: None
        """Told of every job that a change here has ended, after the commit."""
        self.took_array: Callable[[JobArray], None] = lambda array: None
        """The same of arrays."""
        self.held_in: Callable[[QueueId], Amount] = lambda queue_id: NOTHING_HELD
        """Says what the running jobs of a queue hold."""

    async def create_cluster(self, principal: Principal, name: str, description: str | None = None) -> Cluster:
        """Raises `Conflict` if there is a cluster of this name."""
        _check_name(name, "cluster_name")
        _check_no_slash(name, "cluster_name")
        now = self._clock()
        cluster = Cluster(
            id=ClusterId(str(uuid.uuid4())), name=name, description=description, created_at=now, updated_at=now
        )
        await self._change(_create_cluster, principal.actor, cluster)
        return cluster

    async def clusters(self) -> list[ClusterUse]:
        return await self._db.read(_cluster_uses)

    async def cluster(self, ref: str) -> Cluster:
        return await self._db.read(find_cluster, ref)

    async def cluster_use(self, ref: str) -> ClusterUse:
        return await self._db.read(_cluster_use, ref)

    async def delete_cluster(self, principal: Principal, ref: str) -> None:
        """Delete a cluster with its keys and lost nodes. An id that is unknown is deleted already: nothing happens.

        Raises:
            Conflict: live nodes or running jobs are in it.
        """
        await self._change(_delete_cluster, principal.actor, ref, self._clock())

    async def nodes(self, cluster_ref: str | None = None) -> list[NodeUse]:
        """The nodes of one cluster or of all, by name."""
        return await self._db.read(_node_uses_of, cluster_ref)

    async def node(self, ref: str) -> NodeUse:
        return await self._db.read(_node_use, ref)

    async def drain_node(self, principal: Principal, ref: str, deadline_s: float | None = None) -> NodeUse:
        """Give the node nothing new, also when it is lost and comes back.

        What runs goes on; with a deadline it is stopped and queued again when so many seconds have passed.
        """
        now = self._clock()
        deadline = None if deadline_s is None else now + deadline_s
        return await self._change(_drain_node, principal.actor, ref, deadline, now)

    async def label_node(self, principal: Principal, ref: str, changes: Mapping[str, str | None]) -> NodeUse:
        """Set labels over those of the agent, and take back those that are None."""
        return await self._change(_label_node, principal.actor, ref, changes, self._clock())

    async def node_jobs(
        self, ref: str, *, limit: int, before_seq: int | None = None, owner_id: UserId | None = None
    ) -> list[Job]:
        """The jobs (of this owner) that have had a replica on the node, newest first, in pages."""
        return await self._db.read(_node_jobs, ref, limit, before_seq, owner_id)

    async def resume_node(self, principal: Principal, ref: str) -> NodeUse:
        """Let a drained node take work again. Draining and resuming what is so already changes nothing."""
        return await self._change(_resume_node, principal.actor, ref, self._clock())

    async def remove_node(self, principal: Principal, ref: str) -> None:
        """Forget a lost node. Raises `Conflict` for one that is not lost."""
        await self._change(_remove_node, principal.actor, ref, self._clock())

    async def queues(self) -> list[QueueUse]:
        """All queues, the one that runs first first."""
        return await self._db.read(_queue_uses)

    async def queue(self, ref: str) -> QueueUse:
        return await self._db.read(_queue_use, ref)

    async def create_queue(self, principal: Principal, wanted: QueueWanted) -> QueueUse:
        """Raises `Conflict` for a name that is taken or a cluster named twice, `NotFound` for an unknown cluster."""
        _check_name(wanted.name, "name")
        _check_no_slash(wanted.name, "name")
        queue_id = QueueId(str(uuid.uuid4()))
        return await self._change(_create_queue, principal.actor, queue_id, wanted, self._clock())

    async def replace_queue(self, principal: Principal, ref: str, wanted: QueueWanted) -> QueueUse:
        """Give a queue new values; what is not given stays as it is. Raises as `create_queue`, and `NotFound`."""
        await self._check_new_name(wanted.name)
        return await self._change(_replace_queue, principal.actor, ref, wanted, self._clock())

    async def edit_queue(self, principal: Principal, ref: str, changes: Mapping[str, Any]) -> QueueUse:
        """Change some fields of a queue; targets are ids or names. Raises as `create_queue`, and `NotFound`."""
        if "name" in changes:
            await self._check_new_name(changes["name"])
        return await self._change(_edit_queue, principal.actor, ref, changes, self._clock())

    async def _check_new_name(self, name: str) -> None:
        _check_name(name, "name")
        if await self._db.read(store.get_queue_by_name, name) is None:
            _check_no_slash(name, "name")

    async def delete_queue(self, principal: Principal, ref: str, *, cancel_waiting: bool = False) -> None:
        """Delete a queue; running jobs go on. An id that is unknown is deleted already: nothing happens.

        Raises:
            Conflict: jobs wait in it, and they are not to be cancelled with it.
        """
        while cancel_waiting and await self._db.write(self._cancel_some, principal.actor, ref, self._clock()):
            pass
        await self._change(_delete_queue, principal.actor, ref, self._clock())

    def _cancel_some(self, tx: Transaction, actor: str, ref: str, now: float) -> int:
        """Cancel the next of the jobs that wait in a queue; how many."""
        try:
            queue = find_queue(tx.conn, ref)
        except NotFound:
            if parse_uuid(ref):
                return 0
            raise
        where = JobFilter(queue_id=queue.id, states=(JobState.QUEUED,), rows=True)
        arrays = listing.list_work(tx.conn, replace(where, rows=False), limit=_CANCELLED_AT_ONCE)
        for array in arrays:
            if isinstance(array, JobArray):
                array_changes.cancel(tx, self.took_array, array, actor=actor, now=now)
        waiting = listing.list_jobs(tx.conn, where, limit=_CANCELLED_AT_ONCE)
        for job in waiting:
            before = records.load_work(tx.conn, job.id)
            assert before is not None, "it was just listed"
            outcome = cancel(before, actor=actor, now=now)
            records.save(tx, before, outcome)
            tx.after(self.took, outcome.work)
        return len(waiting) + len(arrays)

    async def _change(self, change: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._db.write(self._change_and_tell, change, args, kwargs)

    def _change_and_tell(
        self, tx: Transaction, change: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> R:
        result = change(tx, *args, **kwargs)
        tx.after(self._changed, store.list_queues(tx.conn), store.list_nodes(tx.conn), self._clock())
        return result


def find_cluster(conn: Connection, ref: str) -> Cluster:
    """A cluster by id or name. Raises `NotFound`."""
    cluster_id = parse_uuid(ref)
    found = store.get_cluster(conn, ClusterId(cluster_id)) if cluster_id else store.get_cluster_by_name(conn, ref)
    if found is None:
        raise NotFound(f"Cluster not found: there is no cluster {ref!r}.")
    return found


def find_queue(conn: Connection, ref: str) -> Queue:
    """A queue by id or name. Raises `NotFound`."""
    queue_id = parse_uuid(ref)
    found = store.get_queue(conn, QueueId(queue_id)) if queue_id else store.get_queue_by_name(conn, ref)
    if found is None:
        raise NotFound(f"Queue not found: there is no queue {ref!r}.")
    return found


def find_node(conn: Connection, ref: str) -> Node:
    """A node by id, or by name where only one has it. Raises `NotFound` and `Conflict`."""
    node_id = parse_uuid(ref)
    if node_id is not None:
        found = [node] if (node := store.get_node(conn, NodeId(node_id))) is not None else []
    else:
        named = [node for node in store.list_nodes(conn) if node.name == ref]
        found = [node for node in named if node.state is not NodeState.LOST] or named
    if not found:
        raise NotFound(f"Node not found: there is no node {ref!r}.")
    if len(found) > 1:
        raise Conflict(f"{len(found)} nodes are named {ref!r}; use the id of one.", ids=[node.id for node in found])
    return found[0]


def _node_uses(conn: Connection, nodes: Sequence[Node]) -> list[NodeUse]:
    one = nodes[0].id if len(nodes) == 1 else None
    held: dict[NodeId, list[Replica]] = {node.id: [] for node in nodes}
    for replica in attempt_store.live_replicas(conn, one):
        if replica.node_id in held:
            held[replica.node_id].append(replica)
    jobs = job_store.get_jobs(conn, {replica.key.job_id for replicas in held.values() for replica in replicas})
    return [_sum_up(node, held[node.id], jobs) for node in nodes]


def _sum_up(node: Node, replicas: Sequence[Replica], jobs: Mapping[JobId, Job]) -> NodeUse:
    requests = [jobs[replica.key.job_id].spec.resources for replica in replicas if replica.key.job_id in jobs]
    return NodeUse(
        node=node,
        jobs=tuple(dict.fromkeys(replica.key.job_id for replica in replicas)),
        running_jobs=frozenset(r.key.job_id for r in replicas if r.state is ReplicaState.RUNNING),
        used_millicores=sum(request.cpu_millicores for request in requests),
        used_memory_mb=sum(request.memory_mb for request in requests),
        gpu_holders={gpu: replica.key.job_id for replica in replicas for gpu in replica.gpu_uuids},
        holders={
            job.id: (job.spec.name, job.owner_id) for r in replicas if (job := jobs.get(r.key.job_id)) is not None
        },
    )


def _node_uses_of(conn: Connection, cluster_ref: str | None) -> list[NodeUse]:
    cluster_id = find_cluster(conn, cluster_ref).id if cluster_ref is not None else None
    return _node_uses(conn, store.list_nodes(conn, cluster_id))


def _node_use(conn: Connection, ref: str) -> NodeUse:
    return _node_uses(conn, [find_node(conn, ref)])[0]


def _node_jobs(conn: Connection, ref: str, limit: int, before_seq: int | None, owner_id: UserId | None) -> list[Job]:
    node = find_node(conn, ref)
    found = job_ids_on(conn, node.id, limit=limit, before_seq=before_seq, owner_id=owner_id)
    return list(job_store.get_jobs(conn, found).values())[::-1]


def _cluster_uses(conn: Connection) -> list[ClusterUse]:
    by_cluster: dict[ClusterId, list[NodeUse]] = {}
    for use in _node_uses(conn, store.list_nodes(conn)):
        by_cluster.setdefault(use.node.cluster_id, []).append(use)
    return [_add_up(cluster, by_cluster.get(cluster.id, ())) for cluster in store.list_clusters(conn)]


def _cluster_use(conn: Connection, ref: str) -> ClusterUse:
    cluster = find_cluster(conn, ref)
    return _add_up(cluster, _node_uses(conn, store.list_nodes(conn, cluster.id)))


def _add_up(cluster: Cluster, uses: Collection[NodeUse]) -> ClusterUse:
    live = [use for use in uses if not use.is_lost]
    return ClusterUse(
        cluster=cluster,
        total_nodes=len(live),
        busy_nodes=sum(bool(use.jobs) for use in live),
        lost_nodes=len(uses) - len(live),
        running_jobs=len(frozenset[JobId]().union(*(use.running_jobs for use in live))),
        total_millicores=sum(use.node.inventory.cpu_millicores for use in live),
        used_millicores=sum(use.used_millicores for use in live),
        total_memory_mb=sum(use.node.inventory.memory_mb for use in live),
        used_memory_mb=sum(use.used_memory_mb for use in live),
        total_gpus=sum(len(use.node.inventory.gpus) for use in live),
        used_gpus=sum(len(use.gpu_holders) for use in live),
    )


def _queue_uses(conn: Connection) -> list[QueueUse]:
    waiting, since = job_store.waiting_by_queue(conn), job_store.waiting_since(conn)
    return [
        QueueUse(queue=queue, waiting_jobs=waiting.get(queue.id, 0), waiting_since=since.get(queue.id))
        for queue in store.list_queues(conn)
    ]


def _queue_use(conn: Connection, ref: str) -> QueueUse:
    queue = find_queue(conn, ref)
    waiting, since = job_store.waiting_by_queue(conn), job_store.waiting_since(conn)
    return QueueUse(queue=queue, waiting_jobs=waiting.get(queue.id, 0), waiting_since=since.get(queue.id))


def _create_cluster(tx: Transaction, actor: str, cluster: Cluster) -> None:
    if store.get_cluster_by_name(tx.conn, cluster.name) is not None:
        raise Conflict(f"There is a cluster {cluster.name!r} already; choose another name.", field="cluster_name")
    store.insert_cluster(tx.conn, cluster)
    _record_cluster(tx, EventKind.CLUSTER_CREATED, actor, cluster, cluster.created_at)


def _delete_cluster(tx: Transaction, actor: str, ref: str, now: float) -> None:
    try:
        cluster = find_cluster(tx.conn, ref)
    except NotFound:
        if parse_uuid(ref):
            return
        raise
    uses = _node_uses(tx.conn, store.list_nodes(tx.conn, cluster.id))
    live = [use.node.name for use in uses if not use.is_lost]
    if live:
        raise Conflict(
            f"Cluster {cluster.name!r} has live nodes ({_some(live)}); stop their agents and wait until they are lost."
        )
    held = sorted({job for use in uses for job in use.jobs})
    if held:
        raise Conflict(f"Jobs run in cluster {cluster.name!r} ({_some(held)}); cancel them first.")
    targeting = [queue for queue in store.list_queues(tx.conn) if cluster.id in queue.cluster_targets]
    store.delete_cluster(tx.conn, cluster.id)
    for use in uses:
        _record_node(tx, actor, use.node, now, removed=True)
    for queue in targeting:
        left = store.get_queue(tx.conn, queue.id)
        if left is not None:
            _record_queue(tx, EventKind.QUEUE_CHANGED, actor, left, now)
    _record_cluster(tx, EventKind.CLUSTER_DELETED, actor, cluster, now)


def _drain_node(tx: Transaction, actor: str, ref: str, deadline: float | None, now: float) -> NodeUse:
    node = find_node(tx.conn, ref)
    maintenance.drain(tx, actor, node, deadline, now)
    return _node_use(tx.conn, node.id)


def _resume_node(tx: Transaction, actor: str, ref: str, now: float) -> NodeUse:
    node = find_node(tx.conn, ref)
    maintenance.resume(tx, actor, node, now)
    return _node_use(tx.conn, node.id)


def _label_node(tx: Transaction, actor: str, ref: str, changes: Mapping[str, str | None], now: float) -> NodeUse:
    node = find_node(tx.conn, ref)
    maintenance.label(tx, actor, node, changes, now)
    return _node_use(tx.conn, node.id)


def _remove_node(tx: Transaction, actor: str, ref: str, now: float) -> None:
    use = _node_use(tx.conn, ref)
    node = use.node
    if not use.is_lost:
        raise Conflict(f"Node {node.name} is {node.state}; only lost nodes can be removed. Stop its agent first.")
    if use.jobs:
        raise Conflict(f"Node {node.name} still holds jobs ({_some(use.jobs)}); cancel them first.")
    left = volumes.left_by(tx.conn, node)
    store.delete_node(tx.conn, node.id)
    _record_node(tx, actor, node, now, removed=True, **({"volumes_left": left} if left else {}))


def _create_queue(tx: Transaction, actor: str, queue_id: QueueId, wanted: QueueWanted, now: float) -> QueueUse:
    queue = Queue(
        id=queue_id,
        name=wanted.name,
        priority=wanted.priority,
        cluster_targets=_resolve_targets(tx.conn, wanted.cluster_targets),
        paused=bool(wanted.paused),
        created_at=now,
        **wanted.more,
    )
    _check_queue(tx.conn, queue)
    store.insert_queue(tx.conn, queue)
    _record_queue(tx, EventKind.QUEUE_CREATED, actor, queue, now)
    return QueueUse(queue=queue)


def _replace_queue(tx: Transaction, actor: str, ref: str, wanted: QueueWanted, now: float) -> QueueUse:
    changes: dict[str, Any] = {
        "name": wanted.name,
        "priority": wanted.priority,
        "cluster_targets": wanted.cluster_targets,
        **wanted.more,
    }
    if wanted.paused is not None:
        changes["paused"] = wanted.paused
    return _edit_queue(tx, actor, ref, changes, now)


def _edit_queue(tx: Transaction, actor: str, ref: str, changes: Mapping[str, Any], now: float) -> QueueUse:
    known = find_queue(tx.conn, ref)
    values = dict(changes)
    if "cluster_targets" in values:
        values["cluster_targets"] = _resolve_targets(tx.conn, values["cluster_targets"])
    queue = known.evolve(**values)
    _check_queue(tx.conn, queue)
    if queue != known:
        if not store.replace_queue(tx.conn, queue):
            raise NotFound(f"Queue not found: there is no queue {ref!r}.")
        _record_queue(tx, EventKind.QUEUE_CHANGED, actor, queue, now)
    return _queue_use(tx.conn, queue.id)


def _delete_queue(tx: Transaction, actor: str, ref: str, now: float) -> None:
    try:
        use = _queue_use(tx.conn, ref)
    except NotFound:
        if parse_uuid(ref):
            return
        raise
    if use.waiting_jobs:
        raise Conflict(
            f"{use.waiting_jobs} jobs wait in queue {use.queue.name!r}; "
            "cancel them first, or delete it with ?cancel_waiting=true.",
            waiting_jobs=use.waiting_jobs,
        )
    store.delete_queue(tx.conn, use.queue.id)
    _record_queue(tx, EventKind.QUEUE_DELETED, actor, use.queue, now)


def _resolve_targets(conn: Connection, refs: Iterable[str]) -> tuple[ClusterId, ...]:
    targets: list[ClusterId] = []
    for ref in refs:
        cluster = find_cluster(conn, ref)
        if cluster.id in targets:
            raise Conflict(f"cluster_targets names cluster {cluster.name!r} twice.", field="cluster_targets")
        targets.append(cluster.id)
    return tuple(targets)


def _check_queue(conn: Connection, queue: Queue) -> None:
    check_limits(queue.limits, "limits")
    check_limits(queue.user_limits, "user_limits")
    if queue.ageing_s is not None and not 1 <= queue.ageing_s <= INT32_MAX:
        raise InvalidInput(f"ageing_s must be at least 1, or null for none, not {queue.ageing_s}.", field="ageing_s")
    other = store.get_queue_by_name(conn, queue.name)
    if other is not None and other.id != queue.id:
        raise Conflict(f"There is a queue {queue.name!r} already; choose another name.", field="name")


def _check_name(name: str, field_name: str) -> None:
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise InvalidInput(f"{field_name} must be 1 to {_MAX_NAME} printable characters.", field=field_name)
    if parse_uuid(name):
        raise InvalidInput(f"{field_name} must not look like an id.", field=field_name)


def _check_no_slash(name: str, field_name: str) -> None:
    """Of new names: one with a slash from before stays as it is."""
    if "/" in name:
        raise InvalidInput(f"{field_name} must not hold a slash, not {name!r}.", field=field_name)


def _record_cluster(tx: Transaction, kind: EventKind, actor: str, cluster: Cluster, now: float) -> None:
    tx.record(Event(kind=kind, at=now, actor=actor, cluster_id=cluster.id, data={"cluster_name": cluster.name}))


def _record_node(tx: Transaction, actor: str, node: Node, now: float, **facts: object) -> None:
    tx.record(
        Event(
            kind=EventKind.NODE_CHANGED,
            at=now,
            actor=actor,
            node_id=node.id,
            cluster_id=node.cluster_id,
            data={"node_name": node.name, **facts},
        )
    )


def _record_queue(tx: Transaction, kind: EventKind, actor: str, queue: Queue, now: float) -> None:
    data = {
        "queue_name": queue.name,
        "priority": queue.priority,
        "cluster_targets": list(queue.cluster_targets),
        "paused": queue.paused,
        "limits": limits_to_json(queue.limits),
        "user_limits": limits_to_json(queue.user_limits),
        "order": str(queue.order),
        "ageing_s": queue.ageing_s,
        "preemption": queue.preemption,
    }
    tx.record(Event(kind=kind, at=now, actor=actor, queue_id=queue.id, data=data))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
