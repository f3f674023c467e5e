"""Jobs of several replicas: whole or not at all, in one cluster, on few nodes."""

from __future__ import annotations

from collections import Counter

from lilac.scheduling import ReasonCode, plan

from .builders import NOW, job, node, places, queue, run, shape, world


def test_a_gang_starts_whole_or_not_at_all():
    nodes = [node("n1", 8), node("n2", 8)]
    waiting = [job("j1", shape(8, size=3)), job("j2", shape(8, size=2))]
    assert places(plan(world(nodes, [waiting[1]]), NOW)) == {"j2": ["n1", "n2"]}
    assert places(plan(world(nodes, [waiting[0]]), NOW)) == {}


def test_a_gang_that_does_not_fit_takes_nothing():
    nodes = [node("n1", 8), node("n2", 8), node("n3", 8)]
    busy = [run("r1", shape(8, limit=3600), ("n3", range(8)))]
    waiting = [job("j1", shape(8, size=3)), job("j2", shape(8, limit=60))]
    assert places(plan(world(nodes, waiting, busy), NOW)) == {"j2": ["n1"]}


def test_a_gang_goes_onto_one_node_where_it_fits():
    nodes = [node("n1", 8), node("n2", 4), node("n3", 8)]
    assert places(plan(world(nodes, [job("j1", shape(1, size=4))]), NOW)) == {"j1": ["n2"] * 4}


def test_a_gang_uses_few_nodes_and_ends_on_the_tightest():
    nodes = [node("n1", 2), node("n2", 8), node("n3", 3), node("n4", 8)]
    made = plan(world(nodes, [job("j1", shape(1, size=11))]), NOW)
    assert Counter(places(made)["j1"]) == {"n2": 8, "n3": 3}


def test_ranks_count_from_zero_and_each_replica_has_its_own_gpus():
    made = plan(world([node("n1", 4), node("n2", 4)], [job("j1", shape(2, size=4))]), NOW)
    placements = made.starts[0].placements
    assert [placement.rank for placement in placements] == [0, 1, 2, 3]
    assert len({uuid for placement in placements for uuid in placement.gpu_uuids}) == 8


def test_a_gang_never_spans_clusters():
    nodes = [node("n1", 4, cluster="a"), node("n2", 4, cluster="b"), node("n3", 4, cluster="b")]
    queues = [queue("q", 1, "a", "b")]
    made = plan(world(nodes, [job("j1", shape(4, size=2))], queues=queues), NOW)
    assert places(made) == {"j1": ["n2", "n3"]}


def test_a_range_starts_with_as_many_as_fit_up_to_the_most():
    nodes = [node("n1", 4)]
    assert len(places(plan(world(nodes, [job("j1", shape(1, size=(1, 8)))]), NOW))["j1"]) == 4
    assert len(places(plan(world(nodes, [job("j1", shape(1, size=(1, 3)))]), NOW))["j1"]) == 3
    assert places(plan(world(nodes, [job("j1", shape(1, size=(5, 8)))]), NOW)) == {}


def test_a_single_job_node_takes_one_replica_of_a_gang():
    nodes = [node("n1", 8, single_job=True), node("n2", 8, single_job=True)]
    assert places(plan(world(nodes, [job("j1", shape(1, size=2))]), NOW)) == {"j1": ["n1", "n2"]}
    made = plan(world(nodes, [job("j1", shape(1, size=3))]), NOW)
    assert made.reason_for(job("j1", shape(1, size=3))).code is ReasonCode.NEVER_FITS


def test_a_gang_without_gpus_is_spread_by_cpu():
    nodes = [node("n1", cpu=3), node("n2", cpu=5), node("n3", cpu=1)]
    made = plan(world(nodes, [job("j1", shape(cpu=1, size=8))]), NOW)
    assert Counter(places(made)["j1"]) == {"n2": 5, "n1": 3}


def test_a_gang_tells_how_many_of_its_replicas_fit():
    nodes = [node(f"n{i}", 8) for i in range(4)]
    waiting = job("j1", shape(8, size=4, model="H100"))
    reason = plan(world(nodes, [waiting], [run("r1", shape(8), ("n2", range(8)))]), NOW).reason_for(waiting)
    assert reason.code is ReasonCode.GANG
    assert reason.message == "needs 4 replicas of 8 × H100 at once in one cluster; 3 fit now"
    assert (reason.shortages[0].needed, reason.shortages[0].free, reason.shortages[0].total) == (4, 3, 4)
    assert reason.best_node == "n2"
    assert [holder.job_id for holder in reason.holders] == ["r1"]
    assert reason.smallest_change.text == "--size 3"
