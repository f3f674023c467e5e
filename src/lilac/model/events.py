"""The append-only history: what happened to which thing, when, by whom.

An event is written in the transaction of the change it tells, so the history is complete. `seq` grows by commit
order within one database and is the resume point of event streams.

What the events carry is enough to work out, from the history alone, what every node held at any moment: `placements`
(a list of rank, `node_id` and `gpus`) with the `resources` of each replica in every event that begins replicas,
`replica` (attempt, rank and final state) in the one event that tells the end of a replica, and a node's `capacity` in
every event by which it may have become another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId


class EventKind(StrEnum):
    JOB_SUBMITTED = "job.submitted"
    JOB_ASSIGNED = "job.assigned"
    JOB_RUNNING = "job.running"
    JOB_REQUEUED = "job.requeued"
    JOB_PREEMPTED = "job.preempted"
    JOB_RESIZED = "job.resized"
    JOB_CHANGED = "job.changed"
    JOB_RELEASED = "job.released"
    ARRAY_STARTED = "array.started"
    ARRAY_CANCELLED = "array.cancelled"
    ARRAY_ENDED = "array.ended"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_EXEC_OPENED = "job.exec_opened"
    JOB_EXEC_CLOSED = "job.exec_closed"
    REPLICA_CHANGED = "replica.changed"
    NODE_JOINED = "node.joined"
    NODE_CHANGED = "node.changed"
    NODE_LOST = "node.lost"
    NODE_BACK = "node.back"
    CLUSTER_CREATED = "cluster.created"
    CLUSTER_DELETED = "cluster.deleted"
    QUEUE_CREATED = "queue.created"
    QUEUE_CHANGED = "queue.changed"
    QUEUE_DELETED = "queue.deleted"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    USER_DELETED = "user.deleted"
    USER_LOGGED_IN = "user.logged_in"
    USER_LOGIN_FAILED = "user.login_failed"
    KEY_CREATED = "key.created"
    KEY_DELETED = "key.deleted"
    SECRET_SET = "secret.set"
    SECRET_DELETED = "secret.deleted"
    VOLUME_CREATED = "volume.created"
    VOLUME_DELETED = "volume.deleted"
    VOLUME_DATA_DELETED = "volume.data_deleted"
    SERVER_STARTED = "server.started"

    @classmethod
    def stored(cls, word: str) -> EventKind:
        """The kind of a stored event; also one that only a newer release knows, which may write to the same history."""
        known = cls._value2member_map_.get(word)
        if isinstance(known, cls):
            return known
        kind = str.__new__(cls, word)
        kind._name_, kind._value_ = word, word
        return kind


ACCOUNT_EVENTS = frozenset(
    {
        EventKind.USER_CREATED,
        EventKind.USER_CHANGED,
        EventKind.USER_DELETED,
        EventKind.USER_LOGGED_IN,
        EventKind.USER_LOGIN_FAILED,
        EventKind.KEY_CREATED,
        EventKind.KEY_DELETED,
        EventKind.SECRET_SET,
        EventKind.SECRET_DELETED,
        EventKind.VOLUME_CREATED,
        EventKind.VOLUME_DELETED,
        EventKind.VOLUME_DATA_DELETED,
    }
)
"""About people and what is theirs: for administrators, and for whom it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    kind: EventKind
    at: float
    seq: int = 0
    """0 until it is stored."""
    job_id: JobId | None = None
    node_id: NodeId | None = None
    cluster_id: ClusterId | None = None
    queue_id: QueueId | None = None
    user_id: UserId | None = None
    """Whom it is about, where it is about a user; of a job, the owner."""
    actor: str = "system"
    """Who did it: `user:<name>`, `node:<id>` or `system`."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def number(self, seq: int) -> Event:
        """Give a new event its `seq`, as the store does once when it stores it; nobody else has it before."""
        object.__setattr__(self, "seq", seq)
        return self
