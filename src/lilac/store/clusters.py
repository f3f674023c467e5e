"""Clusters, their nodes, and the queues that lead to them.

Deleting a cluster forgets its nodes, its keys and its place in queues; whether that is allowed is not decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, Text, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from lilac.model.clusters import Cluster, Node, Queue
from lilac.model.errors import Conflict, InvalidInput, NotFound
from lilac.model.ids import ClusterId, NodeId, QueueId
from lilac.model.limits import QueueOrder, limits_from_json, limits_to_json
from lilac.model.states import NODE_TRANSITIONS, NodeState
from lilac.store import encoding, faults
from lilac.store.engines import LOCKS_ROWS
from lilac.store.guards import guarded_update
from lilac.store.tables import clusters, nodes, queue_targets, queues

_CLUSTER_BY_ID = select(clusters).where(clusters.c.id == bindparam("cluster_id"))
_CLUSTER_BY_NAME = select(clusters).where(clusters.c.name == bindparam("name"))
_NODE_BY_ID = select(nodes).where(nodes.c.id == bindparam("node_id"))
_LOCK_NODE = select(nodes.c.id).where(nodes.c.id == bindparam("node_id")).with_for_update()
_LAST_HEARTBEAT = select(nodes.c.last_heartbeat).where(nodes.c.id == bindparam("node_id"))
_NOTE_REPORT = (
    update(nodes)
    .where(
        nodes.c.id == bindparam("node_id"),
        or_(
            nodes.c.incarnation.is_distinct_from(bindparam("life", type_=Text)),
            nodes.c.sequence <= bindparam("number", type_=BigInteger),
        ),
    )
    .values(incarnation=bindparam("life", type_=Text), sequence=bindparam("number", type_=BigInteger))
)
_NODES_BY_IDS = select(nodes).where(nodes.c.id.in_(bindparam("node_ids", expanding=True)))
_TOUCH_NODE = (
    update(nodes)
    .where(nodes.c.id == bindparam("node_id"), nodes.c.last_heartbeat < bindparam("heard_at"))
    .values(last_heartbeat=bindparam("heard_at"))
)
_QUEUE_BY_ID = select(queues).where(queues.c.id == bindparam("queue_id"))
_QUEUE_BY_NAME = select(queues).where(queues.c.name == bindparam("name"))
_TARGETS = select(queue_targets.c.queue_id, queue_targets.c.cluster_id).order_by(
    queue_targets.c.queue_id, queue_targets.c.position
)
_TARGETS_OF = _TARGETS.where(queue_targets.c.queue_id == bindparam("queue_id"))


def insert_cluster(conn: Connection, cluster: Cluster) -> None:
    """Raises `Conflict` if the name is taken."""
    row = {
        "id": cluster.id,
        "name": cluster.name,
        "description": cluster.description,
        "created_at": cluster.created_at,
        "updated_at": cluster.updated_at,
    }
    try:
        conn.execute(insert(clusters), row)
    except IntegrityError as error:
        if not faults.is_duplicate(error, "clusters.name"):
            raise
        raise Conflict(f"There is a cluster {cluster.name!r} already; choose another name.", field="name") from error


def get_cluster(conn: Connection, cluster_id: ClusterId) -> Cluster | None:
    return _one_cluster(conn, _CLUSTER_BY_ID, cluster_id=cluster_id)


def get_cluster_by_name(conn: Connection, name: str) -> Cluster | None:
    return _one_cluster(conn, _CLUSTER_BY_NAME, name=name)


def list_clusters(conn: Connection) -> list[Cluster]:
    """All clusters by name."""
    return [_cluster(row) for row in conn.execute(select(clusters).order_by(clusters.c.name))]


def delete_cluster(conn: Connection, cluster_id: ClusterId) -> bool:
    """Whether there was one. Its nodes, keys and places in queues go with it."""
    return conn.execute(delete(clusters).where(clusters.c.id == cluster_id)).rowcount == 1


def upsert_node(conn: Connection, node: Node) -> None:
    """Store a node as it is now; of a known one everything is replaced but `created_at`.

    Raises `NotFound` if its cluster does not exist (any more).
    """
    row = {
        "id": node.id,
        "cluster_id": node.cluster_id,
        "name": node.name,
        "state": node.state.value,
        "inventory": encoding.inventory_to_json(node.inventory),
        "cordoned": node.cordoned,
        "labels": dict(node.set_labels) or None,
        "drain_deadline": node.drain_deadline,
        "last_heartbeat": node.last_heartbeat,
        "created_at": node.created_at,
        "updated_at": node.updated_at,
    }
    try:
        conn.execute(_UPSERT_NODE[conn.dialect.name], row)
    except IntegrityError as error:
        if not faults.is_dangling(error):
            raise
        raise NotFound(f"There is no cluster {node.cluster_id} for node {node.name!r}.") from error


def get_node(conn: Connection, node_id: NodeId) -> Node | None:
    row = conn.execute(_NODE_BY_ID, {"node_id": node_id}).first()
    return None if row is None else _node(row)


def lock_node(conn: Connection, node_id: NodeId) -> None:
    """Let nobody else change this node until the end of the transaction. SQLite has a single writer anyway."""
    if conn.get_execution_options().get(LOCKS_ROWS):
        conn.execute(_LOCK_NODE, {"node_id": node_id})


def last_heartbeat(conn: Connection, node_id: NodeId) -> float | None:
    """When the node was last heard by any replica of the control plane, as far as they have written it."""
    return conn.execute(_LAST_HEARTBEAT, {"node_id": node_id}).scalar()


def note_report(conn: Connection, node_id: NodeId, incarnation: str, sequence: int) -> bool:
    """Note from which report of which life of the agent the inventory is; False if a later one was noted before."""
    values = {"node_id": node_id, "life": incarnation, "number": sequence}
    return conn.execute(_NOTE_REPORT, values).rowcount == 1


def get_nodes(conn: Connection, node_ids: Collection[NodeId]) -> dict[NodeId, Node]:
    """Those of the nodes that exist, by id."""
    found = [_node(row) for row in conn.execute(_NODES_BY_IDS, {"node_ids": list(node_ids)})]
    return {node.id: node for node in found}


def list_nodes(conn: Connection, cluster_id: ClusterId | None = None) -> list[Node]:
    """The nodes of one cluster or of all, by name."""
    statement = select(nodes).order_by(nodes.c.name, nodes.c.id)
    if cluster_id is not None:
        statement = statement.where(nodes.c.cluster_id == cluster_id)
    return [_node(row) for row in conn.execute(statement)]


def set_node_state(
    conn: Connection,
    node_id: NodeId,
    state: NodeState,
    *,
    expected: Collection[NodeState] | None = None,
    updated_at: float,
) -> bool:
    """Change the state if it is one of `expected` (default: any); whether it was and the node exists."""
    return guarded_update(
        conn,
        nodes,
        {"id": node_id},
        {"state": state, "updated_at": updated_at},
        transitions=NODE_TRANSITIONS,
        states=tuple(NodeState) if expected is None else expected,
        what=f"Node {node_id}",
    )


def touch_nodes(conn: Connection, last_heartbeats: Mapping[NodeId, float]) -> None:
    """Remember when nodes were last heard; an earlier time than the known one changes nothing."""
    if last_heartbeats:
        rows = [{"node_id": node_id, "heard_at": at} for node_id, at in sorted(last_heartbeats.items())]
        conn.execute(_TOUCH_NODE, rows)


def delete_node(conn: Connection, node_id: NodeId) -> bool:
    """Whether there was one. What ran on it stays in the history."""
    return conn.execute(delete(nodes).where(nodes.c.id == node_id)).rowcount == 1


def insert_queue(conn: Connection, queue: Queue) -> None:
    """Raises `Conflict` if the name is taken, `NotFound` for an unknown cluster, `InvalidInput` for one named twice."""
    try:
        conn.execute(insert(queues), {**_queue_row(queue), "id": queue.id, "created_at": queue.created_at})
    except IntegrityError as error:
        raise _queue_name_taken(error, queue) from error
    _insert_targets(conn, queue)


def get_queue(conn: Connection, queue_id: QueueId) -> Queue | None:
    return _one_queue(conn, _QUEUE_BY_ID, queue_id=queue_id)


def get_queue_by_name(conn: Connection, name: str) -> Queue | None:
    return _one_queue(conn, _QUEUE_BY_NAME, name=name)


def list_queues(conn: Connection) -> list[Queue]:
    """All queues in the order of their turn: ascending priority number, then name."""
    targets: dict[str, list[ClusterId]] = {}
    for queue_id, cluster_id in conn.execute(_TARGETS):
        targets.setdefault(queue_id, []).append(ClusterId(cluster_id))
    rows = conn.execute(select(queues).order_by(queues.c.priority, queues.c.name))
    return [_queue(row, targets.get(row.id, ())) for row in rows]


def replace_queue(conn: Connection, queue: Queue) -> bool:
    """Give the queue with this id all its new values; whether it exists.

    `created_at` stays. Raises as `insert_queue` does.
    """
    try:
        changed = conn.execute(update(queues).where(queues.c.id == queue.id).values(_queue_row(queue))).rowcount
    except IntegrityError as error:
        raise _queue_name_taken(error, queue) from error
    if changed != 1:
        return False
    conn.execute(delete(queue_targets).where(queue_targets.c.queue_id == queue.id))
    _insert_targets(conn, queue)
    return True


def delete_queue(conn: Connection, queue_id: QueueId) -> bool:
    """Whether there was one. Its jobs keep its name but belong to no queue."""
    return conn.execute(delete(queues).where(queues.c.id == queue_id)).rowcount == 1


def _upsert_node(insert_into: Any) -> Any:
    statement = insert_into(nodes)
    kept = ("id", "created_at", "incarnation", "sequence")
    replaced = [column.name for column in nodes.columns if column.name not in kept]
    return statement.on_conflict_do_update(
        index_elements=[nodes.c.id], set_={name: statement.excluded[name] for name in replaced}
    )


_UPSERT_NODE = {"sqlite": _upsert_node(sqlite_insert), "postgresql": _upsert_node(postgresql_insert)}


def _insert_targets(conn: Connection, queue: Queue) -> None:
    if not queue.cluster_targets:
        return
    if len(set(queue.cluster_targets)) != len(queue.cluster_targets):
        raise InvalidInput(
            f"cluster_targets of queue {queue.name!r} must not name a cluster twice.", field="cluster_targets"
        )
    rows = [
        {"queue_id": queue.id, "position": position, "cluster_id": cluster_id}
        for position, cluster_id in enumerate(queue.cluster_targets)
    ]
    known = conn.execute(select(clusters.c.id).where(clusters.c.id.in_(queue.cluster_targets))).scalars().all()
    if unknown := [target for target in queue.cluster_targets if target not in known]:
        raise NotFound(f"There is no cluster {unknown[0]} for queue {queue.name!r}.", field="cluster_targets")
    try:
        conn.execute(insert(queue_targets), rows)
    except IntegrityError as error:
        if not faults.is_dangling(error):
            raise
        raise NotFound(f"A cluster of queue {queue.name!r} was deleted.", field="cluster_targets") from error


def _queue_row(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "priority": queue.priority,
        "paused": queue.paused,
        "limits": limits_to_json(queue.limits),
        "user_limits": limits_to_json(queue.user_limits),
        "job_order": queue.order.value,
        "ageing_s": queue.ageing_s,
        "preemption": queue.preemption,
    }


def _queue_name_taken(error: IntegrityError, queue: Queue) -> Exception:
    if faults.is_duplicate(error, "queues.name"):
        return Conflict(f"There is a queue {queue.name!r} already; choose another name.", field="name")
    return error


def _one_cluster(conn: Connection, statement: Select[Any], **parameters: str) -> Cluster | None:
    row = conn.execute(statement, parameters).first()
    return None if row is None else _cluster(row)


def _one_queue(conn: Connection, statement: Select[Any], **parameters: str) -> Queue | None:
    row = conn.execute(statement, parameters).first()
    if row is None:
        return None
    targets = [ClusterId(target.cluster_id) for target in conn.execute(_TARGETS_OF, {"queue_id": row.id})]
    return _queue(row, targets)


def _cluster(row: Row[Any]) -> Cluster:
    return Cluster(
        id=ClusterId(row.id),
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _node(row: Row[Any]) -> Node:
    return Node(
        id=NodeId(row.id),
        cluster_id=ClusterId(row.cluster_id),
        name=row.name,
        state=NodeState(row.state),
        inventory=encoding.inventory_from_json(row.inventory),
        cordoned=row.cordoned,
        set_labels=row.labels or {},
        drain_deadline=row.drain_deadline,
        last_heartbeat=row.last_heartbeat,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _queue(row: Row[Any], targets: Collection[ClusterId]) -> Queue:
    return Queue(
        id=QueueId(row.id),
        name=row.name,
        priority=row.priority,
        cluster_targets=tuple(targets),
        paused=row.paused,
        created_at=row.created_at,
        limits=limits_from_json(row.limits),
        user_limits=limits_from_json(row.user_limits),
        order=QueueOrder(row.job_order),
        ageing_s=row.ageing_s,
        preemption=row.preemption,
    )
