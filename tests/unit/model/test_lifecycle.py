"""How a job, its attempts and replicas change together."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lilac.model.errors import IllegalTransition
from lilac.model.events import EventKind
from lilac.model.ids import JobId, NodeId, QueueId, ReplicaKey
from lilac.model.jobs import Job, JobSpec, ReplicaReport, SizeRange
from lilac.model.lifecycle import Outcome, Work, cancel, expire, lost_with_node, report, start
from lilac.model.resources import ResourceRequest
from lilac.model.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    REPLICA_TRANSITIONS,
    AttemptState,
    FailureReason,
    JobState,
    ReplicaState,
    is_terminal,
)

JOB = JobId("00000000-0000-4000-8000-000000000001")


def a_job(*, replicas: int = 1, retries: int = 3) -> Job:
    spec = JobSpec(
        name="j",
        queue_id=QueueId("q"),
        resources=ResourceRequest(1000, 100),
        image="busybox",
        size=SizeRange(replicas, replicas),
        max_retries=retries,
    )
    return Job(id=JOB, seq=1, spec=spec, state=JobState.QUEUED, owner_id=None, submitted_at=1.0, updated_at=1.0)


def started(job: Job) -> Work:
    places = [(rank, NodeId(f"n{rank}"), ()) for rank in range(job.spec.size.min)]
    return start(job, places, planned_at=2.0, now=2.5).work


def told(work: Work, state: ReplicaState, *, rank: int = 0, now: float = 10.0, **facts: object) -> Outcome:
    key = ReplicaKey(JOB, work.replicas[0].key.attempt, rank)
    outcome = report(work, ReplicaReport(key=key, state=state, **facts), now)  # type: ignore[arg-type]
    assert outcome is not None
    return outcome


def test_a_job_that_starts_gets_its_next_attempt_and_one_replica_per_place() -> None:
    outcome = start(a_job(replicas=2), [(0, NodeId("a"), ("GPU-1",)), (1, NodeId("b"), ())], planned_at=2.0, now=3.0)
    work = outcome.work
    assert (work.job.state, work.job.attempt, work.job.node_id) == (JobState.STARTING, 1, "a")
    assert [r.state for r in work.replicas] == [ReplicaState.ASSIGNED] * 2
    assert work.replicas[0].gpu_uuids == ("GPU-1",)
    assert work.job.waterfall == {"submitted": 1.0, "planned": 2.0, "assigned": 3.0}
    assert [e.kind for e in outcome.events] == [EventKind.JOB_ASSIGNED]


def test_a_gang_is_running_when_all_of_it_is() -> None:
    work = told(started(a_job(replicas=2)), ReplicaState.RUNNING, rank=1).work
    assert work.job.state is JobState.STARTING
    outcome = told(work, ReplicaState.RUNNING, rank=0, now=12.0)
    assert outcome.work.job.state is JobState.RUNNING
    assert outcome.work.job.started_at == 12.0
    assert [e.kind for e in outcome.events] == [EventKind.JOB_RUNNING]


def test_a_very_short_job_may_go_from_assigned_to_succeeded() -> None:
    work = told(started(a_job()), ReplicaState.SUCCEEDED, exit_code=0, times={"started": 9.0, "exited": 9.1}).work
    assert (work.job.state, work.job.exit_code) == (JobState.SUCCEEDED, 0)
    assert work.job.waterfall["exited"] == 9.1
    assert work.attempt is not None
    assert work.attempt.state is AttemptState.SUCCEEDED


def test_the_first_failure_ends_the_attempt_and_stops_the_others() -> None:
    work = started(a_job(replicas=3))
    work = told(work, ReplicaState.FAILED, rank=1, exit_code=3, reason=FailureReason.ERROR).work
    assert (work.job.state, work.job.exit_code) == (JobState.FAILED, 3)
    assert work.job.message == "Replica 1: Exited with code 3."
    assert [r.stop_wanted for r in work.replicas] == [True, False, True]
    assert not is_terminal(work.replicas[0].state), "it holds its resources until it has stopped"


def test_a_user_error_is_not_retried() -> None:
    work = told(started(a_job()), ReplicaState.FAILED, exit_code=1, reason=FailureReason.ERROR).work
    assert work.job.state is JobState.FAILED


def test_a_lost_node_costs_a_retry_and_the_job_keeps_its_turn() -> None:
    work = started(a_job())
    outcome = report(work, lost_with_node(work.replicas[0].key, "gpu-1"), 10.0)
    assert outcome is not None
    job = outcome.work.job
    assert (job.state, job.retries, job.node_id, job.seq, job.submitted_at) == (JobState.QUEUED, 1, None, 1, 1.0)
    assert [e.kind for e in outcome.events] == [EventKind.JOB_REQUEUED]
    again = started(job)
    assert again.job.attempt == 2


def test_without_retries_left_a_lost_node_fails_the_job_and_says_so() -> None:
    work = started(a_job(retries=0))
    outcome = report(work, lost_with_node(work.replicas[0].key, "gpu-1"), 10.0)
    assert outcome is not None
    assert outcome.work.job.state is JobState.FAILED
    assert outcome.work.job.message == "Node gpu-1 went silent. No retries left (0 allowed)."


def test_a_report_about_an_older_attempt_frees_its_replica_and_changes_nothing_else() -> None:
    old = started(a_job())
    lost = report(old, lost_with_node(old.replicas[0].key, "n0"), 5.0)
    assert lost is not None
    second = started(lost.work.job)
    stale = Work(second.job, lost.work.attempt, old.replicas)
    outcome = told(stale, ReplicaState.SUCCEEDED, exit_code=0)
    assert outcome.work.job is second.job
    assert [event.kind for event in outcome.events] == [EventKind.REPLICA_CHANGED]
    assert outcome.events[0].data["replica"] == {"attempt": 1, "rank": 0, "state": "succeeded"}
    assert outcome.work.replicas[0].state is ReplicaState.SUCCEEDED


def test_a_cancelled_job_holds_its_resources_until_its_replicas_stopped() -> None:
    work = told(started(a_job()), ReplicaState.RUNNING).work
    outcome = cancel(work, actor="user:ada", now=11.0)
    assert outcome.work.job.state is JobState.CANCELLED
    assert outcome.work.job.message == "Cancelled by ada."
    assert outcome.events[0].actor == "user:ada"
    assert outcome.work.replicas[0].stop_wanted
    assert outcome.work.replicas[0].state is ReplicaState.RUNNING
    after = told(outcome.work, ReplicaState.STOPPED, exit_code=143)
    assert after.work.job is outcome.work.job
    assert after.work.replicas[0].state is ReplicaState.STOPPED


def test_a_waiting_job_is_cancelled_at_once() -> None:
    outcome = cancel(Work(a_job(), None, ()), actor="user:ada", now=11.0)
    assert outcome.work.job.state is JobState.CANCELLED


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_what_has_ended_cannot_be_cancelled_or_started_again(state: JobState) -> None:
    job = a_job().evolve(state=state)
    with pytest.raises(IllegalTransition):
        cancel(Work(job, None, ()), actor="user:ada", now=11.0)
    with pytest.raises(IllegalTransition):
        start(job, [(0, NodeId("n"), ())], planned_at=1.0, now=1.0)


def test_a_time_limit_ends_a_running_job_as_failed() -> None:
    work = told(started(a_job()), ReplicaState.RUNNING).work
    outcome = expire(work, 60, 80.0)
    assert outcome is not None
    assert (outcome.work.job.state, outcome.work.job.reason) == (JobState.FAILED, FailureReason.TIME_LIMIT)
    assert outcome.work.replicas[0].stop_wanted
    assert expire(outcome.work, 60, 90.0) is None


def test_a_repeated_report_changes_nothing() -> None:
    work = told(started(a_job()), ReplicaState.RUNNING, times={"started": 9.0}).work
    key = work.replicas[0].key
    assert report(work, ReplicaReport(key=key, state=ReplicaState.RUNNING, times={"started": 9.0}), 20.0) is None
    assert report(work, ReplicaReport(key=key, state=ReplicaState.PREPARING), 20.0) is None


# --- whatever happens, in whatever order ---------------------------------------------------------------------------

REPORTS = st.tuples(
    st.integers(0, 2),
    st.sampled_from(list(ReplicaState)),
    st.sampled_from([None, FailureReason.ERROR, FailureReason.VANISHED, FailureReason.IMAGE]),
    st.integers(0, 3),
)
STEPS = st.lists(
    st.one_of(
        REPORTS.map(lambda r: ("report", *r)),
        st.just(("start",)),
        st.just(("cancel",)),
        st.just(("expire",)),
        st.integers(0, 2).map(lambda n: ("lose node", n)),
    ),
    max_size=30,
)


@dataclass
class History:
    """Every attempt with its replicas, as the store would keep them."""

    job: Job
    works: dict[int, Work] = field(default_factory=dict)

    def take(self, before: Work, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.check_step(before, outcome.work)
        self.job = outcome.work.job
        if outcome.work.attempt is not None:
            self.works[outcome.work.attempt.number] = outcome.work

    @staticmethod
    def check_step(before: Work, after: Work) -> None:
        if before.job.state != after.job.state:
            assert after.job.state in JOB_TRANSITIONS[before.job.state]
        if before.attempt and after.attempt and before.attempt.state != after.attempt.state:
            assert after.attempt.state in ATTEMPT_TRANSITIONS[before.attempt.state]
        if before.attempt is not None:
            for old, new in zip(before.replicas, after.replicas, strict=True):
                if old.state != new.state:
                    assert new.state in REPLICA_TRANSITIONS[old.state]

    def check(self) -> None:
        live = [w for w in self.works.values() if w.attempt and not is_terminal(w.attempt.state)]
        assert len(live) <= 1, "at most one live attempt"
        if live:
            assert live[0].attempt is not None
            assert live[0].attempt.number == self.job.attempt
            assert self.job.state in (JobState.STARTING, JobState.RUNNING)
            assert live[0].attempt.state.value == self.job.state.value
        else:
            assert self.job.state not in (JobState.STARTING, JobState.RUNNING)
        for work in self.works.values():
            assert work.attempt is not None
            if is_terminal(work.attempt.state):
                assert all(is_terminal(r.state) or r.stop_wanted for r in work.replicas), "nothing runs on by itself"
        assert self.job.retries <= self.job.spec.max_retries


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), STEPS)
def test_the_rules_hold_whatever_is_reported_in_whatever_order(replicas: int, retries: int, steps: list) -> None:
    history = History(a_job(replicas=replicas, retries=retries))
    now = 10.0
    for step in steps:
        now += 1
        current = history.works.get(history.job.attempt)
        current = Work(history.job, current.attempt, current.replicas) if current else Work(history.job, None, ())
        match step:
            case ("start",) if history.job.state is JobState.QUEUED:
                places = [(rank, NodeId(f"n{rank}"), ()) for rank in range(replicas)]
                outcome = start(history.job, places, planned_at=now, now=now)
                history.job = outcome.work.job
                history.works[outcome.work.job.attempt] = outcome.work
            case ("cancel",) if not is_terminal(history.job.state):
                history.take(current, cancel(current, actor="user:x", now=now))
            case ("expire",):
                history.take(current, expire(current, 1, now))
            case ("lose node", node):
                for number, work in list(history.works.items()):
                    for replica in work.replicas:
                        if replica.node_id == f"n{node}" and not is_terminal(replica.state):
                            latest = history.works[number]
                            before = Work(history.job, latest.attempt, latest.replicas)
                            history.take(before, report(before, lost_with_node(replica.key, "n"), now))
            case ("report", rank, state, reason, attempt):
                work = history.works.get(attempt)
                if work is not None:
                    before = Work(history.job, work.attempt, work.replicas)
                    saying = ReplicaReport(key=ReplicaKey(JOB, attempt, rank), state=state, reason=reason)
                    history.take(before, report(before, saying, now))
            case _:
                pass
        history.check()
