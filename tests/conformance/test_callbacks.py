"""What is told after a commit: everything that was committed, in order, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from lilac.store import accounts
from lilac.store.database import Database, Transaction


def put(tx: Transaction, key: str, told: list[str]) -> None:
    accounts.put_setting_once(tx.conn, key, "1")
    tx.after(told.append, key)


def put_and_fail(tx: Transaction, key: str, told: list[str]) -> None:
    put(tx, key, told)
    raise ValueError(key)


async def test_callbacks_come_in_commit_order_before_the_writers_go_on(database: Database) -> None:
    told: list[str] = []
    await asyncio.gather(*(database.write(put, f"k{n}", told) for n in range(50)))
    assert told == [f"k{n}" for n in range(50)]


async def test_nothing_is_told_of_what_was_rolled_back(database: Database) -> None:
    told: list[str] = []
    results = await asyncio.gather(
        database.write(put, "a", told),
        database.write(put_and_fail, "b", told),
        database.write(put, "c", told),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert told == ["a", "c"]


async def test_a_writer_that_was_cancelled_meanwhile_is_told_of_all_the_same(database: Database) -> None:
    told: list[str] = []
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Transaction) -> None:
        loop.call_soon_threadsafe(started.set)
        put(tx, "slow", told)

    writer = asyncio.ensure_future(database.write(slow))
    await started.wait()
    writer.cancel()
    await database.write(put, "next", told)
    assert told == ["slow", "next"]


async def test_a_callback_that_fails_is_reported_and_stops_neither_the_others_nor_the_writer(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    stale: list[bool] = []
    database.on_stale = lambda: stale.append(True)

    def failing(tx: Transaction) -> None:
        tx.after(lambda: 1 / 0)
        put(tx, "after", told)

    await database.write(failing)
    assert (told, stale) == (["after"], [True])
    assert "what follows a commit failed" in caplog.text
