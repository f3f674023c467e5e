"""The checker of invariants is exact, also when its look shares a transaction with other changes."""

from __future__ import annotations

from typing import Any

import pytest

from lilac.control import records
from lilac.model.ids import JobId
from lilac.model.lifecycle import cancel
from lilac.store.database import Transaction
from tests.conformance.builders import Gate, queue_up
from tests.integration.control.stand import Stand


def ending(stand: Stand, *, tell: bool = True) -> Any:
    """An operation that cancels a job, and one that forgets to tell it to what is kept in memory."""

    def end(tx: Transaction, job_id: str) -> None:
        before = records.load_work(tx.conn, JobId(job_id))
        assert before is not None
        outcome = cancel(before, actor="user:ada", now=stand.clock.now)
        records.save(tx, before, outcome)
        if tell:
            tx.after(stand.platform.projection.take, outcome.work)

    return end


async def look_between(stand: Stand, before: Any, after: Any) -> None:
    """Check in one transaction with the end of a job before and the end of another after it."""
    database, gate = stand.platform.db, Gate()
    first, last = [await stand.submit(), await stand.submit()]
    commits = database.commits
    await gate.hold(database)
    try:
        tasks = await queue_up(database.write(before, first), stand.check(), database.write(after, last))
    finally:
        await gate.released()
    await tasks[0]
    await tasks[2]
    assert database.commits == commits + 2, "the gate's own, and one for the three"
    await tasks[1]


async def test_a_look_in_the_middle_of_a_transaction_finds_nothing_wrong_where_all_is_well(stand: Stand) -> None:
    await look_between(stand, ending(stand), ending(stand))
    await stand.check()


async def test_a_change_before_the_look_that_memory_was_not_told_of_is_found(stand: Stand) -> None:
    with pytest.raises(AssertionError, match="waiting: kept"):
        await look_between(stand, ending(stand, tell=False), ending(stand))


async def test_a_change_after_the_look_is_found_by_the_next_one(stand: Stand) -> None:
    await look_between(stand, ending(stand), ending(stand, tell=False))
    with pytest.raises(AssertionError, match="waiting: kept"):
        await stand.check()


async def test_an_event_that_the_same_transaction_has_yet_to_store_is_judged_and_not_kept(stand: Stand) -> None:
    """Elsewise it would be taken a second time once it is stored."""

    def twice(tx: Transaction, job_id: str) -> None:
        ending(stand)(tx, job_id)
        tx.record(tx.recorded[-1])

    with pytest.raises(AssertionError, match="takes it from cancelled to cancelled"):
        await look_between(stand, twice, ending(stand))
