"""The table of the protocol, row by row, and what holds for every list and every machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.agent.reconciling import Action, HeldView, Remove, Start, Stop, TellLost, TellStopped, decide
from lilac.agent.wire import Assignment, Desired, Listed
from lilac.model.clusters import RuntimeName
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.states import ReplicaState

KEY = ReplicaKey(JobId("j"), 1, 0)
LATER = [state for state in ReplicaState if state is not ReplicaState.ASSIGNED]


def assignment(key: ReplicaKey = KEY) -> Assignment:
    return Assignment(key=key, runtime=RuntimeName.PROCESS, command=("true",))


def listed(desired: Desired, known: ReplicaState = ReplicaState.ASSIGNED, key: ReplicaKey = KEY) -> Listed:
    return Listed(assignment=assignment(key), desired=desired, known_state=known)


def decided(item: Listed | None, view: HeldView | None) -> list[Action]:
    return decide({KEY: item} if item else {}, {KEY: view} if view else {})


ACTIVE = HeldView(ended=False)
STOPPING = HeldView(ended=False, stopping=True)
ENDED = HeldView(ended=True)
SHIPPED = HeldView(ended=True, shipped=True)


def test_a_new_assignment_is_started() -> None:
    assert decided(listed(Desired.RUN), None) == [Start(assignment())]


@pytest.mark.parametrize("known", LATER)
def test_what_may_have_run_already_is_told_as_lost(known: ReplicaState) -> None:
    assert decided(listed(Desired.RUN, known), None) == [TellLost(assignment())]


@pytest.mark.parametrize("view", [ACTIVE, STOPPING, ENDED, SHIPPED])
@pytest.mark.parametrize("known", list(ReplicaState))
def test_what_is_to_run_and_is_held_goes_on(view: HeldView, known: ReplicaState) -> None:
    assert decided(listed(Desired.RUN, known), view) == []


def test_what_is_to_stop_and_runs_is_stopped_once() -> None:
    assert decided(listed(Desired.STOP), ACTIVE) == [Stop(KEY)]
    assert decided(listed(Desired.STOP), STOPPING) == []


@pytest.mark.parametrize("known", list(ReplicaState))
def test_what_is_to_stop_and_is_not_here_is_told_as_stopped(known: ReplicaState) -> None:
    assert decided(listed(Desired.STOP, known), None) == [TellStopped(assignment())]


@pytest.mark.parametrize("view", [ENDED, SHIPPED])
def test_what_ended_of_itself_keeps_its_own_result(view: HeldView) -> None:
    assert decided(listed(Desired.STOP), view) == []


def test_what_ended_and_is_unlisted_is_removed_once_its_output_is_shipped() -> None:
    assert decided(None, ENDED) == []
    assert decided(None, SHIPPED) == [Remove(KEY)]


def test_what_runs_and_is_unlisted_is_stopped_once() -> None:
    assert decided(None, ACTIVE) == [Stop(KEY)]
    assert decided(None, STOPPING) == []


keys = st.builds(ReplicaKey, st.sampled_from([JobId("a"), JobId("b")]), st.integers(1, 2), st.integers(0, 1))
lists = st.dictionaries(keys, st.tuples(st.sampled_from(Desired), st.sampled_from(ReplicaState)), max_size=8).map(
    lambda items: {key: listed(desired, known, key) for key, (desired, known) in items.items()}
)
views = st.builds(HeldView, ended=st.booleans(), stopping=st.booleans(), shipped=st.booleans())
machines = st.dictionaries(keys, views, max_size=8)


def carried_out(machine: dict[ReplicaKey, HeldView], actions: list[Action]) -> dict[ReplicaKey, HeldView]:
    after = dict(machine)
    for action in actions:
        match action:
            case Start(what):
                after[what.key] = HeldView(ended=False)
            case TellLost(what) | TellStopped(what):
                after[what.key] = HeldView(ended=True, shipped=True)
            case Stop(key):
                after[key] = HeldView(ended=False, stopping=True)
            case Remove(key):
                del after[key]
    return after


@given(lists, machines)
def test_each_replica_gets_at_most_one_action(
    wanted: dict[ReplicaKey, Listed], machine: dict[ReplicaKey, HeldView]
) -> None:
    touched = [a.key if isinstance(a, Stop | Remove) else a.assignment.key for a in decide(wanted, machine)]
    assert len(touched) == len(set(touched))


@given(lists, machines)
def test_deciding_again_after_carrying_out_changes_nothing(
    wanted: dict[ReplicaKey, Listed], machine: dict[ReplicaKey, HeldView]
) -> None:
    assert decide(wanted, carried_out(machine, decide(wanted, machine))) == []


@given(lists, machines)
def test_nothing_that_is_held_or_known_to_have_run_is_ever_started(
    wanted: dict[ReplicaKey, Listed], machine: dict[ReplicaKey, HeldView]
) -> None:
    for action in decide(wanted, machine):
        if isinstance(action, Start):
            assert action.assignment.key not in machine
            assert wanted[action.assignment.key].known_state is ReplicaState.ASSIGNED


@given(lists, machines)
def test_everything_comes_to_rest_at_the_list(
    wanted: dict[ReplicaKey, Listed], machine: dict[ReplicaKey, HeldView]
) -> None:
    for _ in range(4):
        machine = carried_out(machine, decide(wanted, machine))
        machine = {
            key: HeldView(
                ended=view.ended or view.stopping, stopping=view.stopping, shipped=view.ended or view.stopping
            )
            for key, view in machine.items()
        }
    assert set(machine) == set(wanted)
    assert all(machine[key].ended for key, item in wanted.items() if item.desired is Desired.STOP)
