"""How state is kept: tables, queries, migrations; on SQLite or PostgreSQL.

    control ── await db.write(fn, …) ──▶ writer thread ── one transaction per batch ──▶ SQLite (WAL) or PostgreSQL
            ── await db.read(fn, …) ───▶ reader threads ─ one snapshot per call ──────▶

`database` owns connections, threads and transactions. `accounts`, `clusters`, `jobs` and `events` hold the queries by
noun: plain functions that take a connection first and give objects of `lilac.model` back. `tables` is the schema and
`migrations` the way to it; `encoding` is what is in the JSON columns; `guards` builds the guarded updates; `faults`
tells what a driver's error means. One set of tables and queries serves both engines.

Invariants: a write that was acknowledged is durable; events are numbered in the order of their commits and written in
the transaction of the change they tell; states change only along the tables of `lilac.model.states`; at most one
attempt of a job is live (a unique index).
"""
