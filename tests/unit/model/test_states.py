"""The state tables."""

import pytest

from lilac.model.errors import IllegalTransition
from lilac.model.events import EventKind
from lilac.model.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    REPLICA_TRANSITIONS,
    TABLES,
    AttemptState,
    JobState,
    NodeState,
    ReplicaState,
    check,
    is_terminal,
)


def test_every_state_has_a_row() -> None:
    assert set(TABLES["job"]) == set(JobState)
    assert set(TABLES["attempt"]) == set(AttemptState)
    assert set(TABLES["replica"]) == set(ReplicaState)
    assert set(TABLES["node"]) == set(NodeState)


def test_no_state_leads_to_itself() -> None:
    for table in TABLES.values():
        assert all(state not in following for state, following in table.items())


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_terminal_is_terminal_for_jobs(state: JobState) -> None:
    assert is_terminal(state)
    for other in JobState:
        if other is not state:
            with pytest.raises(IllegalTransition, match=f"is {state} and cannot become {other}"):
                check(JOB_TRANSITIONS, state, other, "Job 1")


def test_every_live_state_can_reach_an_end() -> None:
    for table in (JOB_TRANSITIONS, ATTEMPT_TRANSITIONS, REPLICA_TRANSITIONS):
        ends = {state for state, following in table.items() if not following}
        for state, following in table.items():
            assert state in ends or following & ends


def test_the_history_may_hold_kinds_of_events_that_only_a_newer_release_knows() -> None:
    strange = EventKind.stored("job.teleported")
    assert (str(strange), strange.value) == ("job.teleported", "job.teleported")
    assert strange not in set(EventKind)
    assert EventKind.stored("job.running") is EventKind.JOB_RUNNING
