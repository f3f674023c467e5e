"""Reservations, and who may run ahead of them."""

from __future__ import annotations

from lilac.scheduling import Policy, ReasonCode, plan

from .builders import NOW, job, node, places, queue, run, shape, started, world

BIG = job("big1", shape(8))


def half_busy(limit=3600, since=600):
    """Two nodes of 8; half of the first is busy for another 50 minutes, half of the second for ever."""
    return [node("n1", 8), node("n2", 8)], [
        run("r1", shape(4, limit=limit), ("n1", range(4)), since=since),
        run("r2", shape(4), ("n2", range(4))),
    ]


def test_a_job_that_cannot_start_is_told_when_it_will():
    nodes, busy = half_busy()
    reason = plan(world(nodes, [BIG], busy), NOW).reason_for(BIG)
    assert reason.code is ReasonCode.RESOURCES
    assert reason.expected_start == NOW + 3000


def test_a_shorter_job_runs_ahead_on_the_reserved_node():
    nodes, busy = half_busy()
    busy.append(run("r3", shape(4), ("n2", range(4, 8))))
    short, long, endless = job("j2", shape(2, limit=3000)), job("j3", shape(2, limit=3001)), job("j4", shape(2))
    made = plan(world(nodes, [BIG, short, long, endless], busy), NOW)
    assert places(made) == {"j2": ["n1"]}
    assert made.reason_for(long).code is ReasonCode.RESERVED
    assert made.reason_for(long).reserved_by == "big1"
    assert "--time-limit 3000" in made.reason_for(endless).smallest_change.text


def test_an_endless_job_runs_ahead_where_it_does_not_touch_what_is_reserved():
    nodes, busy = half_busy()
    assert places(plan(world(nodes, [BIG, job("j2", shape(4))], busy), NOW)) == {"j2": ["n2"]}


def test_an_endless_job_may_take_what_is_left_over_on_the_reserved_node():
    nodes, busy = half_busy()
    six = job("big1", shape(6))
    made = plan(world(nodes[:1], [six, job("j2", shape(2)), job("j3", shape(1))], busy[:1]), NOW)
    assert started(made) == ["j2"]


def test_cpu_and_memory_are_reserved_too():
    nodes = [node("n1", cpu=8, memory=8)]
    busy = [run("r1", shape(cpu=6, memory=1, limit=100), "n1")]
    waiting = [job("j1", shape(cpu=7, memory=6)), job("j2", shape(cpu=1, memory=3)), job("j3", shape(cpu=1, memory=1))]
    assert started(plan(world(nodes, waiting, busy), NOW)) == ["j3"]


def test_what_a_short_job_takes_is_there_again_for_the_reserved_one():
    nodes, busy = half_busy()
    waiting = [BIG, job("j2", shape(2, limit=60)), job("j3", shape(2, limit=60)), job("j4", shape(1, limit=60))]
    assert started(plan(world(nodes[:1], waiting, busy[:1]), NOW)) == ["j2", "j3"]


def test_without_a_known_end_the_nearest_node_is_kept():
    nodes = [node("n1", 8), node("n2", 8)]
    busy = [run("r1", shape(6), ("n1", range(6))), run("r2", shape(2), ("n2", range(2)))]
    waiting = [BIG, job("j2", shape(3, limit=60)), job("j3", shape(2))]
    made = plan(world(nodes, waiting, busy), NOW)
    assert places(made) == {"j3": ["n1"]}
    assert made.reason_for(BIG).best_node == "n2"
    assert made.reason_for(BIG).expected_start is None
    assert made.reason_for(waiting[1]).code is ReasonCode.RESERVED


def test_a_job_that_can_never_fit_reserves_nothing():
    made = plan(world([node("n1", 8)], [job("j1", shape(9)), job("j2", shape(8))]), NOW)
    assert started(made) == ["j2"]


def test_a_job_of_a_paused_queue_reserves_nothing():
    queues = [queue("q", 1, paused=True), queue("other", 2)]
    nodes, busy = half_busy()
    made = plan(world(nodes[:1], [BIG, job("j2", shape(4, queue="other"))], busy[:1], queues), NOW)
    assert started(made) == ["j2"]


def test_a_stopping_job_is_waited_for():
    nodes = [node("n1", 8)]
    busy = [run("r1", shape(4), ("n1", range(4)), stopping=True)]
    small = job("j2", shape(1, limit=1))
    made = plan(world(nodes, [BIG, small], busy), NOW)
    assert started(made) == []
    assert made.reason_for(BIG).expected_start == NOW


def test_a_job_past_its_limit_is_expected_to_end_at_once():
    nodes, busy = half_busy(limit=100, since=600)
    assert plan(world(nodes, [BIG], busy), NOW).reason_for(BIG).expected_start == NOW


def test_a_job_not_yet_started_has_its_whole_limit_before_it():
    nodes, busy = half_busy(since=None)
    assert plan(world(nodes, [BIG], busy), NOW).reason_for(BIG).expected_start == NOW + 3600


def test_jobs_started_in_the_same_pass_count_with_their_limits():
    big = job("j2", shape(8))
    made = plan(world([node("n1", 8)], [job("j1", shape(4, limit=500)), big]), NOW)
    assert started(made) == ["j1"]
    assert made.reason_for(big).expected_start == NOW + 500


def test_a_gang_reserves_several_nodes():
    nodes = [node(f"n{i}", 8) for i in (1, 2, 3)]
    busy = [
        run("r1", shape(8, limit=100), ("n1", range(8))),
        run("r2", shape(8, limit=200), ("n2", range(8))),
        run("r3", shape(8), ("n3", range(8))),
    ]
    gang = job("j1", shape(8, size=2))
    assert plan(world(nodes, [gang], busy), NOW).reason_for(gang).expected_start == NOW + 200
    freed = plan(world(nodes, [gang, job("j2", shape(1)), job("j3", shape(1, limit=200))], busy[1:]), NOW)
    assert started(freed) == ["j3"]


def test_jobs_that_ask_for_other_kinds_of_place_reserve_besides():
    nodes = [node("n1", "8 H100"), node("n2", "8 A100")]
    busy = [run("r1", shape(4), ("n1", range(4))), run("r2", shape(4), ("n2", range(4)))]
    waiting = [
        job("j1", shape(8, model="H100")),
        job("j2", shape(8, model="A100")),
        job("j3", shape(1, model="H100")),
        job("j4", shape(1, model="A100")),
    ]
    made = plan(world(nodes, waiting, busy), NOW)
    assert started(made) == []
    assert [made.reason_for(each).code for each in waiting[2:]] == [ReasonCode.RESERVED] * 2


def test_rivals_for_the_same_kind_of_place_reserve_only_as_deep_as_the_policy_says():
    nodes = [node("n1", 8), node("n2", 8)]
    busy = [run("r1", shape(4), ("n1", range(4))), run("r2", shape(4), ("n2", range(4)))]
    waiting = [job("j1", shape(8)), job("j2", shape(7)), job("j3", shape(1))]
    assert started(plan(world(nodes, waiting, busy), NOW)) == ["j3"]
    assert started(plan(world(nodes, waiting, busy), NOW, Policy(reservations=2))) == []


def test_a_small_job_of_a_queue_that_goes_first_is_not_held_back():
    nodes, busy = half_busy()
    queues = [queue("first", 1), queue("q", 2)]
    made = plan(world(nodes[:1], [BIG, job("j2", shape(4, queue="first"))], busy[:1], queues), NOW)
    assert started(made) == ["j2"]


def test_a_big_job_does_not_starve_behind_a_stream_of_small_ones():
    """Small jobs without limits keep coming; each that ends is followed by another. The big one still starts."""
    nodes = [node("n1", 4), node("n2", 4)]
    running = {f"r{i}": run(f"r{i}", shape(1), (f"n{1 + i // 4}", [i % 4]), seq=i) for i in range(8)}
    big, fresh = job("big0", shape(4)), 100
    for _ in range(40):
        ended = running.pop(min(running, key=lambda name: (running[name].seq * 5 % 8, running[name].seq)))
        fresh += 1
        made = plan(world(nodes, [big, job(f"s{fresh}", shape(1))], list(running.values())), NOW)
        if "big0" in started(made):
            return
        for start in made.starts:
            (placement,) = start.placements
            place = (placement.node_id, [int(uuid.rsplit("-", 1)[1]) for uuid in placement.gpu_uuids])
            running[start.job_id] = run(start.job_id, shape(1), place, seq=fresh)
        assert ended.id not in running
    raise AssertionError("the big job never started")
