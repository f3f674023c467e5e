"""Preemption, shrinking, growth and losses of elastic jobs: the rules, on random lives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lilac.model.events import EventKind
from lilac.model.ids import JobId, NodeId, QueueId, ReplicaKey
from lilac.model.jobs import Job, JobKind, JobSpec, ReplicaReport, SizeRange
from lilac.model.lifecycle import Outcome, Work, cancel, lost_with_node, members, report, start
from lilac.model.resizing import evict, grow, preempt, shrink
from lilac.model.resources import ResourceRequest
from lilac.model.states import AttemptState, FailureReason, JobState, ReplicaState, is_terminal

NOW = 100.0
NODES = [NodeId(f"n{i}") for i in range(3)]


def running(least: int, most: int, size: int | None = None) -> Work:
    """An elastic job all of whose replicas run, spread over three nodes."""
    spec = JobSpec(
        name="train",
        queue_id=QueueId("q"),
        resources=ResourceRequest(1000, 1000),
        image="debian:12",
        kind=JobKind.ELASTIC,
        size=SizeRange(least, most),
    )
    job = Job(id=JobId("j"), seq=1, spec=spec, state=JobState.QUEUED, owner_id=None, submitted_at=NOW, updated_at=NOW)
    places = [(rank, NODES[rank % 3], ()) for rank in range(size or most)]
    work = start(job, places, planned_at=NOW, now=NOW).work
    for replica in work.replicas:
        work = told(work, replica.key.rank, ReplicaState.RUNNING)
    return work


def told(work: Work, rank: int, state: ReplicaState, reason: FailureReason | None = None) -> Work:
    key = ReplicaKey(work.job.id, work.attempt.number, rank)
    outcome = report(work, ReplicaReport(key=key, state=state, reason=reason), NOW)
    return work if outcome is None else outcome.work


def test_a_preempted_job_waits_again_with_its_turn_and_its_retries():
    before = running(1, 1)
    outcome = preempt(before, for_job=JobId("boss"), for_name="boss", now=NOW)
    job = outcome.work.job
    assert (job.state, job.seq, job.retries, job.submitted_at) == (JobState.QUEUED, 1, 0, NOW)
    assert outcome.work.attempt.state is AttemptState.PREEMPTED
    assert [r.stop_wanted for r in outcome.work.replicas] == [True]
    (event,) = outcome.events
    assert (event.kind, event.data["by"]) == (EventKind.JOB_PREEMPTED, "boss")
    assert preempt(outcome.work, for_job=JobId("boss"), for_name="boss", now=NOW) is None


def test_a_shrunk_replica_ends_without_the_attempt():
    outcome = shrink(running(1, 3), [2], now=NOW)
    assert (outcome.work.attempt.size, outcome.events[0].data["left"]) == (2, [2])
    for end in (ReplicaState.STOPPED, ReplicaState.FAILED, ReplicaState.LOST, ReplicaState.SUCCEEDED):
        after = told(outcome.work, 2, end)
        assert after.job.state is JobState.RUNNING
        done = told(told(after, 0, ReplicaState.SUCCEEDED), 1, ReplicaState.SUCCEEDED)
        assert done.job.state is JobState.SUCCEEDED


def test_a_job_is_not_shrunk_below_its_least_size():
    assert shrink(running(2, 3), [1, 2], now=NOW) is None


def test_a_lost_node_costs_an_elastic_job_only_its_replicas_there():
    work = running(2, 3)
    outcome = report(work, lost_with_node(work.replicas[1].key, "n1"), NOW)
    assert outcome.work.job.state is JobState.RUNNING
    assert outcome.work.attempt.size == 2
    assert outcome.events[0].kind is EventKind.JOB_RESIZED
    after = report(outcome.work, lost_with_node(work.replicas[2].key, "n2"), NOW).work
    assert (after.job.state, after.job.retries) == (JobState.QUEUED, 1)


def test_a_program_that_fails_ends_an_elastic_job_like_any_other():
    work = told(running(1, 3), 1, ReplicaState.FAILED, FailureReason.ERROR)
    assert work.job.state is JobState.FAILED


def test_growth_takes_new_ranks_within_the_largest_size():
    work = running(1, 3, size=1)
    outcome = grow(work, [(1, NODES[1], ()), (2, NODES[2], ())], now=NOW)
    assert (outcome.work.attempt.size, len(outcome.work.replicas)) == (3, 3)
    assert outcome.work.job.state is JobState.RUNNING
    assert grow(work, [(0, NODES[1], ())], now=NOW) is None
    assert grow(work, [(rank, NODES[1], ()) for rank in range(1, 4)], now=NOW) is None


def test_a_drained_node_sends_small_jobs_back_and_large_ones_on():
    assert evict(running(1, 3), NODES[0], "n0", now=NOW).work.job.state is JobState.RUNNING
    outcome = evict(running(3, 3), NODES[0], "n0", now=NOW)
    assert (outcome.work.job.state, outcome.work.job.retries) == (JobState.QUEUED, 0)
    assert outcome.work.job.reason is FailureReason.DRAINED
    assert evict(running(1, 1), NODES[2], "n2", now=NOW) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["shrink", "grow", "lose", "stop", "fail", "succeed", "evict", "preempt"]), st.integers(0, 9)
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 3), st.integers(0, 3), STEPS)
def test_an_elastic_job_is_never_below_its_least_nor_above_its_largest_size(least, more, steps):
    work = running(least, least + more)
    for what, number in steps:
        before, outcome = work, apply(work, what, number)
        work = before if outcome is None else outcome.work
        assert is_terminal(before.job.state) <= (work.job.state is before.job.state)
        if work.current and work.job.state is JobState.RUNNING:
            live = members(work)
            assert least <= len(live) <= least + more
            assert work.attempt.size == len(live)
        elif work.attempt is not None:
            assert all(r.stop_wanted or is_terminal(r.state) for r in work.replicas)
        assert len({r.key.rank for r in work.replicas}) == len(work.replicas)


def apply(work: Work, what: str, number: int) -> Outcome | None:
    ranks = [r.key.rank for r in work.replicas]
    rank = ranks[number % len(ranks)]
    key = ReplicaKey(work.job.id, work.attempt.number, rank)
    match what:
        case "shrink":
            return shrink(work, ranks[number % len(ranks) :], now=NOW)
        case "grow":
            return grow(work, [(max(ranks) + 1 + i, NODES[0], ()) for i in range(1 + number % 2)], now=NOW)
        case "lose":
            return report(work, lost_with_node(key, "n"), NOW)
        case "stop":
            return report(work, ReplicaReport(key=key, state=ReplicaState.STOPPED), NOW)
        case "fail":
            return report(work, ReplicaReport(key=key, state=ReplicaState.FAILED, reason=FailureReason.ERROR), NOW)
        case "succeed":
            return report(work, ReplicaReport(key=key, state=ReplicaState.SUCCEEDED), NOW)
        case "evict":
            return evict(work, NODES[number % 3], "n", now=NOW)
        case _ if number == 9:
            return preempt(work, for_job=JobId("b"), for_name="b", now=NOW)
    return cancel(work, actor="user:ada", now=NOW) if number == 8 and not is_terminal(work.job.state) else None
