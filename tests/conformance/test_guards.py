"""Updates that hold only in expected states: one winner, nothing after the end, one live attempt."""

from __future__ import annotations

import asyncio

import pytest

from lilac.model.errors import Conflict, IllegalTransition, NotFound
from lilac.model.jobs import Job
from lilac.model.states import (
    AttemptState,
    FailureReason,
    JobState,
    NodeState,
    ReplicaState,
    is_terminal,
)
from lilac.store import clusters, jobs
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make
from tests.conformance.builders import NOW

CHANGING = (
    *("state", "retries", "node_id", "started_at", "finished_at"),
    *("exit_code", "reason", "message", "waterfall", "updated_at"),
)
"""The fields of a job that change, but for the attempt."""
UNFINISHED = [state for state in JobState if not is_terminal(state)]


async def test_of_two_writers_that_want_the_same_step_only_one_wins(database: Database) -> None:
    job = await database.write(make.store_job)

    def finish(tx: Transaction, state: JobState) -> bool:
        return jobs.update_job(tx.conn, job.id, states={JobState.QUEUED}, state=state, finished_at=NOW)

    won = await asyncio.gather(
        database.write(finish, JobState.CANCELLED),
        database.write(finish, JobState.FAILED),
        database.write(finish, JobState.CANCELLED),
    )
    assert won == [True, False, False]
    stored = await database.read(jobs.get_job, job.id)
    assert stored == job.evolve(state=JobState.CANCELLED, finished_at=NOW)


async def test_a_job_that_ended_does_not_change_any_more(database: Database) -> None:
    job = await database.write(lambda tx: make.store_job(tx, state=JobState.SUCCEEDED))

    def change(tx: Transaction) -> bool:
        return jobs.update_job(tx.conn, job.id, states=UNFINISHED, state=JobState.CANCELLED)

    assert not await database.write(change)
    assert await database.read(jobs.get_job, job.id) == job


@pytest.mark.parametrize("end", [state for state in JobState if is_terminal(state)])
async def test_an_update_that_would_leave_a_terminal_state_is_refused_outright(
    database: Database, end: JobState
) -> None:
    job = await database.write(lambda tx: make.store_job(tx, state=end))
    with pytest.raises(IllegalTransition):
        await database.write(lambda tx: jobs.update_job(tx.conn, job.id, states=JobState, state=JobState.QUEUED))
    assert await database.read(jobs.get_job, job.id) == job


async def test_a_step_that_the_state_table_lacks_is_refused(database: Database) -> None:
    job = await database.write(make.store_job)
    with pytest.raises(IllegalTransition, match="queued"):
        await database.write(
            lambda tx: jobs.update_job(tx.conn, job.id, states={JobState.QUEUED}, state=JobState.SUCCEEDED)
        )


async def test_an_older_attempt_changes_nothing(database: Database) -> None:
    job = await database.write(lambda tx: make.store_job(tx, state=JobState.RUNNING, attempt=2))

    def finish(tx: Transaction, attempt: int) -> bool:
        return jobs.update_job(
            tx.conn, job.id, states={JobState.RUNNING}, attempt=attempt, state=JobState.SUCCEEDED, exit_code=0
        )

    assert not await database.write(finish, 1)
    assert await database.read(jobs.get_job, job.id) == job
    assert await database.write(finish, 2)


async def test_every_field_of_what_becomes_of_a_job_can_be_set(database: Database) -> None:
    job = await database.write(make.store_job)
    wanted = job.evolve(
        state=JobState.FAILED,
        attempt=1,
        retries=2,
        node_id=make.new_id(),
        started_at=NOW,
        finished_at=NOW + 1,
        exit_code=1,
        reason=FailureReason.ERROR,
        message="no",
        waterfall={"submitted": NOW},
        updated_at=NOW + 2,
    )

    def change(tx: Transaction, target: Job) -> bool:
        values = {name: getattr(target, name) for name in CHANGING}
        return jobs.update_job(
            tx.conn, job.id, states={JobState.QUEUED}, attempt=0, new_attempt=target.attempt, **values
        )

    assert await database.write(change, wanted)
    assert await database.read(jobs.get_job, job.id) == wanted


async def test_fields_can_be_set_back_to_nothing(database: Database) -> None:
    job = await database.write(
        lambda tx: make.store_job(tx, state=JobState.RUNNING, started_at=NOW, node_id=make.new_id(), message="m")
    )

    def requeue(tx: Transaction) -> bool:
        return jobs.update_job(
            tx.conn,
            job.id,
            states={JobState.RUNNING},
            state=JobState.QUEUED,
            started_at=None,
            node_id=None,
            message=None,
            waterfall={},
        )

    assert await database.write(requeue)
    assert await database.read(jobs.get_job, job.id) == job.evolve(
        state=JobState.QUEUED, started_at=None, node_id=None, message=None, waterfall={}
    )


async def test_a_field_that_jobs_do_not_have_is_refused(database: Database) -> None:
    with pytest.raises(TypeError, match="colour"):
        await database.write(lambda tx: jobs.update_job(tx.conn, make.new_id(), states=JobState, colour="red"))
    with pytest.raises(TypeError, match="nothing"):
        await database.write(lambda tx: jobs.update_job(tx.conn, make.new_id(), states=JobState))


async def test_a_job_has_at_most_one_live_attempt(database: Database) -> None:
    def store(tx: Transaction) -> Job:
        job = make.store_job(tx)
        jobs.insert_attempt(tx.conn, make.an_attempt(job.id, 1))
        return job

    job = await database.write(store)
    with pytest.raises(Conflict):
        await database.write(lambda tx: jobs.insert_attempt(tx.conn, make.an_attempt(job.id, 2)))

    def replace(tx: Transaction) -> None:
        ended = jobs.update_attempt(
            tx.conn,
            job.id,
            1,
            states={AttemptState.STARTING},
            state=AttemptState.LOST,
            finished_at=NOW,
            reason=FailureReason.NODE_LOST,
            message="gone",
        )
        assert ended
        jobs.insert_attempt(tx.conn, make.an_attempt(job.id, 2))

    await database.write(replace)
    first, second = await database.read(jobs.attempts_of, job.id)
    assert (first.state, first.reason, first.message, first.finished_at) == (
        AttemptState.LOST,
        FailureReason.NODE_LOST,
        "gone",
        NOW,
    )
    assert second == make.an_attempt(job.id, 2)


async def test_an_attempt_or_replica_is_stored_once_and_only_for_a_job(database: Database) -> None:
    job = await database.write(make.store_job)
    ended = make.an_attempt(job.id, 1, state=AttemptState.LOST)
    replica = make.a_replica(job.id)

    def store(tx: Transaction) -> None:
        jobs.insert_attempt(tx.conn, ended)
        jobs.insert_replicas(tx.conn, [replica])
        jobs.insert_replicas(tx.conn, [])

    await database.write(store)
    with pytest.raises(Conflict):
        await database.write(lambda tx: jobs.insert_attempt(tx.conn, ended))
    with pytest.raises(Conflict):
        await database.write(lambda tx: jobs.insert_replicas(tx.conn, [make.a_replica(job.id, 1, 1), replica]))
    with pytest.raises(NotFound):
        await database.write(lambda tx: jobs.insert_attempt(tx.conn, make.an_attempt(make.new_id())))
    with pytest.raises(NotFound):
        await database.write(lambda tx: jobs.insert_replicas(tx.conn, [make.a_replica(make.new_id())]))
    assert await database.read(jobs.all_replicas_of, job.id) == [replica]


async def test_a_replica_changes_only_in_an_expected_state(database: Database) -> None:
    def store(tx: Transaction):
        replica = make.a_replica(make.store_job(tx).id)
        jobs.insert_replicas(tx.conn, [replica, make.a_replica(replica.key.job_id, 1, 1)])
        return replica

    replica = await database.write(store)
    alive = [state for state in ReplicaState if not is_terminal(state)]

    def stop(tx: Transaction) -> bool:
        return jobs.update_replica(tx.conn, replica.key, states=alive, stop_wanted=True)

    def end(tx: Transaction) -> bool:
        return jobs.update_replica(
            tx.conn,
            replica.key,
            states=alive,
            state=ReplicaState.STOPPED,
            finished_at=NOW,
            exit_code=143,
            times={"exited": NOW},
        )

    assert await database.write(stop)
    assert await database.write(end)
    assert not await database.write(end)
    assert not await database.write(stop)
    assert await database.read(jobs.replicas_of, replica.key.job_id, 1) == [
        replica.evolve(
            state=ReplicaState.STOPPED, stop_wanted=True, finished_at=NOW, exit_code=143, times={"exited": NOW}
        ),
        (await database.read(jobs.live_replicas))[0],
    ]
    with pytest.raises(IllegalTransition):
        await database.write(
            lambda tx: jobs.update_replica(
                tx.conn, replica.key, states={ReplicaState.STOPPED}, state=ReplicaState.RUNNING
            )
        )


async def test_a_node_changes_state_only_from_an_expected_one(database: Database) -> None:
    cluster = make.a_cluster()
    node = make.a_node(cluster.id)

    def store(tx: Transaction) -> None:
        clusters.insert_cluster(tx.conn, cluster)
        clusters.upsert_node(tx.conn, node)

    await database.write(store)

    def change(tx: Transaction, state: NodeState, *expected: NodeState) -> bool:
        return clusters.set_node_state(tx.conn, node.id, state, expected=expected or None, updated_at=NOW)

    assert not await database.write(change, NodeState.LOST, NodeState.BUSY)
    assert await database.write(change, NodeState.LOST, NodeState.AVAILABLE, NodeState.BUSY)
    assert not await database.write(change, NodeState.LOST, NodeState.AVAILABLE, NodeState.BUSY)
    assert await database.write(change, NodeState.DRAINING)
    assert await database.read(clusters.get_node, node.id) == node.evolve(state=NodeState.DRAINING, updated_at=NOW)


async def test_heartbeats_of_many_nodes_are_noted_at_once_and_never_go_back(database: Database) -> None:
    cluster = make.a_cluster()
    nodes = [make.a_node(cluster.id) for _ in range(3)]

    def store(tx: Transaction) -> None:
        clusters.insert_cluster(tx.conn, cluster)
        for node in nodes:
            clusters.upsert_node(tx.conn, node)

    await database.write(store)
    heard = {nodes[0].id: NOW + 1, nodes[1].id: NOW - 1, make.new_id(): NOW}
    await database.write(lambda tx: clusters.touch_nodes(tx.conn, heard))
    await database.write(lambda tx: clusters.touch_nodes(tx.conn, {}))
    stored = {node.id: node.last_heartbeat for node in await database.read(clusters.list_nodes)}
    assert stored == {nodes[0].id: NOW + 1, nodes[1].id: NOW, nodes[2].id: NOW}
