"""The board keeps up with every change, and ends where a fresh one would begin."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lilac.model.ids import JobId, NodeId, QueueId
from lilac.scheduling import Board, HeldReplica, Snapshot, plan

from .builders import NOW, job, node, queue, run, shape, started


def test_a_started_job_is_withdrawn_and_placed_and_its_room_is_gone():
    board = Board.of(nodes=[node("n1", 2)], queues=[queue()], waiting=[job("j1", shape(2)), job("j2", shape(1))])
    assert started(plan(board.snapshot(), NOW)) == ["j1"]
    board.withdraw(JobId("j1"))
    board.place(run("j1", shape(2), ("n1", [0, 1])))
    assert started(plan(board.snapshot(), NOW)) == []
    board.release(JobId("j1"), 1, 0)
    assert started(plan(board.snapshot(), NOW)) == ["j2"]
    assert board.running_job(JobId("j1")) is None


def test_withdrawing_and_releasing_twice_is_harmless():
    board = Board.of(
        nodes=[node("n1")], queues=[queue()], waiting=[job("j1", shape())], running=[run("r1", shape(), "n1")]
    )
    for _ in range(2):
        board.withdraw(JobId("j1"))
        board.release(JobId("r1"), 1, 0)
        board.release(JobId("r1"), 7, 0)
        board.remove_node(NodeId("unknown"))
        board.mark_running(JobId("r1"), NOW)
    counts = board.counts()
    assert (counts.waiting, counts.running, counts.replicas) == (0, 0, 0)


def test_a_job_put_back_in_line_keeps_its_turn():
    first, second = job("j1", shape(1)), job("j2", shape(1))
    board = Board.of(nodes=[node("n1", 1)], queues=[queue()], waiting=[first, second])
    board.withdraw(first.id)
    board.submit(first)
    assert started(plan(board.snapshot(), NOW)) == ["j1"]


def test_submitting_again_replaces():
    board = Board.of(nodes=[node("n1", 1)], queues=[queue()], waiting=[job("j1", shape(5))])
    board.submit(job("j1", shape(1)))
    assert board.counts().waiting == 1
    assert started(plan(board.snapshot(), NOW)) == ["j1"]


def test_replicas_on_a_node_that_is_not_known_yet_count_when_it_comes():
    board = Board.of(queues=[queue()], waiting=[job("j1", shape(1))], running=[run("r1", shape(1), ("n1", [0]))])
    board.put_node(node("n1", 1))
    assert started(plan(board.snapshot(), NOW)) == []
    board.remove_node(NodeId("n1"))
    board.release(JobId("r1"), 1, 0)
    board.put_node(node("n1", 1))
    assert started(plan(board.snapshot(), NOW)) == ["j1"]


def test_two_attempts_of_a_job_hold_side_by_side():
    board = Board.of(nodes=[node("n1", 2), node("n2", 1)], queues=[queue()], waiting=[job("j9", shape(1))])
    board.place(run("j1", shape(2), ("n1", [0, 1]), stopping=True))
    board.place(run("j1", shape(1), ("n2", [0]), attempt=2))
    assert started(plan(board.snapshot(), NOW)) == []
    board.mark_running(JobId("j1"), NOW)
    assert board.running_job(JobId("j1")).attempt == 2
    board.release(JobId("j1"), 1, 0)
    assert started(plan(board.snapshot(), NOW)) == ["j9"]


def test_the_end_of_the_newest_attempt_leaves_the_older_one():
    board = Board.of(nodes=[node("n1", 2)], queues=[queue()])
    board.place(run("j1", shape(1), ("n1", [0]), stopping=True))
    board.place(run("j1", shape(1), ("n1", [1]), attempt=2))
    board.release(JobId("j1"), 2, 0)
    assert board.running_job(JobId("j1")).attempt == 1


def test_a_plan_and_its_reasons_outlive_changes_to_the_board():
    waiting = job("j1", shape(2))
    board = Board.of(
        nodes=[node("n1", 2)], queues=[queue()], waiting=[waiting], running=[run("r1", shape(1), ("n1", [0]))]
    )
    made, other = plan(board.snapshot(), NOW), plan(board.snapshot(), NOW)
    early = made.reason_for(waiting)
    board.release(JobId("r1"), 1, 0)
    board.withdraw(waiting.id)
    board.remove_node(NodeId("n1"))
    board.remove_queue(QueueId("q"))
    assert other.reason_for(waiting) == early


SHAPES = [
    shape(1),
    shape(2, limit=60),
    shape(cpu=2, limit=100),
    shape(1, size=2, limit=30),
    shape(1, size=(1, 3)),
    shape(3),
]
MACHINES = [
    node("n1", 4, cpu=6),
    node("n2", "2 T4", cpu=4),
    node("n3", cpu=5),
    node("n1", 2, cpu=6),
    node("n3", cpu=5, schedulable=False),
    node("n4", 4, single_job=True),
]

changes = st.lists(
    st.tuples(
        st.sampled_from(
            ["submit", "submit", "plan", "plan", "run", "end", "end", "stop", "node", "drop", "pause", "requeue"]
        ),
        st.integers(0, 99),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(changes)
def test_a_board_changed_step_by_step_equals_one_built_at_once(steps):
    board = Board()
    nodes = {machine.id: machine for machine in MACHINES[:3]}
    queues = {QueueId("q"): queue()}
    waiting, running = {}, {}
    for machine in nodes.values():
        board.put_node(machine)
    board.put_queue(queue())
    clock, attempts = NOW, {}
    for number, (what, pick) in enumerate(steps):
        clock += 1
        if what == "submit":
            each = job(f"j{number}", SHAPES[pick % len(SHAPES)], priority=pick % 2)
            waiting[each.id] = each
            board.submit(each)
        elif what == "plan":
            for start in plan(board.snapshot(), clock).starts:
                each = waiting.pop(start.job_id)
                board.withdraw(each.id)
                attempts[each.id] = attempts.get(each.id, 0) + 1
                started_job = replace(
                    run(each.id, each.shape, since=None, attempt=attempts[each.id], seq=each.seq),
                    priority=each.priority,
                    replicas=tuple(HeldReplica(p.rank, p.node_id, p.gpu_uuids) for p in start.placements),
                )
                running[each.id] = started_job
                board.place(started_job)
        elif what == "node":
            machine = MACHINES[pick % len(MACHINES)]
            nodes[machine.id] = machine
            board.put_node(machine)
        elif what == "drop":
            gone = NodeId(f"n{1 + pick % 4}")
            nodes.pop(gone, None)
            board.remove_node(gone)
        elif what == "pause":
            queues[QueueId("q")] = queue(paused=pick % 2 == 0)
            board.put_queue(queues[QueueId("q")])
        elif running:
            each = running[sorted(running)[pick % len(running)]]
            if what == "run":
                running[each.id] = replace(each, started_at=clock)
                board.mark_running(each.id, clock)
            elif what == "stop":
                running[each.id] = replace(each, stopping=True)
                board.place(running[each.id])
            else:
                ended = each.replicas if what == "requeue" else each.replicas[:1]
                for replica in ended:
                    board.release(each.id, each.attempt, replica.rank)
                left = each.replicas[len(ended) :]
                if left:
                    running[each.id] = replace(each, replicas=left)
                else:
                    del running[each.id]
                if what == "requeue":
                    again = job(each.id, each.shape, seq=each.seq, priority=each.priority)
                    waiting[again.id] = again
                    board.submit(again)
    kept = board.snapshot()
    fresh = Snapshot.of(
        nodes=nodes.values(), queues=queues.values(), running=running.values(), waiting=waiting.values()
    )
    assert kept.capacity.free == fresh.capacity.free
    assert kept.running == fresh.running
    assert list(kept.ends.in_order(clock)) == list(fresh.ends.in_order(clock))
    assert plan(kept, clock) == plan(fresh, clock)
    assert board.counts().waiting == len(waiting)
    assert board.counts().running == len(running)
