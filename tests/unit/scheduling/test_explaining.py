"""Where one waiting job stands, and when it starts."""

from __future__ import annotations

import pytest

from lilac.scheduling import ReasonCode, explain

from .builders import NOW, job, node, queue, run, shape, world


def full(limit: int | None = 100, *, gpus: int = 4):
    return [node("n1", gpus)], [run("r1", shape(gpus, limit=limit), ("n1", range(gpus)))]


def test_the_start_is_foretold_through_the_jobs_ahead():
    nodes, busy = full()
    waiting = [job("j1", shape(4, limit=200)), job("j2", shape(4, limit=300)), job("j3", shape(4))]
    told = explain(world(nodes, waiting, busy), NOW, waiting[2].id)
    assert (told.position, told.jobs_ahead) == (3, 2)
    assert told.expected_start == pytest.approx(NOW + 600, rel=0, abs=12)
    assert told.expected_start >= NOW + 600
    assert told.reason.expected_start == told.expected_start
    assert told.unknown_because is None


def test_a_job_that_starts_now_is_ready():
    told = explain(world([node("n1")], [job("j1", shape())]), NOW, "j1")
    assert (told.reason.code, told.expected_start) == (ReasonCode.READY, NOW)


def test_a_holder_without_a_limit_is_named_as_the_cause():
    nodes, busy = full(None)
    told = explain(world(nodes, [job("j1", shape(1))], busy), NOW, "j1")
    assert told.expected_start is None
    assert told.unknown_because == "job r1 holds what it needs on n1 and has no time limit"


def test_a_job_ahead_without_a_limit_is_named_as_the_cause():
    nodes, busy = full()
    told = explain(world(nodes, [job("j1", shape(4)), job("j2", shape(4))], busy), NOW, "j2")
    assert told.unknown_because == "job j1 holds what it needs on n1 and has no time limit"


def test_a_reserved_place_with_unknown_start_is_named_as_the_cause():
    nodes = [node("n1", 4)]
    busy = [run("r1", shape(2), ("n1", range(2)))]
    told = explain(world(nodes, [job("j1", shape(4)), job("j2", shape(2))], busy), NOW, "j2")
    assert told.reason.code is ReasonCode.RESERVED
    assert told.unknown_because == "job j1 before it in line has reserved the place, and its start is not known"


def test_time_alone_does_not_help_a_job_that_never_fits():
    told = explain(world([node("n1")], [job("j1", shape(1))]), NOW, "j1")
    assert told.expected_start is None
    assert told.unknown_because == told.reason.message


def test_jobs_of_queues_that_go_first_count_as_ahead_if_they_share_a_cluster():
    queues = [queue("first", 1), queue("far", 2, "d"), queue("shut", 3, paused=True), queue("q", 4), queue("last", 5)]
    nodes, busy = full()
    waiting = [job(f"{name}{i}", shape(4, queue=name)) for i, name in enumerate(["first", "far", "shut", "q", "last"])]
    told = explain(world(nodes, waiting, busy, queues), NOW, "q3")
    assert (told.position, told.jobs_ahead) == (1, 1)


def test_a_running_job_not_yet_started_ends_in_time_all_the_same():
    nodes, _ = full()
    busy = [run("r1", shape(4, limit=50), ("n1", range(4)), since=None)]
    told = explain(world(nodes, [job("j1", shape(4, limit=9)), job("j2", shape(4))], busy), NOW, "j2")
    assert told.expected_start == pytest.approx(NOW + 59, abs=2)


def test_the_look_ahead_is_bounded():
    nodes, busy = full()
    waiting = [job(f"j{i}", shape(4, limit=1000 * i)) for i in range(1, 20)]
    told = explain(world(nodes, waiting, busy), NOW, "j19", most_steps=5)
    assert told.expected_start is None
    assert "5 steps" in told.unknown_because


def test_each_node_of_the_clusters_is_told_with_what_it_lacks():
    nodes = [
        node("busy", 4),
        node("gone", 4, schedulable=False),
        node("small", 1),
        node("bare", 4, cpu=0.5),
        node("far", 8, cluster="d"),
    ]
    busy = [run("r1", shape(3, limit=10), ("busy", range(3)))]
    told = explain(world(nodes, [job("j1", shape(2))], busy), NOW, "j1")
    assert [(fit.name, fit.fits, fit.unsuitable) for fit in told.nodes] == [
        ("busy", 0, None),
        ("bare", 0, "has only 0.5 CPUs"),
        ("gone", 0, "gets no new work now (lost or draining)"),
        ("small", 0, "has only 1 of 2 × GPU"),
    ]
    (short,) = told.nodes[0].shortages
    assert (short.needed, short.free) == (2, 1)


def test_a_job_that_does_not_wait_cannot_be_explained():
    with pytest.raises(KeyError):
        explain(world([node("n1")]), NOW, "j1")
