"""New attempts by the class of the failure, each class with a budget of its own."""

from __future__ import annotations

import pytest

from lilac.model.events import EventKind
from lilac.model.ids import JobId, NodeId, QueueId, ReplicaKey
from lilac.model.jobs import Job, JobSpec, ReplicaReport
from lilac.model.lifecycle import Outcome, Work, release, report, start
from lilac.model.resources import ResourceRequest
from lilac.model.retrying import LONGEST_PAUSE_S, NOT_SAID, RetryBudget, RetryClass, pause_s
from lilac.model.states import RETRIED, FailureReason, Hold, JobState, ReplicaState

JOB = JobId("00000000-0000-4000-8000-000000000001")


def a_job(retries: RetryBudget = NOT_SAID, max_retries: int = 1) -> Job:
    spec = JobSpec(
        name="j",
        queue_id=QueueId("q"),
        resources=ResourceRequest(1000, 100),
        image="busybox",
        retries=retries,
        max_retries=max_retries,
    )
    return Job(id=JOB, seq=1, spec=spec, state=JobState.QUEUED, owner_id=None, submitted_at=1.0, updated_at=1.0)


def fail(job: Job, reason: FailureReason, now: float = 100.0) -> Outcome:
    """Start the job and let its replica fail so."""
    work = start(job, [(0, NodeId("n"), ())], planned_at=now, now=now).work
    state = ReplicaState.LOST if reason is FailureReason.NODE_LOST else ReplicaState.FAILED
    outcome = report(work, ReplicaReport(key=ReplicaKey(JOB, work.job.attempt, 0), state=state, reason=reason), now)
    assert outcome is not None
    return outcome


def test_each_class_has_its_own_budget() -> None:
    job = a_job(RetryBudget(image=1, error=2))
    for reason in (FailureReason.IMAGE, FailureReason.ERROR, FailureReason.NODE_LOST, FailureReason.START):
        job = fail(job, reason).work.job
        assert job.state is JobState.QUEUED
    assert dict(job.retry_counts) == {"image": 1, "error": 2, "node_lost": 1}
    assert job.retries == 4
    for reason in (FailureReason.IMAGE, FailureReason.ERROR, FailureReason.NODE_LOST, FailureReason.OUT_OF_MEMORY):
        assert fail(job, reason).work.job.state is JobState.FAILED


def test_without_a_word_only_failures_of_the_platform_are_tried_again() -> None:
    for reason in FailureReason:
        again = fail(a_job(), reason).work.job.state is JobState.QUEUED
        assert again is (reason in RETRIED)


def test_retries_node_lost_overrules_max_retries() -> None:
    assert fail(a_job(RetryBudget(node_lost=0), 3), FailureReason.NODE_LOST).work.job.state is JobState.FAILED
    assert fail(a_job(RetryBudget(node_lost=1), 0), FailureReason.NODE_LOST).work.job.state is JobState.QUEUED


@pytest.mark.parametrize("reason", [FailureReason.IMAGE, FailureReason.ERROR, FailureReason.OUT_OF_MEMORY])
def test_failures_of_the_job_itself_are_tried_again_after_a_pause_that_doubles(reason: FailureReason) -> None:
    job = a_job(RetryBudget(image=9, error=9, out_of_memory=9))
    for expected in (10.0, 20.0, 40.0):
        outcome = fail(job, reason)
        job = outcome.work.job
        assert (job.held, job.not_before) == (Hold.PAUSE, 100.0 + expected)
        job = release(Work(job, None, ()), 200.0).work.job
        assert (job.held, job.not_before) == (None, None)
    assert pause_s(RetryClass.IMAGE, 1000) == LONGEST_PAUSE_S
    assert fail(a_job(), FailureReason.NODE_LOST).work.job.held is None


def test_the_event_tells_the_class_and_what_is_left() -> None:
    (event,) = fail(a_job(RetryBudget(image=3)), FailureReason.IMAGE).events
    assert event.kind is EventKind.JOB_REQUEUED
    assert (event.data["class"], event.data["retries_left"], event.data["not_before"]) == ("image", 2, 110.0)


def test_a_count_from_before_there_were_classes_is_of_lost_nodes() -> None:
    job = a_job(max_retries=3).evolve(retries=3)
    assert fail(job, FailureReason.NODE_LOST).work.job.state is JobState.FAILED
    assert "No retries left (3 allowed)" in str(fail(job, FailureReason.NODE_LOST).work.job.message)
