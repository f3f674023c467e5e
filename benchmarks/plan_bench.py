"""How long a scheduling pass takes.

    python benchmarks/plan_bench.py            a table
    python benchmarks/plan_bench.py --json     the same as JSON
    python benchmarks/plan_bench.py --nodes 100 --waiting 10000

Every figure is the best and the median of several runs in one process, in milliseconds. The fleet has nodes of three
kinds of GPU and 8 GPUs each; the jobs are of some fifty shapes in eight queues, half of them with a time limit.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable

from lilac.model.ids import ClusterId, JobId, NodeId, QueueId
from lilac.model.jobs import SizeRange
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.scheduling import (
    Board,
    HeldReplica,
    NodeView,
    Plan,
    QueueView,
    RunningJob,
    Shape,
    Snapshot,
    WaitingJob,
    explain,
    plan,
)

CLUSTER = ClusterId("cluster")
MODELS = (("NVIDIA L4", 23_034), ("NVIDIA A100-SXM4-80GB", 81_920), ("NVIDIA H100 80GB HBM3", 81_559))
NOW = 1_000_000.0


def fleet(count: int) -> list[NodeView]:
    nodes: list[NodeView] = []
    for i in range(count):
        model, memory = MODELS[i % len(MODELS)]
        nodes.append(
            NodeView(
                id=NodeId(f"node-{i:05}"),
                name=f"node-{i}",
                cluster_id=CLUSTER,
                cpu_millicores=96_000,
                memory_mb=768_000 + i % 7,
                gpus=tuple(Gpu(f"GPU-{i}-{j}", model, memory) for j in range(8)),
            )
        )
    return nodes


def lines() -> list[QueueView]:
    return [QueueView(id=QueueId(f"q{i}"), name=f"q{i}", priority=i, cluster_targets=(CLUSTER,)) for i in range(8)]


def shapes(*, small: bool) -> list[Shape]:
    """About fifty shapes; `small` ones need one GPU or none, the others up to gangs of whole nodes."""
    found: list[Shape] = []
    for i in range(50):
        model = (None, "L4", "A100", "H100")[i % 4]
        count = 1 if small else (1, 2, 4, 8, 1)[i % 5]
        replicas = 1 if small or i % 10 else 4
        gpus = None if i % 13 == 0 and not small else GpuRequest(count, model)
        found.append(
            Shape(
                queue_id=QueueId(f"q{i % 8}"),
                resources=ResourceRequest(2000 + 500 * (i % 3), 8000 + 100 * i, gpus),
                size=SizeRange(replicas, replicas),
                time_limit_s=600 * (1 + i) if i % 2 else None,
            )
        )
    return found


def waiting(count: int, *, small: bool, first: int = 0) -> list[WaitingJob]:
    kinds = shapes(small=small)
    return [
        WaitingJob(
            id=JobId(f"job-{first + i:07}"),
            seq=first + i,
            priority=i % 3,
            submitted_at=NOW - count + i,
            shape=kinds[(i * 7919) % len(kinds)],
        )
        for i in range(count)
    ]


def full_board(nodes: int, jobs: int) -> Board:
    """Every GPU has a job of one GPU; half of them end within three hours."""
    board = Board.of(nodes=fleet(nodes), queues=lines(), waiting=waiting(jobs, small=False, first=nodes * 8))
    seq = 0
    for i in range(nodes):
        for j in range(8):
            limit = 3600 + (seq * 7919) % 7200 if seq % 2 else None
            shape = Shape(
                queue_id=QueueId("q0"),
                resources=ResourceRequest(12_000, 96_000, GpuRequest(1)),
                time_limit_s=limit,
            )
            replica = HeldReplica(0, NodeId(f"node-{i:05}"), (f"GPU-{i}-{j}",))
            board.place(
                RunningJob(
                    id=JobId(f"run-{seq:06}"),
                    seq=seq,
                    priority=0,
                    queue_id=QueueId("q0"),
                    shape=shape,
                    attempt=1,
                    replicas=(replica,),
                    started_at=NOW - seq % 3600,
                )
            )
            seq += 1
    return board


def timed(work: Callable[[], object], runs: int) -> dict[str, float]:
    """Best and median of some runs, in milliseconds."""
    took: list[float] = []
    for _ in range(runs):
        gc.collect()
        begin = time.perf_counter()
        work()
        took.append((time.perf_counter() - begin) * 1000)
    return {"best_ms": round(min(took), 3), "median_ms": round(statistics.median(took), 3)}


def reasons(made: Plan) -> int:
    return len([made.blocked[shape] for shape in made.blocked])


def measure(nodes: int, jobs: int, runs: int) -> dict[str, dict[str, float]]:
    machines, queues = fleet(nodes), lines()
    figures: dict[str, dict[str, float]] = {}

    small, mixed = waiting(jobs, small=True), waiting(jobs, small=False)

    def cold(line: list[WaitingJob]) -> Plan:
        return plan(Board.of(nodes=machines, queues=queues, waiting=line).snapshot(), NOW)

    figures["cold: build the board and plan, 1-GPU jobs"] = timed(lambda: cold(small), runs) | {
        "started": len(cold(small).starts)
    }
    figures["cold: build the board and plan, mixed jobs"] = timed(lambda: cold(mixed), runs) | {
        "started": len(cold(mixed).starts)
    }

    board = full_board(nodes, jobs)
    figures["full cluster: snapshot"] = timed(board.snapshot, runs * 3)
    figures["full cluster: plan, nothing ended"] = timed(lambda: plan(board.snapshot(), NOW), runs * 3)
    ended = [(i * 7919) % (nodes * 8) for i in range(10)]
    for seq in ended:
        board.release(JobId(f"run-{seq:06}"), 1, 0)
    figures["full cluster: plan after 10 jobs ended"] = timed(lambda: plan(board.snapshot(), NOW), runs * 3) | {
        "started": len(plan(board.snapshot(), NOW).starts)
    }
    made = plan(board.snapshot(), NOW)
    figures["full cluster: reasons of all shapes"] = timed(lambda: reasons(made), 1) | {"shapes": len(made.blocked)}
    last = JobId(f"job-{nodes * 8 + min(jobs, 5000) - 1:07}")
    figures["full cluster: explain one job"] = timed(lambda: explain(board.snapshot(), NOW, last), 1)

    one = Snapshot.of(nodes=machines[:1], queues=queues[:1], waiting=[small[0]])
    figures["one node, one job: plan"] = timed(lambda: plan(one, NOW), 200)
    drain = full_board(0, 0)
    drain.put_node(machines[0])
    noop = [
        WaitingJob(
            id=JobId(f"noop-{i}"),
            seq=i,
            priority=0,
            submitted_at=NOW,
            shape=Shape(queue_id=QueueId("q0"), resources=ResourceRequest(90, 700)),
        )
        for i in range(1000)
    ]

    def cycle() -> None:
        for job in noop:
            drain.submit(job)
            for start in plan(drain.snapshot(), NOW).starts:
                drain.withdraw(start.job_id)
                held = tuple(HeldReplica(each.rank, each.node_id, each.gpu_uuids) for each in start.placements)
                drain.place(
                    RunningJob(
                        id=job.id,
                        seq=job.seq,
                        priority=0,
                        queue_id=job.shape.queue_id,
                        shape=job.shape,
                        attempt=1,
                        replicas=held,
                    )
                )
                drain.mark_running(job.id, NOW)
                drain.release(job.id, 1, 0)

    figures["one node: 1000 × (submit, plan, place, run, end)"] = timed(cycle, runs)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.nodes, options.waiting, options.runs)
    if options.json:
        print(json.dumps({"nodes": options.nodes, "waiting": options.waiting, "figures": figures}, indent=2))
        return 0
    print(f"{options.nodes} nodes × 8 GPUs, {options.waiting} waiting jobs")
    for name, figure in figures.items():
        extra = ", ".join(f"{int(value)} {key}" for key, value in figure.items() if not key.endswith("_ms"))
        print(f"{name:<52}{figure['best_ms']:>12.3f} ms best{figure['median_ms']:>12.3f} ms median  {extra}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
