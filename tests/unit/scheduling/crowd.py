"""A crowded world with everything in it, and all that the scheduler says of it as text."""

from __future__ import annotations

from lilac.scheduling import Snapshot, explain, plan

from .builders import NOW, job, node, queue, run, shape


def crowd() -> Snapshot:
    nodes = [
        node(
            f"n{i:02}",
            ["8 H100", "4 A100, 2 T4", "", "4 T4"][i % 4],
            cluster="cd"[i % 3 == 0],
            labels={"rack": str(i % 2)},
        )
        for i in range(24)
    ]
    queues = [queue("q", 10, "c", "d"), queue("p", 10, "d"), queue("o", 5, "c")]
    running = [
        run(
            f"r{i}",
            shape(2, limit=[None, 100, 900][i % 3]),
            (f"n{4 * i:02}", [0, 1]),
            since=[None, 0, 50][i % 3],
            seq=i,
        )
        for i in range(6)
    ]
    waiting = [
        job(
            f"w{i:03}",
            shape(
                [0, 1, 2, 4, 8][i % 5],
                cpu=1 + i % 7 * 4,
                limit=[None, 60, 600][i % 3],
                size=[1, 1, 2, (1, 4)][i % 4],
                queue="qpo"[i % 3],
                model=[None, "H100", "A100"][i // 5 % 3] if i % 5 else None,
                selector={"rack": "1"} if i % 11 == 0 else None,
            ),
            priority=i % 2,
        )
        for i in range(120)
    ]
    return Snapshot.of(nodes=nodes, queues=queues, running=running, waiting=waiting)


def report() -> str:
    snapshot = crowd()
    made = plan(snapshot, NOW)
    lines = [repr(made.starts), repr(dict(made.blocked))]
    lines += [repr(explain(snapshot, NOW, each.id)) for each in sorted(snapshot.waiting, key=lambda w: w.id)[:40]]
    return "\n".join(lines)
