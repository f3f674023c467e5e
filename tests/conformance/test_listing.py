"""Finding, counting and paging through jobs."""

from __future__ import annotations

import random

import pytest

from lilac.model.ids import QueueId
from lilac.model.jobs import Job
from lilac.model.states import JobState
from lilac.store import accounts, clusters, jobs, listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter
from tests.conformance import builders as make


async def test_pages_of_three_thousand_jobs_have_no_gap_and_no_repeat(database: Database) -> None:
    chosen = random.Random(7)
    states = [chosen.choice(list(JobState)) for _ in range(3000)]

    def store(tx: Transaction) -> list[Job]:
        queue = make.store_queue(tx)
        return jobs.insert_jobs(tx.conn, [make.a_job(queue.id, state=state) for state in states])

    stored = await database.write(store)
    for where in (JobFilter(), JobFilter(states={JobState.FAILED, JobState.QUEUED})):
        wanted = [job for job in reversed(stored) if where.states is None or job.state in where.states]
        seen: list[Job] = []
        before = stored[-1].seq + 1
        while page := await database.read(listing.list_jobs, where, limit=271, before_seq=before):
            seen += page
            before = page[-1].seq
            # New jobs come before the first page, so they do not shift the pages that follow.
            await database.write(make.store_job)
        assert seen == wanted
    waiting = await database.read(lambda conn: list(jobs.waiting_jobs(conn)))
    assert waiting[: states.count(JobState.QUEUED)] == [job for job in stored if job.state is JobState.QUEUED]
    live = [job for job in stored if job.state in (JobState.STARTING, JobState.RUNNING)]
    assert await database.read(jobs.live_jobs) == live


async def test_numbers_of_jobs_ascend_over_transactions_and_are_never_given_twice(database: Database) -> None:
    first = await database.write(make.store_job)
    failed: list[int] = []

    def fail(tx: Transaction) -> None:
        failed.append(make.store_job(tx).seq)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        await database.write(fail)
    second = await database.write(make.store_job)
    assert first.seq < second.seq


@pytest.fixture
async def some_jobs(database: Database) -> dict[str, Job]:
    """Three jobs: `a` and `b` in one queue, `c` in another; `b` and `c` of one owner; `c` on a known node."""

    def store(tx: Transaction) -> dict[str, Job]:
        owner, cluster = make.a_user(), make.a_cluster()
        node = make.a_node(cluster.id)
        accounts.insert_user(tx.conn, owner, "hash")
        clusters.insert_cluster(tx.conn, cluster)
        clusters.upsert_node(tx.conn, node)
        day, night = make.store_queue(tx), make.store_queue(tx)
        running = {"state": JobState.RUNNING, "node_id": node.id}
        new = [
            make.a_job(day.id, name="a"),
            make.a_job(day.id, name="same", owner_id=owner.id),
            make.a_job(night.id, name="same", owner_id=owner.id, **running),
        ]
        return dict(zip("abc", jobs.insert_jobs(tx.conn, new), strict=True))

    return await database.write(store)


async def test_jobs_are_listed_by_each_thing_and_by_all_together(database: Database, some_jobs: dict[str, Job]) -> None:
    a, b, c = some_jobs.values()

    async def listed(**where: object) -> list[Job]:
        return await database.read(listing.list_jobs, JobFilter(**where), limit=10)  # pyright: ignore

    assert await listed() == [c, b, a]
    assert await listed(ids=[a.id, c.id, make.new_id()]) == [c, a]
    assert await listed(ids=[]) == []
    assert await listed(name="same") == [c, b]
    assert await listed(states=[JobState.QUEUED]) == [b, a]
    assert await listed(states=[]) == []
    assert await listed(queue_id=a.spec.queue_id) == [b, a]
    assert await listed(owner_id=b.owner_id) == [c, b]
    node = (await database.read(clusters.list_nodes))[0]
    assert await listed(cluster_id=node.cluster_id) == [c]
    assert await listed(cluster_id=make.new_id()) == []
    assert await listed(name="same", states=[JobState.QUEUED], queue_id=b.spec.queue_id, owner_id=b.owner_id) == [b]


async def test_a_name_means_the_newest_job_of_that_name(database: Database, some_jobs: dict[str, Job]) -> None:
    _, b, c = some_jobs.values()
    assert await database.read(listing.find_by_name, "same") == c
    assert await database.read(listing.find_by_name, "same", b.owner_id) == c
    assert await database.read(listing.find_by_name, "same", make.new_id()) is None


async def test_jobs_are_counted_by_state_and_waiting_ones_by_queue(
    database: Database, some_jobs: dict[str, Job]
) -> None:
    a, _, c = some_jobs.values()
    nothing = dict.fromkeys(JobState, 0)
    assert await database.read(jobs.count_by_state) == nothing | {JobState.QUEUED: 2, JobState.RUNNING: 1}
    assert await database.read(jobs.count_by_state, c.spec.queue_id) == nothing | {JobState.RUNNING: 1}
    assert await database.read(jobs.count_by_state, QueueId(make.new_id())) == nothing
    assert await database.read(jobs.waiting_by_queue) == {a.spec.queue_id: 2}
    assert await database.read(jobs.waiting_since) == {a.spec.queue_id: a.submitted_at}


async def test_storing_no_jobs_gives_no_jobs(database: Database) -> None:
    assert await database.write(lambda tx: jobs.insert_jobs(tx.conn, [])) == []
    assert await database.read(jobs.get_jobs, []) == {}


async def test_text_is_found_anywhere_in_a_name_in_any_case_and_means_itself(database: Database) -> None:
    names = ["Train-077_a", "train-77", "TRAIN-077%b", "077", "trän-077"]

    def store(tx: Transaction) -> None:
        queue = make.store_queue(tx)
        jobs.insert_jobs(tx.conn, [make.a_job(queue.id, name=name) for name in names])

    await database.write(store)
    for text, found in {
        "train-077": ["TRAIN-077%b", "Train-077_a"],
        "-077": ["trän-077", "TRAIN-077%b", "Train-077_a"],
        "77": names[::-1],
        "077%B": ["TRAIN-077%b"],
        "7_A": ["Train-077_a"],
        "IN-7": ["train-77"],
        "ä": ["trän-077"],
        "-0777": [],
    }.items():
        listed = await database.read(listing.list_jobs, JobFilter(text=text), limit=10)
        assert [job.spec.name for job in listed] == found, text
