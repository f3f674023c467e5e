"""Growth from what is left over, shrinking before stopping, and preemption: only where the policy allows it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lilac.scheduling import HeldReplica, Policy, ReasonCode, plan

from .builders import NOW, job, node, queue, run, shape, started, world
from .worlds import World, applied, check_nothing_is_overcommitted, worlds

BOTH = Policy(growth=True, preemption=True)
QUEUES = [queue("high", 1), queue("q", 5)]


def urgent(gpus: int = 8, **more):
    return job("urgent1", shape(gpus, queue="high", **more))


def decided(nodes, waiting, running, policy=BOTH):
    made = plan(world(nodes, waiting, running, QUEUES), NOW, policy)
    return (
        {each.job_id: list(each.ranks) for each in made.shrinks},
        [each.job_id for each in made.preemptions],
        made,
    )


def cheap(name: str, place: tuple[str, range], since: float = 10, **more):
    return run(name, shape(len(place[1]), preemptible=True), place, since=since, **more)


def test_nobody_is_touched_unless_the_policy_says_so():
    busy = [cheap("r1", ("n1", range(8)))]
    shrinks, stopped, made = decided([node("n1", 8)], [urgent()], busy, Policy())
    assert (shrinks, stopped, made.grows) == ({}, [], ())


def test_a_job_of_lower_priority_is_stopped_and_its_place_is_kept():
    busy = [cheap("r1", ("n1", range(4)))]
    _, stopped, made = decided([node("n1", 8)], [urgent(), job("j2", shape(2, limit=1))], busy)
    assert stopped == ["r1"]
    assert started(made) == []
    reason = made.reason_for(urgent())
    assert (reason.code, reason.message, reason.expected_start) == (
        ReasonCode.MAKING_ROOM,
        "room is being made: 1 job of lower priority is stopped",
        NOW,
    )


def test_while_it_stops_nobody_else_is_stopped_for_the_same_job():
    busy = [replace(cheap("r1", ("n1", range(4))), stopping=True), cheap("r2", ("n2", range(8)))]
    _, stopped, made = decided([node("n1", 8), node("n2", 8)], [urgent()], busy)
    assert stopped == []
    assert made.reason_for(urgent()).expected_start == NOW


def test_the_youngest_goes_first_and_never_more_than_needed():
    busy = [
        cheap("old", ("n1", range(4)), since=900),
        cheap("young", ("n1", range(4, 8)), since=10),
        cheap("other", ("n2", range(2)), since=1),
    ]
    _, stopped, _ = decided([node("n1", 8), node("n2", 2)], [urgent(4)], busy)
    assert stopped == ["young"]


def test_the_lowest_priority_goes_first():
    busy = [cheap("r1", ("n1", range(4)), priority=0), cheap("r2", ("n1", range(4, 8)), since=1, priority=5)]
    _, stopped, _ = decided([node("n1", 8)], [urgent(4)], busy)
    assert stopped == ["r1"]


def test_a_job_that_may_not_be_stopped_is_not():
    _, stopped, _ = decided([node("n1", 8)], [urgent()], [run("r1", shape(8), ("n1", range(8)))])
    assert stopped == []


def test_nobody_is_stopped_for_a_job_of_the_same_priority():
    waiting = job("j2", shape(8))
    _, stopped, _ = decided([node("n1", 8)], [waiting], [cheap("r1", ("n1", range(8)))])
    assert stopped == []
    _, stopped, _ = decided([node("n1", 8)], [replace(waiting, priority=1)], [cheap("r1", ("n1", range(8)))])
    assert stopped == ["r1"]


def test_nobody_is_stopped_who_would_take_the_place_back_at_once():
    """Queues of the same number are served by name, whatever the priorities of their jobs."""
    queues = [queue("early", 5), queue("late", 5)]
    waits = job("j1", shape(8, queue="late"), priority=2)
    first = run("r1", shape(8, queue="early", preemptible=True), ("n1", range(8)), priority=1)
    made = plan(world([node("n1", 8)], [waits], [first], queues), NOW, BOTH)
    assert made.preemptions == ()
    later = job("j2", shape(8, queue="early"), priority=2)
    second = run("r2", shape(8, queue="late", preemptible=True), ("n1", range(8)), priority=1)
    made = plan(world([node("n1", 8)], [later], [second], queues), NOW, BOTH)
    assert [each.job_id for each in made.preemptions] == ["r2"]


def test_nobody_is_stopped_if_that_does_not_help():
    busy = [cheap("r1", ("n1", range(4))), run("r2", shape(4), ("n1", range(4, 8)))]
    _, stopped, _ = decided([node("n1", 8)], [urgent()], busy)
    assert stopped == []


def test_elastic_jobs_shrink_before_anybody_is_stopped_and_not_below_their_least():
    elastic = run("e1", shape(1, size=(2, 6)), *[("n1", [i]) for i in range(6)])
    busy = [elastic, cheap("r1", ("n1", range(6, 8)), since=1)]
    shrinks, stopped, _ = decided([node("n1", 8)], [urgent(3)], busy)
    assert (shrinks, stopped) == ({"e1": [3, 4, 5]}, [])
    shrinks, stopped, _ = decided([node("n1", 8)], [urgent(6)], busy)
    assert (shrinks, stopped) == ({"e1": [2, 3, 4, 5]}, ["r1"])


def test_a_gang_is_made_room_for_as_a_whole():
    busy = [cheap(f"r{i}", (f"n{i}", range(8)), since=i) for i in (1, 2, 3)]
    _, stopped, _ = decided([node(f"n{i}", 8) for i in (1, 2, 3)], [urgent(8, size=2)], busy)
    assert stopped == ["r1", "r2"]


def test_an_elastic_job_grows_into_what_is_left_over():
    elastic = run("e1", shape(1, size=(1, 4)), ("n1", [0]))
    made = plan(world([node("n1", 8)], [job("j1", shape(5))], [elastic], QUEUES), NOW, BOTH)
    assert started(made) == ["j1"]
    (grown,) = made.grows
    assert grown.job_id == "e1"
    assert [placement.rank for placement in grown.placements] == [1, 2]


def test_growth_takes_ranks_that_the_attempt_never_had_and_stays_in_its_cluster():
    elastic = run("e1", shape(1, size=(1, 4)), ("n1", [0]), ("n1", [1]))
    elastic = replace(elastic, replicas=elastic.replicas[1:])
    made = plan(world([node("n1", 2), node("n2", 8, cluster="d")], (), [elastic], QUEUES), NOW, BOTH)
    assert [(p.rank, p.node_id) for p in made.grows[0].placements] == [(2, "n1")]


def test_growth_goes_by_priority_and_keeps_off_what_is_reserved():
    low = run("e1", shape(1, size=(1, 8)), ("n1", [0]), seq=1)
    high = run("e2", shape(1, size=(1, 8), queue="high"), ("n1", [1]), seq=2)
    made = plan(world([node("n1", 8)], (), [low, high], QUEUES), NOW, BOTH)
    assert [grown.job_id for grown in made.grows] == ["e2"]
    held = plan(world([node("n1", 8)], [job("j1", shape(8))], [low], QUEUES), NOW, Policy(growth=True))
    assert held.grows == ()


@settings(max_examples=120, deadline=None)
@given(worlds(paused=False), st.integers(0, 255), st.integers(0, 2))
def test_those_who_give_way_are_of_lower_priority_and_the_job_then_starts(world: World, mask: int, urgency: int):
    running = tuple(
        replace(each, shape=replace(each.shape, preemptible=bool(mask >> i % 8 & 1)))
        for i, each in enumerate(world.running)
    )
    waiting = tuple(replace(each, priority=each.priority + urgency * (i % 2)) for i, each in enumerate(world.waiting))
    world = replace(world, running=running, waiting=waiting)
    made = plan(world.snapshot(), NOW, BOTH)
    by_id = {each.id: each for each in running}
    queues = {each.id: each for each in world.queues}
    grown = {each.job_id: each for each in made.grows}
    assert not grown.keys() & {each.job_id for each in (*made.shrinks, *made.preemptions)}
    check_nothing_is_overcommitted(
        replace(
            world,
            running=tuple(
                replace(
                    each,
                    replicas=(
                        *each.replicas,
                        *(HeldReplica(p.rank, p.node_id, p.gpu_uuids) for p in grown[each.id].placements),
                    ),
                )
                if each.id in grown
                else each
                for each in running
            ),
        )
    )
    for each in made.grows:
        assert len(by_id[each.job_id].replicas) + len(each.placements) <= by_id[each.job_id].shape.size.max
    if not made.shrinks and not made.preemptions:
        return
    (helped,) = [w for w in waiting if (r := made.reason_for(w)) is not None and r.code is ReasonCode.MAKING_ROOM]
    turn = (queues[helped.shape.queue_id].priority, -helped.priority)
    gone: dict[str, set[int]] = {}
    for each in made.preemptions:
        assert by_id[each.job_id].shape.preemptible
        gone[each.job_id] = {replica.rank for replica in by_id[each.job_id].replicas}
    for each in made.shrinks:
        assert each.job_id not in gone
        gone[each.job_id] = set(each.ranks)
        left = len(by_id[each.job_id].replicas) - len(each.ranks)
        assert left >= by_id[each.job_id].shape.size.min
    for name in gone:
        assert (queues[by_id[name].queue_id].priority, -by_id[name].priority) > turn

    after = applied(world, made, NOW)
    left = tuple(
        replace(each, replicas=kept)
        for each in after.running
        if not each.stopping and (kept := tuple(r for r in each.replicas if r.rank not in gone.get(each.id, set())))
    )
    assert helped.id in started(plan(replace(after, running=left).snapshot(), NOW))
