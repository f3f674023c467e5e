"""What must hold in every world: checked on random ones, against plain arithmetic."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lilac.scheduling import Policy, ReasonCode, explain, plan, satisfiable

from .builders import NOW
from .worlds import World, applied, check_nothing_is_overcommitted, emptied, fits, shapes, worlds

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(worlds())
def test_no_node_is_overcommitted_and_no_gpu_is_held_twice(world: World):
    check_nothing_is_overcommitted(applied(world, plan(world.snapshot(), NOW), NOW))


@quick
@given(worlds())
def test_nothing_new_goes_to_a_node_that_gets_no_work_or_to_a_sick_gpu(world: World):
    by_id = {each.id: each for each in world.nodes}
    for start in plan(world.snapshot(), NOW).starts:
        for placement in start.placements:
            machine = by_id[placement.node_id]
            assert machine.schedulable
            assert all(device.healthy for device in machine.gpus if device.uuid in placement.gpu_uuids)


@quick
@given(worlds())
def test_a_gang_starts_whole_within_its_range_and_in_one_cluster(world: World):
    by_id = {each.id: each for each in world.nodes}
    jobs = {each.id: each for each in world.waiting}
    queues = {each.id: each for each in world.queues}
    for start in plan(world.snapshot(), NOW).starts:
        wanted = jobs[start.job_id].shape
        assert wanted.size.min <= len(start.placements) <= wanted.size.max
        assert [placement.rank for placement in start.placements] == list(range(len(start.placements)))
        (cluster,) = {by_id[placement.node_id].cluster_id for placement in start.placements}
        assert cluster in queues[wanted.queue_id].cluster_targets
        assert not queues[wanted.queue_id].paused


@quick
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_told_changes_nothing(world: World, rng):
    def mixed(things):
        things = list(things)
        rng.shuffle(things)
        return tuple(things)

    other = World(mixed(world.nodes), mixed(world.queues), mixed(world.running), mixed(world.waiting))
    first, second = plan(world.snapshot(), NOW), plan(other.snapshot(), NOW)
    assert first == second
    assert repr(dict(first.blocked)) == repr(dict(second.blocked))


@quick
@given(worlds())
def test_a_plan_changes_nothing_in_its_snapshot(world: World):
    snapshot = world.snapshot()
    first = plan(snapshot, NOW)
    reasons = dict(first.blocked)
    second = plan(snapshot, NOW)
    assert second == first
    assert dict(second.blocked) == reasons
    assert dict(first.blocked) == reasons


@quick
@given(worlds())
def test_every_job_that_waits_has_a_reason_with_a_sentence(world: World):
    made = plan(world.snapshot(), NOW)
    starting = {start.job_id for start in made.starts}
    for each in world.waiting:
        reason = made.reason_for(each)
        if each.id in starting:
            assert reason is None
            continue
        assert reason is not None
        assert reason.message
        assert reason.code is not ReasonCode.READY
        if reason.code is ReasonCode.RESOURCES:
            assert reason.shortages or reason.holders
            assert all(shortage.missing > 0 for shortage in reason.shortages)


@quick
@given(worlds())
def test_a_job_waits_only_for_what_its_reason_says(world: World):
    """With nothing reserved nothing that fits waits; with reservations what fits is told so."""
    after = applied(world, made := plan(world.snapshot(), NOW), NOW)
    paused = {each.id for each in world.queues if each.paused}
    for each in after.waiting:
        reason = made.reason_for(each)
        assert reason is not None
        if each.shape.queue_id in paused:
            assert reason.code in (ReasonCode.QUEUE_PAUSED, ReasonCode.NEVER_FITS)
        elif fits(after, each.shape):
            assert reason.code is ReasonCode.RESERVED
        elif fits(emptied(world, healthy=False), each.shape):
            assert reason.code in (ReasonCode.RESOURCES, ReasonCode.GANG)
        elif fits(emptied(world, healthy=True), each.shape):
            assert reason.code is ReasonCode.UNAVAILABLE
        else:
            assert reason.code in (ReasonCode.NEVER_FITS, ReasonCode.NO_NODES)


@quick
@given(worlds(paused=False))
def test_without_reservations_nothing_that_fits_is_left_waiting(world: World):
    after = applied(world, plan(world.snapshot(), NOW, Policy(reservations=0)), NOW)
    assert not [each.id for each in after.waiting if fits(after, each.shape)]


@quick
@given(worlds(), shapes())
def test_what_is_satisfiable_starts_on_the_empty_and_healthy_nodes(world: World, wanted):
    reason = satisfiable(world.snapshot(), wanted)
    assert (reason is None) == fits(emptied(world, healthy=True), wanted)
    assert reason is None or reason.message


@settings(parent=quick, max_examples=100)
@given(worlds(paused=False))
def test_the_smallest_change_starts_the_job(world: World):
    made = plan(world.snapshot(), NOW)
    for each in world.waiting:
        reason = made.reason_for(each)
        if reason is None or reason.smallest_change is None:
            continue
        assert reason.smallest_change.text
        changed = replace(each, shape=reason.smallest_change.apply(each.shape))
        other = replace(world, waiting=tuple(changed if w.id == each.id else w for w in world.waiting))
        assert each.id in {start.job_id for start in plan(other.snapshot(), NOW).starts}


@settings(parent=quick, max_examples=120)
@given(worlds(paused=False))
def test_backfill_never_delays_the_first_reservation(world: World):
    """Every job runs to its limit: the first job that had to wait starts by the time it was told."""
    made = plan(world.snapshot(), NOW)
    told = [
        (shape, reason.expected_start)
        for shape, reason in made.blocked.items()
        if reason.code not in (ReasonCode.NEVER_FITS, ReasonCode.NO_NODES, ReasonCode.UNAVAILABLE)
    ][:1]
    assume(told and told[0][1] is not None)
    shape, due = told[0]
    waiting = [each for each in world.waiting if each.shape == shape and made.reason_for(each) is not None]
    first = min(waiting, key=lambda each: (-each.priority, each.seq))
    clock = NOW
    world = replace(world, running=tuple(replace(each, started_at=each.started_at or NOW) for each in world.running))
    for _ in range(100):
        made = plan(world.snapshot(), clock)
        world = applied(world, made, clock)
        if first.id in {start.job_id for start in made.starts}:
            assert clock <= due
            return
        ends = [end for each in world.running if (end := each.expected_end(clock)) is not None]
        clock = min(ends)
        world = replace(
            world,
            running=tuple(each for each in world.running if (end := each.expected_end(clock)) is None or end > clock),
        )
    raise AssertionError("it never started")


@settings(parent=quick, max_examples=60)
@given(worlds())
def test_every_waiting_job_can_be_explained(world: World):
    snapshot = world.snapshot()
    made = plan(snapshot, NOW)
    for each in world.waiting:
        told = explain(snapshot, NOW, each.id)
        reason = made.reason_for(each)
        assert told.reason.code is (ReasonCode.READY if reason is None else reason.code)
        assert (told.expected_start is None) != (told.unknown_because is None)
        assert 1 <= told.position <= len(world.waiting)
        assert told.jobs_ahead >= told.position - 1
