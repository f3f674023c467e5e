"""Usage on each engine: fresh rows, minutes' averages, totals."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from lilac.model.ids import ClusterId, JobId, NodeId
from lilac.store import clusters as cluster_store
from lilac.store import usage
from lilac.store.database import Database, Transaction
from lilac.store.tables import node_usage, replica_usage
from tests.conformance import builders as make

T = 1_764_000_000 - 1_764_000_000 % 60
JOB = JobId("11111111-1111-4111-8111-111111111111")


def row(at: int, cpu: int, *, rank: int = 0, memory: int = 100, gpu: float | None = None) -> dict[str, Any]:
    return {
        "job_id": JOB,
        "attempt": 1,
        "rank": rank,
        "resolution_s": 0,
        "at": at,
        "samples": 1,
        "cpu_millicores": cpu,
        "memory_mb": memory,
        "gpu_pct": gpu,
        "gpu_memory_mb": None if gpu is None else 10,
    }


def of_node(node: NodeId, at: int, cpu: int) -> dict[str, Any]:
    sample = {name: value for name, value in row(at, cpu).items() if name not in ("job_id", "attempt", "rank")}
    return {"node_id": node, **sample}


async def series(database: Database, *, rank: int | None = None, step_s: int = 60) -> list[dict[str, Any]]:
    def read(conn: Connection) -> list[dict[str, Any]]:
        return usage.job_series(conn, JOB, 1, rank, since=T, until=T + 600, step_s=step_s)

    return await database.read(read)


async def test_samples_are_averaged_for_each_replica_and_added_up(database: Database) -> None:
    rows = [
        row(T, 100, gpu=10.0),
        row(T + 5, 300, memory=200, gpu=30.0),
        row(T, 1000, rank=1),
        row(T + 60, 400),
    ]
    await database.write(lambda tx: usage.insert_samples(tx.conn, rows, []))
    await database.write(lambda tx: usage.insert_samples(tx.conn, rows[:1], []))  # sent again
    first, second = await series(database)
    assert first == {
        "at": T,
        "cpu_millicores": 1200,
        "memory_mb": 300,
        "gpu_memory_mb": 10,
        "gpu_utilization_pct": 20.0,
    }
    assert (second["at"], second["cpu_millicores"], second["gpu_utilization_pct"]) == (T + 60, 400, None)
    assert [one["cpu_millicores"] for one in await series(database, rank=1)] == [1000]
    assert [one["at"] for one in await series(database, step_s=5)] == [T, T + 5, T + 60]


async def test_what_is_not_fresh_becomes_minutes_and_keeps_its_averages(database: Database) -> None:
    rows = [row(T + second, 100 + second, memory=second, gpu=50.0) for second in range(0, 120, 5)]
    node = NodeId(make.new_id())
    await database.write(lambda tx: usage.insert_samples(tx.conn, rows, [of_node(node, T + s, s) for s in (0, 5)]))
    before = await series(database)
    done = [await database.write(lambda tx: usage.thin_out(tx.conn, before=T + 130)) for _ in range(3)]
    assert done == [True, True, False]  # two minutes are over
    assert await series(database) == before
    count = await database.read(lambda conn: conn.execute(select(func.count()).select_from(replica_usage)).scalar())
    assert count == 2
    await database.write(lambda tx: usage.insert_samples(tx.conn, [row(T + 125, 1)], []))
    await database.write(lambda tx: usage.forget(tx.conn, before=T + 60))
    assert [one["at"] for one in await series(database)] == [T + 60, T + 120]
    left = await database.read(lambda conn: conn.execute(select(func.count()).select_from(node_usage)).scalar())
    assert left == 0


async def test_totals_add_up(database: Database) -> None:
    one = {
        "job_id": JOB,
        "attempt": 1,
        "rank": 0,
        "samples": 2,
        "cpu_sum": 300,
        "cpu_max": 200,
        "memory_max": 50,
        "gpu_samples": 1,
        "gpu_sum": 40.0,
        "gpu_memory_max": 0,
    }
    await database.write(lambda tx: usage.add_totals(tx.conn, [one]))
    await database.write(lambda tx: usage.add_totals(tx.conn, [{**one, "cpu_max": 100, "memory_max": 70}]))
    (total,) = await database.read(usage.totals_of, JOB)
    assert (total["samples"], total["cpu_sum"], total["cpu_max"], total["memory_max"]) == (4, 600, 200, 70)
    assert (total["gpu_samples"], total["gpu_sum"]) == (2, 80.0)


async def test_a_cluster_uses_what_its_nodes_use(database: Database) -> None:
    cluster, other = make.a_cluster(name="a"), make.a_cluster(name="b")
    nodes = [make.a_node(cluster.id, name="n1"), make.a_node(cluster.id, name="n2"), make.a_node(other.id, name="n3")]

    def fill(tx: Transaction) -> None:
        for one in (cluster, other):
            cluster_store.insert_cluster(tx.conn, one)
        for node in nodes:
            cluster_store.upsert_node(tx.conn, node)
        usage.insert_samples(tx.conn, [], [of_node(node.id, T, 100) for node in nodes])

    await database.write(fill)

    def read(conn: Connection, cluster_id: ClusterId) -> list[dict[str, Any]]:
        return usage.cluster_series(conn, cluster_id, since=T, until=T + 60, step_s=60)

    assert [one["cpu_millicores"] for one in await database.read(read, cluster.id)] == [200]
