"""How much replicas and nodes use: samples as agents send them, averages by the minute for what is older, and totals.

A row stands for `samples` samples, one for a fresh row and several for a minute's average; so an average over rows of
both kinds is right when each counts as often as it has samples. `at` is whole seconds, a minute's row that of its
beginning. Thinning out is plain SQL and may be done by several servers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Table, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from lilac.model.ids import ClusterId, JobId, NodeId
from lilac.store.tables import node_usage, nodes, replica_usage, usage_totals

MINUTE_S = 60
_MINUTE = literal_column(str(MINUTE_S), Integer)
"""Written out, since an engine takes two bound parameters for two different expressions."""
_MEASURES = ("cpu_millicores", "memory_mb", "gpu_pct", "gpu_memory_mb")
ALLOCATED = {"cpu_millicores": "allocated_millicores", "memory_mb": "allocated_memory_mb", "gpus": "allocated_gpus"}
"""Columns of `node_usage` only: what jobs held of the node at the time of a sample."""
_ADDED = ("samples", "cpu_sum", "gpu_samples", "gpu_sum")
_MOST = ("cpu_max", "memory_max", "gpu_memory_max")


def insert_samples(conn: Connection, replicas: Sequence[dict[str, Any]], of_nodes: Sequence[dict[str, Any]]) -> None:
    """Store fresh samples; one that is known already is left as it is."""
    for table, rows in ((replica_usage, replicas), (node_usage, of_nodes)):
        if rows:
            conn.execute(_insert(conn)(table).on_conflict_do_nothing(), list(rows))


def add_totals(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add to the totals of replicas."""
    if not rows:
        return
    fresh = _insert(conn)(usage_totals)
    larger = func.max if conn.dialect.name == "sqlite" else func.greatest
    changes = {name: usage_totals.c[name] + fresh.excluded[name] for name in _ADDED}
    changes |= {name: larger(usage_totals.c[name], fresh.excluded[name]) for name in _MOST}
    conn.execute(fresh.on_conflict_do_update(index_elements=["job_id", "attempt", "rank"], set_=changes), list(rows))


def totals_of(conn: Connection, job_id: JobId) -> list[dict[str, Any]]:
    """The totals of a job's replicas, of all attempts."""
    rows = conn.execute(select(usage_totals).where(usage_totals.c.job_id == job_id))
    return [dict(row._mapping) for row in rows]


def job_series(
    conn: Connection, job_id: JobId, attempt: int, rank: int | None, *, since: int, until: int, step_s: int
) -> list[dict[str, Any]]:
    """By time: what one replica used, or all of an attempt together."""
    found = replica_usage.c
    wanted = [found.job_id == job_id, found.attempt == attempt]
    if rank is not None:
        wanted.append(found.rank == rank)
    return _series(conn, replica_usage, found.rank, wanted, since=since, until=until, step_s=step_s)


def node_series(conn: Connection, node_id: NodeId, *, since: int, until: int, step_s: int) -> list[dict[str, Any]]:
    wanted = [node_usage.c.node_id == node_id]
    return _series(conn, node_usage, node_usage.c.node_id, wanted, since=since, until=until, step_s=step_s)


def cluster_series(
    conn: Connection, cluster_id: ClusterId, *, since: int, until: int, step_s: int
) -> list[dict[str, Any]]:
    """By time: what all nodes of a cluster used together."""
    members = select(nodes.c.id).where(nodes.c.cluster_id == cluster_id)
    wanted = [node_usage.c.node_id.in_(members)]
    return _series(conn, node_usage, node_usage.c.node_id, wanted, since=since, until=until, step_s=step_s)


def thin_out(conn: Connection, *, before: int) -> bool:
    """Make averages of the oldest minute of fresh rows, if it is older than `before`; whether there was one.

    A minute at a time, so that other writes do not wait long however much there is to do.
    """
    oldest = [
        at
        for table in (replica_usage, node_usage)
        if (at := conn.execute(select(func.min(table.c.at)).where(table.c.resolution_s == 0)).scalar()) is not None
    ]
    limit = min(oldest, default=before) // MINUTE_S * MINUTE_S + MINUTE_S
    if limit > before:
        return False
    for table in (replica_usage, node_usage):
        names = [column.name for column in table.primary_key if column.name not in ("resolution_s", "at")]
        keys = [table.c[name] for name in names]
        minute = (table.c.at // _MINUTE) * _MINUTE
        old = (table.c.resolution_s == 0) & (table.c.at < limit)
        averages = select(
            *keys,
            _MINUTE.label("resolution_s"),
            minute.label("at"),
            func.count().label("samples"),
            func.sum(table.c.cpu_millicores) // func.count(),
            func.max(table.c.memory_mb),
            func.avg(table.c.gpu_pct),
            func.max(table.c.gpu_memory_mb),
            *(func.max(table.c[name]) for name in _allocated(table)),
        ).where(old)
        averages = averages.group_by(*keys, minute)
        columns = [*names, "resolution_s", "at", "samples", *_MEASURES, *_allocated(table)]
        conn.execute(_insert(conn)(table).from_select(columns, averages).on_conflict_do_nothing())
        conn.execute(delete(table).where(old))
    return True


def forget(conn: Connection, *, before: int) -> None:
    """Drop what is older; totals stay with their jobs."""
    for table in (replica_usage, node_usage):
        for resolution_s in (0, MINUTE_S):
            conn.execute(delete(table).where(table.c.resolution_s == resolution_s, table.c.at < before))


def _series(
    conn: Connection, table: Table, who: Any, wanted: list[Any], *, since: int, until: int, step_s: int
) -> list[dict[str, Any]]:
    """Averages of each one per step, added up over all: so a node that reports more often counts no more."""
    step = bindparam("step_s", step_s, type_=Integer, literal_execute=True)
    begin = ((table.c.at // step) * step).label("begin")
    each = (
        select(
            begin,
            func.sum(table.c.cpu_millicores * table.c.samples) / func.sum(table.c.samples),
            func.max(table.c.memory_mb),
            func.avg(table.c.gpu_pct),
            func.max(table.c.gpu_memory_mb),
            *(func.max(table.c[name]) for name in _allocated(table)),
        )
        .where(*wanted, table.c.at >= since, table.c.at < until)
        .group_by(who, begin)
    )
    by_time: dict[int, dict[str, Any]] = {}
    for at, cpu, memory, gpu_pct, gpu_memory, *allocated in conn.execute(each):
        sum_up = by_time.setdefault(
            int(at),
            {"at": int(at), "cpu_millicores": 0, "memory_mb": 0, "gpu_pcts": [], "gpu_memory_mb": None}
            | ({"allocated": None} if table is node_usage else {}),
        )
        if allocated and None not in allocated:
            known = sum_up["allocated"] or dict.fromkeys(ALLOCATED, 0)
            sum_up["allocated"] = {
                name: known[name] + int(amount) for name, amount in zip(known, allocated, strict=True)
            }
        sum_up["cpu_millicores"] += int(cpu)
        sum_up["memory_mb"] += int(memory)
        if gpu_pct is not None:
            sum_up["gpu_pcts"].append(float(gpu_pct))
        if gpu_memory is not None:
            sum_up["gpu_memory_mb"] = (sum_up["gpu_memory_mb"] or 0) + int(gpu_memory)
    for sum_up in by_time.values():
        pcts = sum_up.pop("gpu_pcts")
        sum_up["gpu_utilization_pct"] = round(sum(pcts) / len(pcts), 1) if pcts else None
    return [by_time[at] for at in sorted(by_time)]


def _allocated(table: Table) -> tuple[str, ...]:
    return tuple(ALLOCATED.values()) if table is node_usage else ()


def _insert(conn: Connection) -> Any:
    return sqlite_insert if conn.dialect.name == "sqlite" else postgresql_insert
