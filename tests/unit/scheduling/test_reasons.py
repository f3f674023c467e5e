"""Why a job waits, said exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lilac.model.clusters import RuntimeName
from lilac.scheduling import Change, Dimension, ReasonCode, plan, satisfiable

from .builders import NOW, gpu, job, node, places, queue, run, shape, world


def reason(nodes, waiting, running=(), queues=None):
    return plan(world(nodes, [waiting], running, queues), NOW).reason_for(waiting)


def test_it_names_the_best_node_what_is_free_there_and_who_holds_the_rest():
    nodes = [node("node-1", 8), node("node-3", 8)]
    busy = [run("r1", shape(4), ("node-1", range(4))), run("r2", shape(3), ("node-3", range(3)))]
    told = reason(nodes, job("j1", shape(8, model="H100")), busy)
    assert told.code is ReasonCode.RESOURCES
    assert told.message == "needs 8 × H100 on one node; the best is node-3 with 5 free of 8"
    assert told.best_node == "node-3"
    (short,) = told.shortages
    assert (short.dimension, short.needed, short.free, short.total, short.missing) == (Dimension.GPU, 8, 5, 8, 3)
    (holder,) = told.holders
    assert (holder.job_id, holder.node_id, holder.gpus, holder.expected_end) == ("r2", "node-3", 3, None)
    assert told.smallest_change == Change(gpu_count=5)
    assert told.smallest_change.text == "--gpu-count 5"


def test_several_shortages_are_all_named():
    busy = [run("r1", shape(cpu=60, memory=500), "n1")]
    told = reason([node("n1")], job("j1", shape(cpu=8, memory=16)), busy)
    assert told.message == (
        "needs 8 CPUs and 16384 MB of memory on one node; the best is n1 with 4 CPUs and 12288 MB of memory free"
    )
    assert [short.dimension for short in told.shortages] == [Dimension.CPU, Dimension.MEMORY]
    assert told.smallest_change.text == "--cpu 4000, --memory 12288"


def test_memory_alone():
    told = reason([node("n1")], job("j1", shape(memory=20)), [run("r1", shape(memory=500), "n1")])
    assert told.message == "needs 20480 MB of memory on one node; the best is n1 with 12288 free of 524288"
    assert told.smallest_change.text == "--memory 12288"


def test_the_node_that_lacks_the_least_share_is_the_best():
    nodes = [node("n1"), node("n2")]
    busy = [run("r1", shape(cpu=63), "n1"), run("r2", shape(cpu=60), "n2")]
    assert reason(nodes, job("j1", shape(cpu=8)), busy).best_node == "n2"


def test_a_model_that_is_busy_may_be_dropped():
    nodes = [node("n1", "2 H100"), node("n2", "2 T4")]
    busy = [run("r1", shape(2), ("n1", range(2)))]
    assert reason(nodes, job("j1", shape(2, model="H100")), busy).smallest_change.text == "drop --gpu-model"
    assert reason(nodes, job("j1", shape(2, gpu_memory=40)), busy).smallest_change.text == "drop --gpu-memory"


def test_labels_that_are_in_the_way_may_be_dropped():
    nodes = [node("n1", labels={"zone": "a"}, cpu=2), node("n2")]
    told = reason(nodes, job("j1", shape(cpu=2, selector={"zone": "a"})), [run("r1", shape(cpu=2), "n1")])
    assert told.smallest_change.text == "drop --node-selector"


def test_no_change_is_named_where_none_helps():
    told = reason([node("n1", 1)], job("j1", shape(1)), [run("r1", shape(1, cpu=63), ("n1", [0]))])
    assert told.smallest_change is None


def test_holders_are_the_largest_and_at_most_ten():
    busy = [run(f"r{i:02}", shape(cpu=1 + i // 6), "n1", seq=i) for i in range(12)]
    told = reason([node("n1", cpu=24)], job("j1", shape(cpu=12)), busy)
    assert len(told.holders) == 10
    assert [holder.job_id for holder in told.holders[:2]] == ["r06", "r07"]


def test_a_job_started_in_the_same_pass_is_a_holder():
    waiting = [job("j1", shape(8)), job("j2", shape(4))]
    told = plan(world([node("n1", 8)], waiting), NOW).reason_for(waiting[1])
    assert [holder.job_id for holder in told.holders] == ["j1"]


def test_the_holder_of_a_single_job_node_is_named():
    told = reason([node("n1", single_job=True)], job("j1", shape()), [run("r1", shape(), "n1")])
    assert "runs one job at a time" in told.message
    assert [holder.job_id for holder in told.holders] == ["r1"]


def test_more_than_any_node_has_never_fits():
    nodes = [node("n1", 4), node("n2", 2)]
    told = reason(nodes, job("j1", shape(8)))
    assert told.code is ReasonCode.NEVER_FITS
    assert told.message == (
        "needs 8 × GPU on one node; no node in the clusters of queue q has that, the nearest is n1 with 4 GPUs in all"
    )


def test_a_model_that_nobody_has_is_told_with_those_there_are():
    told = reason([node("n1", "4 T4"), node("n2", "1 A100")], job("j1", shape(1, model="H100")))
    assert told.code is ReasonCode.NEVER_FITS
    assert told.message == (
        "needs 1 × H100; no node in the clusters of queue q has such a GPU, there are NVIDIA A100 and NVIDIA T4"
    )


def test_a_runtime_or_label_that_nobody_has_never_fits():
    told = reason([node("n1")], job("j1", shape(runtime=RuntimeName.PROCESS)))
    assert (told.code, told.message) == (
        ReasonCode.NEVER_FITS,
        "no node in the clusters of queue q has the process runtime",
    )
    told = reason([node("n1")], job("j1", shape(selector={"zone": "b", "disk": "ssd"})))
    assert (told.code, told.message) == (
        ReasonCode.NEVER_FITS,
        "no node in the clusters of queue q has disk=ssd and zone=b",
    )


def test_a_gang_larger_than_the_cluster_never_fits():
    told = reason(
        [node("n1", 8), node("n2", 8, cluster="d")], job("j1", shape(8, size=2)), (), [queue("q", 1, "c", "d")]
    )
    assert told.code is ReasonCode.NEVER_FITS
    assert "has room for more than 1, even when empty" in told.message


def test_a_lost_or_draining_node_is_not_the_same_as_none():
    told = reason([node("n1", 8, schedulable=False), node("n2", 2)], job("j1", shape(8)))
    assert told.code is ReasonCode.UNAVAILABLE
    assert told.message == (
        "no node that gets work now could run 8 × GPU: n1 could, but gets no new work now (lost or draining)"
    )
    assert told.best_node == "n1"


def test_a_sick_gpu_is_named():
    told = reason([node("n1", [gpu("a"), gpu("b", healthy=False)])], job("j1", shape(2)))
    assert told.code is ReasonCode.UNAVAILABLE
    assert told.message == "no node that gets work now could run 2 × GPU: n1 could, but has unhealthy GPUs"


def test_a_nearly_full_disk_keeps_containers_away_for_now_and_processes_not():
    docker, process = RuntimeName.DOCKER, RuntimeName.PROCESS
    full = replace(node("n1", 8), runtimes=frozenset({process}), resting=frozenset({docker}))
    container, plain = job("j1", shape(8, runtime=docker)), job("j2", shape(8, runtime=process))
    told = reason([full], container)
    assert told.code is ReasonCode.UNAVAILABLE
    assert "n1 could, but has too little free disk for containers (min_free_disk_gb of the agent)" in told.message
    assert satisfiable(world([full], [container]), container.shape) is None, "it may come to run"
    assert places(plan(world([full], [plain]), NOW)) == {"j2": ["n1"]}
    assert places(plan(world([full, node("n2", 8)], [container]), NOW)) == {"j1": ["n2"]}
    never = reason([full], job("j3", shape(16, runtime=docker)))
    assert never.code is ReasonCode.NEVER_FITS
    assert "runtime" not in never.message


def test_a_cluster_without_nodes_is_told_as_such():
    told = reason([node("n1", cluster="elsewhere")], job("j1", shape()))
    assert (told.code, told.message) == (
        ReasonCode.NO_NODES,
        "no node has joined the clusters of queue q yet",
    )


def test_a_busy_cluster_is_never_told_to_have_no_nodes():
    told = reason([node("n1", 1)], job("j1", shape(1)), [run("r1", shape(1), ("n1", [0]))])
    assert told.code is ReasonCode.RESOURCES


def test_a_paused_queue_is_the_reason_unless_the_job_never_fits():
    paused = [queue(paused=True)]
    assert reason([node("n1")], job("j1", shape()), (), paused).message == "queue q is paused"
    assert reason([node("n1")], job("j1", shape(cpu=100)), (), paused).code is ReasonCode.NEVER_FITS


def test_a_queue_that_is_gone_is_told():
    assert reason([node("n1")], job("j1", shape(queue="gone"))).code is ReasonCode.NO_QUEUE


def test_only_the_first_of_its_shape_has_the_reserved_start_and_may_give_it_up():
    busy = [run("r1", shape(4, limit=60), ("n1", range(4)))]
    first, second = job("j1", shape(8)), job("j2", shape(8))
    made = plan(world([node("n1", 8)], [first, second], busy), NOW)
    assert made.reason_for(first).expected_start == NOW + 60
    assert made.reason_for(first).smallest_change.text == "--gpu-count 4"
    assert made.reason_for(second).expected_start is None
    assert made.reason_for(second).smallest_change is None
    assert made.blocked[first.shape] == made.reason_for(first)


def test_a_time_limit_that_would_let_it_run_ahead_is_named():
    busy = [run("r1", shape(4, limit=3600), ("n1", range(4)))]
    waiting = [job("j1", shape(8)), job("j2", shape(4))]
    told = plan(world([node("n1", 8)], waiting, busy), NOW).reason_for(waiting[1])
    assert told.code is ReasonCode.RESERVED
    assert told.message == (
        "would fit on n1 now, but job j1 before it in line has reserved the place for its start in 60 min"
    )
    assert told.smallest_change == Change(time_limit_s=3600)


def test_a_job_unknown_to_the_plan_has_no_reason():
    made = plan(world([node("n1")], [job("j1", shape())]), NOW)
    assert made.reason_for(job("j1", shape())) is None
    assert made.reason_for(job("j2", shape(cpu=3))) is None
    assert shape(cpu=3) not in made.blocked
    with pytest.raises(KeyError):
        made.blocked[shape(cpu=3)]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (shape(8), None),
        (shape(8, size=2), None),
        (shape(9), ReasonCode.NEVER_FITS),
        (shape(8, size=3), ReasonCode.NEVER_FITS),
        (shape(queue="gone"), ReasonCode.NO_QUEUE),
    ],
)
def test_satisfiable_looks_at_what_nodes_could_do_when_they_are_back(wanted, code):
    nodes = [node("n1", 8, schedulable=False), node("n2", [gpu(f"g{i}", healthy=i > 0) for i in range(8)])]
    told = satisfiable(world(nodes, running=[run("r1", shape(8), ("n1", range(8)))]), wanted)
    assert (told and told.code) == code


def test_the_answer_whether_it_could_ever_run_follows_the_nodes():
    from lilac.scheduling import Board

    board = Board.of(nodes=[node("n1", 4)], queues=[queue()], waiting=[job("j1", shape(8))])
    assert plan(board.snapshot(), NOW).blocked[shape(8)].code is ReasonCode.NEVER_FITS
    board.put_node(node("n2", 8, schedulable=False))
    assert plan(board.snapshot(), NOW).blocked[shape(8)].code is ReasonCode.UNAVAILABLE
    board.put_node(node("n2", 8))
    assert [start.job_id for start in plan(board.snapshot(), NOW).starts] == ["j1"]
