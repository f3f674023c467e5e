"""What happens to an array as a whole, each as one guarded change with its event: elements leave it to become rows,
it is let into the line, cancelled, found complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lilac.model.arrays import JobArray
from lilac.model.errors import Conflict
from lilac.model.events import Event, EventKind
from lilac.model.indices import NOTHING, IndexSet
from lilac.model.states import FailureReason, JobState
from lilac.store import arrays as array_store
from lilac.store.database import Transaction

Put = Callable[[JobArray], None]
"""Told of the array as it is then, after the commit."""


def take_out(tx: Transaction, put: Put, array: JobArray, taken: IndexSet, now: float) -> JobArray:
    """Elements get rows of their own; the first ones that do begin the array."""
    changes: dict[str, Any] = {"waiting": array.waiting - taken, "updated_at": now}
    return _change(tx, put, array, changes)


def begin(tx: Transaction, put: Put, array: JobArray, taken: IndexSet, now: float) -> JobArray:
    """Elements start."""
    changes: dict[str, Any] = {"waiting": array.waiting - taken, "updated_at": now}
    if array.started_at is None:
        changes |= {"state": JobState.RUNNING, "started_at": now}
        tx.record(_told(array, EventKind.ARRAY_STARTED, now, state=JobState.RUNNING))
    return _change(tx, put, array, changes)


def release(tx: Transaction, put: Put, array: JobArray, now: float) -> JobArray:
    """What it waited for is there."""
    tx.record(_told(array, EventKind.JOB_RELEASED, now, state=array.state, held=str(array.held), attempt=0))
    return _change(tx, put, array, {"held": None, "updated_at": now})


def cancel(tx: Transaction, put: Put, array: JobArray, *, actor: str, now: float) -> JobArray:
    """Nothing of what waits will start. Elements that have a row are left as they are."""
    message = f"Cancelled by {actor.removeprefix('user:')}."
    return _cancel(tx, put, array, FailureReason.CANCELLED, message, actor, now)


def give_up(tx: Transaction, put: Put, array: JobArray, message: str, now: float) -> JobArray:
    """What it waits for can never be."""
    return _cancel(tx, put, array, FailureReason.DEPENDENCY, message, "system", now)


def finish(tx: Transaction, put: Put, array: JobArray, state: JobState, now: float) -> JobArray:
    """All its elements have ended; `array.counts` says how."""
    counts = {str(each): count for each, count in sorted(array.counts.items())}
    tx.record(_told(array, EventKind.ARRAY_ENDED, now, state=state, counts=counts, message=array.message))
    return _change(
        tx,
        put,
        array,
        {"state": state, "finished_at": now, "updated_at": now, "counts": dict(array.counts)},
    )


def _cancel(
    tx: Transaction,
    put: Put,
    array: JobArray,
    reason: FailureReason,
    message: str,
    actor: str,
    now: float,
) -> JobArray:
    dropped = len(array.waiting)
    event = _told(array, EventKind.ARRAY_CANCELLED, now, reason=str(reason), message=message, elements=dropped)
    tx.record(replace(event, actor=actor))
    changes: dict[str, Any] = {
        "waiting": NOTHING,
        "cancelled": array.cancelled | array.waiting,
        "held": None,
        "reason": reason,
        "message": message,
        "updated_at": now,
    }
    return _change(tx, put, array, changes)


def _change(tx: Transaction, put: Put, array: JobArray, changes: dict[str, Any]) -> JobArray:
    after = array_store.update_array(tx.conn, array, **changes)
    if after is None:
        raise Conflict(f"Array {array.id} was changed by somebody else meanwhile; try again.")
    tx.after(put, after)
    return after


def _told(array: JobArray, kind: EventKind, now: float, **data: Any) -> Event:
    return Event(
        kind=kind,
        at=now,
        job_id=array.id,
        queue_id=array.spec.queue_id,
        user_id=array.owner_id,
        data={"name": array.spec.name, **data},
    )
