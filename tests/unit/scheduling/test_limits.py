"""Limits of queues and users, fair order and ageing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lilac.model.limits import Limits, QueueOrder
from lilac.scheduling import Policy, ReasonCode, plan, satisfiable
from lilac.scheduling.limiting import Usage

from .builders import NOW, job, node, queue, run, shape, started, world
from .worlds import World, applied, fits, worlds

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NODES = [node("n1", 8)]


def test_a_user_at_a_limit_waits_and_others_go_on():
    queues = [queue(user_limits=Limits(gpus=4))]
    waiting = [*(job(f"a{i}", shape(2), owner="ada") for i in range(4)), job("b9", shape(2), owner="bob")]
    made = plan(world(NODES, waiting, (), queues), NOW)
    assert started(made) == ["a0", "a1", "b9"]
    reason = made.reason_for(waiting[3])
    assert reason.code is ReasonCode.LIMIT
    assert reason.limited_user == "ada"
    assert reason.message == "user ada has 4 of at most 4 GPUs in queue q, and it needs 2 GPUs"


def test_a_reason_says_when_enough_of_what_the_user_has_ends():
    queues = [queue(user_limits=Limits(running_jobs=1))]
    busy = [run("r1", shape(limit=600), "n1", since=0, owner="ada")]
    reason = plan(world(NODES, [waits := job("a1", shape(), owner="ada")], busy, queues), NOW).reason_for(waits)
    assert reason.message == "user ada has 1 of at most 1 running job in queue q; enough of it ends in 10 min"
    assert reason.expected_start == NOW + 600


def test_a_queue_s_own_limit_counts_all_its_users_and_no_other_queue():
    queues = [queue(limits=Limits(running_jobs=2)), queue("p", 20)]
    waiting = [job(f"a{i}", shape(), owner=f"u{i}") for i in range(3)] + [job("p9", shape(queue="p"))]
    made = plan(world(NODES, waiting, (), queues), NOW)
    assert started(made) == ["a0", "a1", "p9"]
    assert made.reason_for(waiting[2]).message == "queue q has 2 of at most 2 running jobs"


def test_a_large_job_at_a_limit_is_not_starved_by_small_ones():
    queues = [queue(limits=Limits(gpus=4))]
    busy = [run("r1", shape(2, limit=600), ("n1", [0, 1]), owner="ada")]
    large, long, brief = (
        job("a1", shape(4)),
        job("a2", shape(1)),
        job("a3", shape(1, limit=600)),
    )
    made = plan(world(NODES, [large, long, brief], busy, queues), NOW)
    assert started(made) == ["a3"]
    assert made.reason_for(large).expected_start == NOW + 600
    assert made.reason_for(long).reserved_by == "a1"


def test_a_request_above_the_limit_is_told_so_and_holds_nobody_back():
    queues = [queue(limits=Limits(gpus=4))]
    large, small = job("a1", shape(8)), job("a2", shape(4))
    snapshot = world(NODES, [large, small], (), queues)
    made = plan(snapshot, NOW)
    assert started(made) == ["a2"]
    assert made.reason_for(large).message == "needs 8 GPUs, but queue q may have at most 4 GPUs at once"
    assert satisfiable(snapshot, large.shape).code is ReasonCode.LIMIT
    assert satisfiable(snapshot, small.shape) is None


def test_an_elastic_job_starts_and_grows_no_larger_than_its_user_s_limit():
    queues = [queue(user_limits=Limits(gpus=3))]
    made = plan(world(NODES, [job("e1", shape(1, size=(1, 8)), owner="ada")], (), queues), NOW)
    assert len(made.starts[0].placements) == 3
    busy = [run("e1", shape(1, size=(1, 8)), ("n1", [0]), owner="ada")]
    (grown,) = plan(world(NODES, [], busy, queues), NOW, Policy(growth=True)).grows
    assert len(grown.placements) == 2


def test_the_smallest_change_keeps_the_limit():
    queues = [queue(user_limits=Limits(gpus=4))]
    busy = [run("r1", shape(2), ("n1", [0, 1]), owner="ada")]
    reason = plan(world(NODES, [waits := job("a1", shape(4), owner="ada")], busy, queues), NOW).reason_for(waits)
    assert reason.smallest_change.text == "--gpu-count 2"


def test_in_a_fair_queue_users_take_turns_by_what_they_use():
    waiting = [job(f"a{i}", shape(1), owner="ada") for i in range(6)]
    waiting += [job(f"b{i}", shape(1), seq=10 + i, owner="bob") for i in range(6)]
    assert Counter(name[0] for name in started(plan(world(NODES, waiting), NOW))) == {"a": 6, "b": 2}
    fair = [queue(order=QueueOrder.FAIR)]
    assert started(plan(world(NODES, waiting, (), fair), NOW)) == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]
    busy = [run("r1", shape(4), ("n1", range(4)), owner="ada")]
    assert started(plan(world(NODES, waiting, busy, fair), NOW)) == ["b0", "b1", "b2", "b3"]


def test_priority_goes_before_fairness():
    waiting = [job("a1", shape(8), owner="ada"), job("b2", shape(8), owner="bob", priority=1)]
    busy = [run("r1", shape(0, cpu=2), "n1", owner="bob")]
    assert started(plan(world(NODES, waiting, busy, [queue(order=QueueOrder.FAIR)]), NOW)) == ["b2"]


@pytest.mark.parametrize(("waited", "first"), [(1099, "b1"), (1100, "a1")])
def test_each_time_of_ageing_counts_as_one_priority_number(waited, first):
    queues = [queue("busy", 10), queue("q", 20, ageing_s=100)]
    waiting = [job("b1", shape(8, queue="busy")), job("a1", shape(8), at=NOW - waited)]
    assert started(plan(world(NODES, waiting, (), queues), NOW)) == [first]


def test_with_ageing_a_busy_queue_cannot_starve_another():
    """One 8-GPU job ends every minute, and the busy queue always has two more."""
    for ageing_s, most in ((None, None), (60, 12)):
        queues = [queue("busy", 10), queue("q", 20, ageing_s=ageing_s)]
        poor, clock = job("poor", shape(8), seq=0), NOW
        waiting = [poor]
        for step in range(30):
            waiting += [job(f"b{step}-{i}", shape(8, queue="busy"), seq=1 + 2 * step + i, at=clock) for i in (0, 1)]
            made = plan(world(NODES, waiting, (), queues), clock)
            waiting = [each for each in waiting if each.id not in started(made)]
            if poor not in waiting:
                break
            clock += 60
        assert (poor not in waiting) is (ageing_s is not None)
        assert most is None or step <= most


LIMITS = st.builds(
    Limits,
    running_jobs=st.sampled_from([None, None, 1, 3]),
    gpus=st.sampled_from([None, None, 0, 2, 3]),
    cpu_millicores=st.sampled_from([None, None, 4000]),
    memory_mb=st.sampled_from([None, None, 5 * 1024]),
)


@st.composite
def shared_worlds(draw: st.DrawFn) -> World:
    """Worlds in which jobs have owners and queues have limits."""
    found = draw(worlds(paused=False))
    owner = st.sampled_from(["ada", "bob", None])
    return replace(
        found,
        queues=tuple(
            replace(
                each,
                limits=draw(LIMITS),
                user_limits=draw(LIMITS),
                order=draw(st.sampled_from(QueueOrder)),
                ageing_s=draw(st.sampled_from([None, 10])),
            )
            for each in found.queues
        ),
        running=tuple(replace(each, owner_id=draw(owner)) for each in found.running),
        waiting=tuple(
            replace(each, owner_id=draw(owner), submitted_at=NOW - draw(st.integers(0, 200))) for each in found.waiting
        ),
    )


def over(world_: World) -> set[tuple[str, str | None, str]]:
    """Which limits are exceeded, by whom, counted anew."""
    usage, found = Usage.of(world_.running), set()
    for each in world_.queues:
        owners = {running.owner_id for running in world_.running if running.queue_id == each.id}
        for limits, owner, held in [
            (each.limits, "(all)", usage.of_queue(each.id)),
            *((each.user_limits, owner, usage.of_user(each.id, owner)) for owner in owners),
        ]:
            for index, (most, now) in enumerate(zip(limits, held, strict=True)):
                if most is not None and now > most:
                    found.add((each.id, owner, index))
    return found


@quick
@given(shared_worlds(), st.booleans())
def test_no_plan_exceeds_a_limit(world_: World, preemption: bool):
    made = plan(world_.snapshot(), NOW, Policy(preemption=preemption))
    grown = applied(world_, made, NOW)
    before = over(world_)
    for queue_id, owner, index in over(grown) - before:
        raise AssertionError(f"{owner} in {queue_id} exceeds limit {index}")
    for each in made.starts:  # where a limit was exceeded already, nothing that counts in it may start
        waits = next(w for w in world_.waiting if w.id == each.job_id)
        for queue_id, owner, index in before:
            counted = owner in ("(all)", waits.owner_id) and queue_id == waits.shape.queue_id
            need = (1, *(len(each.placements) * n for n in amounts(waits)))[index]
            assert not (counted and need)


def amounts(waits):
    need = waits.shape.resources
    return need.gpu_count, need.cpu_millicores, need.memory_mb


@quick
@given(shared_worlds())
def test_nothing_that_fits_and_keeps_the_limits_waits_without_a_turn_being_kept(world_: World):
    made = plan(world_.snapshot(), NOW, Policy(reservations=0))
    after = applied(world_, made, NOW)
    for each in after.waiting:
        if not fits(after, each.shape):
            continue
        reason = made.reason_for(each)
        assert reason.code is ReasonCode.LIMIT
        if reason.reserved_by is not None:
            continue
        smallest = replace(each.shape, size=replace(each.shape.size, max=each.shape.size.min))
        alone = replace(each, shape=smallest)
        trial = plan(replace(after, waiting=(alone,)).snapshot(), NOW, Policy(reservations=0))
        assert started(trial) == []


@quick
@given(shared_worlds(), st.randoms(use_true_random=False))
def test_with_limits_the_order_in_which_things_are_told_changes_nothing(world_: World, rng):
    def mixed(things):
        things = list(things)
        rng.shuffle(things)
        return tuple(things)

    other = World(mixed(world_.nodes), mixed(world_.queues), mixed(world_.running), mixed(world_.waiting))
    first, second = plan(world_.snapshot(), NOW), plan(other.snapshot(), NOW)
    assert first == second
    assert [first.reason_for(each) for each in world_.waiting] == [second.reason_for(each) for each in world_.waiting]
