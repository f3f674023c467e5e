"""Where a job of one replica goes."""

from __future__ import annotations

import pytest

from lilac.model.clusters import RuntimeName
from lilac.scheduling import plan

from .builders import NOW, gpu, job, node, places, queue, run, shape, started, world


def placed(nodes, *jobs, running=(), queues=None):
    return places(plan(world(nodes, jobs, running, queues), NOW))


def test_a_job_starts_at_once_where_there_is_room():
    assert placed([node("n1")], job("j1", shape())) == {"j1": ["n1"]}


def test_a_job_gets_the_gpus_it_asked_for_by_uuid():
    made = plan(world([node("n1", 4)], [job("j1", shape(2)), job("j2", shape(1))]), NOW)
    assert [start.placements[0].gpu_uuids for start in made.starts] == [
        ("n1-gpu-0", "n1-gpu-1"),
        ("n1-gpu-2",),
    ]


def test_a_gpu_that_is_held_is_not_given_again():
    made = plan(world([node("n1", 2)], [job("j1", shape(1))], [run("r1", shape(1), ("n1", [0]))]), NOW)
    assert made.starts[0].placements[0].gpu_uuids == ("n1-gpu-1",)


def test_an_unhealthy_gpu_is_not_given():
    sick = node("n1", [gpu("a", healthy=False), gpu("b")])
    made = plan(world([sick], [job("j1", shape(1)), job("j2", shape(1))]), NOW)
    assert [start.placements[0].gpu_uuids for start in made.starts] == [("b",)]


def test_one_gpu_goes_where_it_leaves_the_least_fragmentation():
    nodes = [node("n1", 8), node("n2", 8), node("n3", 8)]
    busy = [run("r1", shape(5), ("n2", range(5))), run("r2", shape(7), ("n3", range(7)))]
    assert placed(nodes, job("j1", shape(1)), job("j2", shape(3)), running=busy) == {"j1": ["n3"], "j2": ["n2"]}


def test_the_least_capable_gpu_that_will_do_is_taken():
    nodes = [node("n1", "1 H100"), node("n2", "8 T4"), node("n3", "2 A100")]
    assert placed(
        nodes, job("j1", shape(1)), job("j2", shape(1, gpu_memory=40)), job("j3", shape(1, model="H100"))
    ) == {"j1": ["n2"], "j2": ["n3"], "j3": ["n1"]}


def test_within_a_mixed_node_the_least_capable_gpu_is_taken():
    made = plan(world([node("n1", "1 H100, 2 T4")], [job("j1", shape(2))]), NOW)
    assert made.starts[0].placements[0].gpu_uuids == ("n1-gpu-1", "n1-gpu-2")


def test_a_mixed_node_gives_gpus_of_several_kinds_to_a_job_that_takes_any():
    made = plan(world([node("n1", "1 H100, 2 T4")], [job("j1", shape(3))]), NOW)
    assert set(made.starts[0].placements[0].gpu_uuids) == {"n1-gpu-0", "n1-gpu-1", "n1-gpu-2"}


def test_a_job_without_gpus_keeps_off_gpu_nodes_while_others_fit():
    nodes = [node("a-gpu", 8, cpu=4), node("b-cpu", cpu=2)]
    jobs = [job(f"j{i}", shape()) for i in range(1, 6)]
    assert placed(nodes, *jobs) == {
        "j1": ["b-cpu"], "j2": ["b-cpu"], "j3": ["a-gpu"], "j4": ["a-gpu"], "j5": ["a-gpu"],
    }  # fmt: skip


def test_a_job_without_gpus_prefers_the_gpu_node_with_the_fewest_free():
    nodes = [node("n1", 8), node("n2", 8)]
    assert placed(nodes, job("j1", shape()), running=[run("r1", shape(8), ("n2", range(8)))]) == {"j1": ["n2"]}


def test_the_tightest_cpu_then_the_tightest_memory_wins():
    nodes = [node("n1", cpu=8), node("n2", cpu=4, memory=64), node("n3", cpu=4, memory=32), node("n4", cpu=1)]
    assert placed(nodes, job("j1", shape(cpu=2))) == {"j1": ["n3"]}


def test_alike_nodes_are_taken_in_the_order_of_their_ids():
    assert placed([node("n2"), node("n1")], job("j1", shape())) == {"j1": ["n1"]}


@pytest.mark.parametrize(
    "wanted",
    [
        shape(cpu=65),
        shape(memory=513),
        shape(9),
        shape(1, model="A100"),
        shape(1, gpu_memory=141),
        shape(selector={"zone": "b"}),
        shape(runtime=RuntimeName.PROCESS),
    ],
    ids=["cpu", "memory", "gpus", "model", "gpu memory", "labels", "runtime"],
)
def test_a_node_must_have_all_that_is_asked_for(wanted):
    assert placed([node("n1", 8, labels={"zone": "a"})], job("j1", wanted)) == {}


def test_labels_and_runtime_choose_the_node():
    nodes = [
        node("n1"),
        node("n2", labels={"zone": "b", "disk": "ssd"}),
        node("n3", runtimes=[RuntimeName.PROCESS]),
    ]
    assert placed(
        nodes,
        job("j1", shape(selector={"zone": "b", "disk": "ssd"})),
        job("j2", shape(runtime=RuntimeName.PROCESS)),
    ) == {"j1": ["n2"], "j2": ["n3"]}


def test_clusters_are_tried_in_the_order_of_preference():
    nodes = [node("n1", cluster="east", cpu=2), node("n2", cluster="west", cpu=1)]
    jobs = [job(f"j{i}", shape()) for i in (1, 2, 3)]
    assert placed(nodes, *jobs, queues=[queue("q", 1, "west", "east")]) == {"j1": ["n2"], "j2": ["n1"], "j3": ["n1"]}


def test_a_node_that_gets_nothing_new_is_left_out():
    assert placed([node("n1", schedulable=False), node("n2")], job("j1", shape())) == {"j1": ["n2"]}


def test_a_single_job_node_gets_one_job_when_it_is_empty():
    nodes = [node("n1", single_job=True), node("n2", single_job=True)]
    jobs = [job(f"j{i}", shape(cpu=1)) for i in (1, 2)]
    assert placed(nodes, *jobs, running=[run("r1", shape(), "n1")]) == {"j1": ["n2"]}


def test_a_node_of_many_jobs_goes_before_a_single_job_node():
    assert placed([node("n1", single_job=True), node("n2")], job("j1", shape())) == {"j1": ["n2"]}


def test_a_node_that_came_back_smaller_than_what_it_runs_gets_nothing():
    assert placed([node("n1", cpu=2)], job("j1", shape()), running=[run("r1", shape(cpu=4), "n1")]) == {}


def test_queues_go_by_priority_number_then_name():
    queues = [queue("late", 20), queue("b", 10), queue("a", 10)]
    jobs = [job("j1", shape(queue="late")), job("j2", shape(queue="b")), job("j3", shape(queue="a"))]
    assert started(plan(world([node("n1")], jobs, queues=queues), NOW)) == ["j3", "j2", "j1"]


def test_within_a_queue_priority_goes_before_the_order_of_submission():
    jobs = [job("j1", shape()), job("j2", shape(), priority=5), job("j3", shape(cpu=2), priority=5)]
    assert started(plan(world([node("n1")], jobs), NOW)) == ["j2", "j3", "j1"]


def test_jobs_of_different_shapes_keep_their_order_of_submission():
    jobs = [job(f"j{i}", shape(cpu=1 + i % 3)) for i in range(1, 8)]
    assert started(plan(world([node("n1")], reversed(jobs)), NOW)) == [f"j{i}" for i in range(1, 8)]


def test_jobs_of_a_paused_queue_wait():
    made = plan(world([node("n1")], [job("j1", shape())], queues=[queue(paused=True)]), NOW)
    assert made.changes_nothing


def test_nothing_waiting_gives_an_empty_plan():
    made = plan(world([node("n1")]), NOW)
    assert made.changes_nothing
    assert not made.blocked
