"""Arrays and idempotency keys, on each engine."""

from __future__ import annotations

import asyncio

from lilac.model.arrays import JobArray, array_id_from, element_id
from lilac.model.ids import QueueId
from lilac.model.indices import IndexSet
from lilac.model.jobs import Job, JobKind
from lilac.model.states import Hold, JobState
from lilac.store import arrays, clusters, jobs, listing, submissions
from lilac.store.database import Database
from lilac.store.listing import JobFilter
from tests.conformance import builders as make


async def a_queue(database: Database) -> QueueId:
    queue = make.a_queue()
    await database.write(lambda tx: clusters.insert_queue(tx.conn, queue))
    return queue.id


def an_array(queue_id: QueueId, *indices: int) -> JobArray:
    every = IndexSet.of(indices)
    return JobArray(
        id=array_id_from(make.new_id()),
        seq=0,
        spec=make.a_full_spec(queue_id),
        indices=every,
        waiting=every,
        running_limit=3,
        state=JobState.QUEUED,
        owner_id=None,
        submitted_at=make.NOW,
        updated_at=make.NOW,
        held=Hold.DEPENDENCY,
    )


async def test_arrays_and_jobs_share_their_numbers(database: Database) -> None:
    queue_id = await a_queue(database)
    stored: list[Job | JobArray] = []
    for _ in range(2):
        stored.append(await database.write(lambda tx: arrays.insert_array(tx.conn, an_array(queue_id, 0, 1))))
        stored += await database.write(lambda tx: jobs.insert_jobs(tx.conn, [make.a_job(queue_id)]))
    assert [work.seq for work in stored] == sorted({work.seq for work in stored})
    first = stored[0]
    assert isinstance(first, JobArray)
    assert await database.read(arrays.get_array, first.id) == first
    assert (await database.read(jobs.waiting_by_queue))[queue_id] == 6
    assert await database.read(jobs.waiting_since) == {queue_id: make.NOW}
    page = await database.read(listing.list_work, JobFilter(), limit=3)
    rest = await database.read(listing.list_work, JobFilter(), limit=3, before_seq=page[-1].seq)
    assert [work.id for work in (*page, *rest)] == [work.id for work in reversed(stored)]


async def test_an_array_changes_only_from_the_version_that_was_read(database: Database) -> None:
    array = an_array(await a_queue(database), *range(10))
    array = await database.write(lambda tx: arrays.insert_array(tx.conn, array))
    less = array.waiting - IndexSet.of([0, 1])
    after = await database.write(lambda tx: arrays.update_array(tx.conn, array, waiting=less, state=JobState.RUNNING))
    assert after is not None
    assert (after.waiting, after.version) == (less, 1)
    assert await database.read(arrays.get_array, array.id) == after
    assert await database.write(lambda tx: arrays.update_array(tx.conn, array, waiting=array.waiting)) is None


async def test_elements_are_told_by_index_whether_they_have_rows_or_not(database: Database) -> None:
    array = an_array(await a_queue(database), *range(8))
    array = await database.write(lambda tx: arrays.insert_array(tx.conn, array))
    rows = [array.row_of(index).evolve(state=JobState.SUCCEEDED) for index in (1, 4)]
    await database.write(lambda tx: jobs.insert_jobs(tx.conn, rows))
    gone = IndexSet.of([6, 7])
    waiting = array.waiting - IndexSet.of([1, 4]) - gone
    changed = await database.write(lambda tx: arrays.update_array(tx.conn, array, waiting=waiting, cancelled=gone))
    assert changed is not None

    async def told(above: int, limit: int, *states: JobState) -> list[int]:
        found = await database.read(
            lambda conn: list(arrays.elements_of(conn, changed, states=states or None, above=above, limit=limit))
        )
        assert all(has_row is (index in (1, 4)) for index, has_row in found)
        return [index for index, _ in found]

    assert await told(-1, 100) == [*range(8)]
    assert await told(1, 3) == [2, 3, 4]
    assert await told(-1, 100, JobState.SUCCEEDED, JobState.CANCELLED) == [1, 4, 6, 7]
    counted = (await database.read(arrays.with_counts, [changed]))[array.id].counts
    assert counted == {JobState.SUCCEEDED: 2, JobState.QUEUED: 4, JobState.CANCELLED: 2}
    assert (await database.read(listing.count_work, JobFilter()))[JobState.SUCCEEDED] == 2
    assert (await database.read(jobs.get_element, array.id, 4)) is not None
    assert (await database.read(jobs.get_job, element_id(array.id, 2))) is None
    listed = await database.read(listing.list_work, JobFilter(array_id=array.id), limit=10)
    assert [work.id for work in listed] == [element_id(array.id, 4), element_id(array.id, 1)]
    assert [work.id for work in await database.read(listing.list_work, JobFilter(), limit=10)] == [array.id]


async def test_lists_filter_by_label_text_kind_and_time(database: Database) -> None:
    queue_id = await a_queue(database)
    array = an_array(queue_id, 0)
    plain = [make.a_job(queue_id, name=f"Train_{n}%", submitted_at=make.NOW + 1000 * n) for n in range(6)]
    stored = await database.write(lambda tx: jobs.insert_jobs(tx.conn, plain))
    array = await database.write(lambda tx: arrays.insert_array(tx.conn, array))
    labels = [("team=vision", array.seq), *[("team=vision", job.seq) for job in stored[:3]], ("x=1", stored[1].seq)]
    await database.write(lambda tx: jobs.insert_labels(tx.conn, labels))

    async def found(**where: object) -> list[str]:
        page = await database.read(listing.list_work, JobFilter(**where), limit=10)  # type: ignore[arg-type]
        counts = await database.read(listing.count_work, JobFilter(**where))  # type: ignore[arg-type]
        assert sum(counts.values()) == len(page)
        return [work.id for work in reversed(page)]

    ids = [job.id for job in stored]
    assert await found(labels=["team=vision"]) == [*ids[:3], array.id]
    assert await found(labels=["team=vision", "x=1"]) == [ids[1]]
    assert await found(text="train_3%") == [ids[3]]
    assert await found(text="_") == ids
    assert await found(kind=JobKind.ELASTIC) == [array.id]
    assert await found(since=make.NOW + 2000, until=make.NOW + 4000) == ids[2:4]
    assert await found(since=make.NOW + 9000) == []


async def test_of_many_submissions_with_one_key_one_is_made(database: Database) -> None:
    async def send(number: int) -> tuple[str, str] | None:
        return await database.write(
            lambda tx: submissions.claim(tx.conn, "ada", "k", digest="d", reply=str(number), now=make.NOW)
        )

    answers = await asyncio.gather(*map(send, range(20)))
    assert [answer is None for answer in answers].count(True) == 1
    winner = answers.index(None)
    assert {answer for answer in answers if answer is not None} == {("d", str(winner))}
    assert await database.read(submissions.answer, "eve", "k") is None
    assert await database.write(lambda tx: submissions.forget(tx.conn, before=make.NOW)) == 0
    assert await database.write(lambda tx: submissions.forget(tx.conn, before=make.NOW + 1)) == 1
