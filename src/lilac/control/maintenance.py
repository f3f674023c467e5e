"""Taking nodes out of service and back, and giving them labels.

A *drained* node gets nothing new. What runs there goes on, for ever or until a deadline; then it is stopped politely
and waits again with the turn it had (`resizing.evict`), which costs no retry. An elastic job only leaves the node if
enough of it is elsewhere. `control.deadlines` calls `clear` when a deadline has come; it looks again, so a node that
was resumed meanwhile keeps what it has, and a deadline that passed while the control plane was down is kept late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lilac.control import records
from lilac.control.projection import Projection
from lilac.model.clusters import Node
from lilac.model.errors import Conflict, InvalidInput
from lilac.model.events import Event, EventKind
from lilac.model.ids import NodeId
from lilac.model.labels import MOST_LABELS, check_labels
from lilac.model.resizing import evict
from lilac.model.states import NodeState
from lilac.store import attempts as attempt_store
from lilac.store import clusters as store
from lilac.store.database import Transaction


def drain(tx: Transaction, actor: str, node: Node, deadline: float | None, now: float) -> None:
    """Give the node nothing new; from `deadline` on nothing at all. Draining again only sets the deadline anew."""
    state = node.state if node.state is NodeState.LOST else NodeState.DRAINING
    _change(tx, actor, node, node.evolve(cordoned=True, state=state, drain_deadline=deadline), now)


def resume(tx: Transaction, actor: str, node: Node, now: float) -> None:
    """Let the node take work again."""
    state = NodeState.AVAILABLE if node.state is NodeState.DRAINING else node.state
    _change(tx, actor, node, node.evolve(cordoned=False, state=state, drain_deadline=None), now)


def label(tx: Transaction, actor: str, node: Node, changes: Mapping[str, str | None], now: float) -> None:
    """Set labels, and take back those whose new value is None; the agent's own show again then."""
    check_labels(changes)
    labels = {**node.set_labels}
    for key, value in changes.items():
        if value is None:
            labels.pop(key, None)
        else:
            labels[key] = value
    if len(labels) > MOST_LABELS:
        raise InvalidInput(f"labels: a node can be given at most {MOST_LABELS}, not {len(labels)}.", field="labels")
    _change(tx, actor, node, node.evolve(set_labels=labels), now)


def clear(tx: Transaction, projection: Projection, node_id: NodeId, now: float) -> None:
    """Take off a node what still runs there, if it is drained and its deadline has come."""
    node = store.get_node(tx.conn, node_id)
    if node is None or not node.cordoned or node.drain_deadline is None or node.drain_deadline > now:
        return
    held = {(r.key.job_id, r.key.attempt) for r in attempt_store.live_replicas(tx.conn, node_id)}
    for before in records.load_works(tx.conn, sorted(held)).values():
        outcome = evict(before, node_id, node.name, now=now)
        if outcome is not None:
            records.save(tx, before, outcome)
            tx.after(projection.take, outcome.work)


def _change(tx: Transaction, actor: str, old: Node, new: Node, now: float) -> None:
    """The guarded change of state comes first: it sees to it that nobody has changed the node since it was read."""
    if new == old:
        return
    if not store.set_node_state(tx.conn, old.id, new.state, expected=(old.state,), updated_at=now):
        raise Conflict(f"Node {old.name} has just changed; try again.")
    store.upsert_node(tx.conn, replace(new, updated_at=now))
    tx.record(
        Event(
            kind=EventKind.NODE_CHANGED,
            at=now,
            actor=actor,
            node_id=new.id,
            cluster_id=new.cluster_id,
            data={
                "node_name": new.name,
                "state": str(new.state),
                "cordoned": new.cordoned,
                "drain_deadline": new.drain_deadline,
                "labels": dict(new.set_labels),
            },
        )
    )
