"""The state machines, each written once as a table: jobs, attempts, replicas, nodes.

Everything that changes a state asks `check` first; documentation and screens are rendered from these tables. A
change that is not in a table is an `IllegalTransition`. Terminal states have no way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from lilac.model.errors import IllegalTransition


class JobState(StrEnum):
    """The words that users see, as on the wire."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """One try at running a job. At most one attempt of a job is starting or running."""

    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    PREEMPTED = "preempted"


class ReplicaState(StrEnum):
    """One container or process. It holds its resources until a terminal state."""

    ASSIGNED = "assigned"
    PREPARING = "preparing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"


class NodeState(StrEnum):
    AVAILABLE = "available"
    BUSY = "busy"
    DRAINING = "draining"
    LOST = "lost"


class Hold(StrEnum):
    """Why a queued job is kept out of the line."""

    DEPENDENCY = "dependency"
    """Jobs that it waits for have not ended yet."""
    PAUSE = "pause"
    """It failed and is tried again after a pause."""


class FailureReason(StrEnum):
    """Why an attempt or a replica did not succeed; decides whether trying again can help."""

    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE = "image"
    START = "start"
    ENGINE = "engine"
    VANISHED = "vanished"
    NODE_LOST = "node_lost"
    GPU_LOST = "gpu_lost"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"
    DRAINED = "drained"
    PEER = "peer"
    DEPENDENCY = "dependency"
    """A job that it waited for ended otherwise than it needed."""


RETRIED: frozenset[FailureReason] = frozenset(
    {FailureReason.NODE_LOST, FailureReason.GPU_LOST, FailureReason.VANISHED, FailureReason.ENGINE}
)
"""Failures of the platform's side: which no job can be blamed for; see `retrying` for what is tried again."""

S = TypeVar("S", bound=StrEnum)

JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.STARTING, JobState.CANCELLED, JobState.FAILED}),
    JobState.STARTING: frozenset(
        {JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

_ATTEMPT_ENDS = frozenset(
    {
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
        AttemptState.CANCELLED,
        AttemptState.LOST,
        AttemptState.PREEMPTED,
    }
)

ATTEMPT_TRANSITIONS: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.STARTING: _ATTEMPT_ENDS | {AttemptState.RUNNING},
    AttemptState.RUNNING: _ATTEMPT_ENDS,
    **{end: frozenset[AttemptState]() for end in sorted(_ATTEMPT_ENDS)},
}

_REPLICA_ENDS = frozenset({ReplicaState.SUCCEEDED, ReplicaState.FAILED, ReplicaState.STOPPED, ReplicaState.LOST})

REPLICA_TRANSITIONS: Mapping[ReplicaState, frozenset[ReplicaState]] = {
    ReplicaState.ASSIGNED: _REPLICA_ENDS | {ReplicaState.PREPARING, ReplicaState.RUNNING},
    ReplicaState.PREPARING: _REPLICA_ENDS | {ReplicaState.RUNNING},
    ReplicaState.RUNNING: _REPLICA_ENDS,
    **{end: frozenset[ReplicaState]() for end in sorted(_REPLICA_ENDS)},
}

NODE_TRANSITIONS: Mapping[NodeState, frozenset[NodeState]] = {
    NodeState.AVAILABLE: frozenset({NodeState.BUSY, NodeState.DRAINING, NodeState.LOST}),
    NodeState.BUSY: frozenset({NodeState.AVAILABLE, NodeState.DRAINING, NodeState.LOST}),
    NodeState.DRAINING: frozenset({NodeState.AVAILABLE, NodeState.BUSY, NodeState.LOST}),
    NodeState.LOST: frozenset({NodeState.AVAILABLE, NodeState.BUSY, NodeState.DRAINING}),
}

TABLES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "job": {str(k): frozenset(map(str, v)) for k, v in JOB_TRANSITIONS.items()},
    "attempt": {str(k): frozenset(map(str, v)) for k, v in ATTEMPT_TRANSITIONS.items()},
    "replica": {str(k): frozenset(map(str, v)) for k, v in REPLICA_TRANSITIONS.items()},
    "node": {str(k): frozenset(map(str, v)) for k, v in NODE_TRANSITIONS.items()},
}
"""All machines by name, for documentation."""


def allowed(table: Mapping[S, frozenset[S]], old: S, new: S) -> bool:
    """Whether the table has the step from `old` to `new`; staying is not a step."""
    return new in table[old]


def check(table: Mapping[S, frozenset[S]], old: S, new: S, what: str) -> None:
    """Raise `IllegalTransition` unless the table has the step. `what` names the thing, for the sentence."""
    if not allowed(table, old, new):
        raise IllegalTransition(f"{what} is {old} and cannot become {new}.", state=str(old), wanted=str(new))


def is_terminal(state: JobState | AttemptState | ReplicaState) -> bool:
    """Whether nothing can follow."""
    if isinstance(state, JobState):
        return not JOB_TRANSITIONS[state]
    if isinstance(state, AttemptState):
        return not ATTEMPT_TRANSITIONS[state]
    return not REPLICA_TRANSITIONS[state]
