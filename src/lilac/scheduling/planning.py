"""The scheduler itself: `plan(snapshot, now)`."""

from __future__ import annotations

from lilac.scheduling.board import Snapshot
from lilac.scheduling.diagnosing import Diagnosis
from lilac.scheduling.passing import DEFAULT_POLICY, Pass, Policy
from lilac.scheduling.plans import Plan, Reasons


def plan(snapshot: Snapshot, now: float, policy: Policy = DEFAULT_POLICY) -> Plan:
    """Decide what to start now, and why the rest waits. Pure: changes nothing, and depends on nothing else."""
    if not len(snapshot.waiting) and not (policy.growth and snapshot.givers):
        return Plan()
    done = Pass(snapshot, now, policy)
    done.run()
    return Plan(
        starts=tuple(done.starts),
        grows=tuple(done.grows),
        shrinks=done.shrinks,
        preemptions=done.preemptions,
        making_room_for=done.making_room_for,
        blocked=Reasons(
            done.heads, done.limited, frozenset(start.job_id for start in done.starts), Diagnosis(done).reason
        ),
    )
