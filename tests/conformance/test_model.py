"""Guarded updates compared with a plain dictionary, over random histories of a job, its attempts and replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from lilac.model.errors import Conflict, IllegalTransition
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.jobs import Attempt, Job, Replica
from lilac.model.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    REPLICA_TRANSITIONS,
    AttemptState,
    JobState,
    ReplicaState,
    is_terminal,
)
from lilac.store import jobs
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make

T = TypeVar("T")

NUMBERS = st.integers(1, 3)
RANKS = st.integers(0, 1)
TIMES = st.one_of(st.none(), st.floats(0, 1e10))


def some(states: Any) -> Any:
    return st.sets(st.sampled_from(list(states)))


class History(RuleBasedStateMachine):
    """The model: what is stored is exactly what the dictionary holds."""

    def __init__(self, run: Callable[[Any], Any], database: Database) -> None:
        super().__init__()
        self._run = run
        self._database = database
        self.attempts: dict[int, Attempt] = {}
        self.replicas: dict[ReplicaKey, Replica] = {}

    @initialize()
    def submit(self) -> None:
        self.job: Job = self._write(make.store_job)

    @rule(
        states=some(JobState),
        new=st.one_of(st.none(), st.sampled_from(JobState)),
        guard=st.one_of(st.none(), st.integers(0, 3)),
        attempt=st.one_of(st.none(), NUMBERS),
        finished_at=TIMES,
    )
    def change_job(
        self, states: set[JobState], new: JobState | None, guard: int | None, attempt: int | None, finished_at: Any
    ) -> None:
        values: dict[str, Any] = {"finished_at": finished_at} | ({} if new is None else {"state": new})
        changed = self._guarded(
            lambda tx: jobs.update_job(
                tx.conn, self.job.id, states=states, attempt=guard, new_attempt=attempt, **values
            ),
            JOB_TRANSITIONS,
            states,
            new,
        )
        wanted = self.job.state in states and guard in (None, self.job.attempt)
        if changed is None:
            return
        assert changed == wanted
        if changed:
            self.job = self.job.evolve(**values, **({} if attempt is None else {"attempt": attempt}))

    @rule(number=NUMBERS, state=st.sampled_from(AttemptState))
    def begin(self, number: int, state: AttemptState) -> None:
        new = make.an_attempt(self.job.id, number, state=state)
        live = any(not is_terminal(attempt.state) for attempt in self.attempts.values())
        refused = number in self.attempts or (live and not is_terminal(state))
        if refused:
            with pytest.raises(Conflict):
                self._write(lambda tx: jobs.insert_attempt(tx.conn, new))
        else:
            self._write(lambda tx: jobs.insert_attempt(tx.conn, new))
            self.attempts[number] = new

    @rule(number=NUMBERS, states=some(AttemptState), new=st.sampled_from(AttemptState), finished_at=TIMES)
    def change_attempt(self, number: int, states: set[AttemptState], new: AttemptState, finished_at: Any) -> None:
        changed = self._guarded(
            lambda tx: jobs.update_attempt(
                tx.conn, self.job.id, number, states=states, state=new, finished_at=finished_at
            ),
            ATTEMPT_TRANSITIONS,
            states,
            new,
        )
        old = self.attempts.get(number)
        if changed is None:
            return
        assert changed == (old is not None and old.state in states)
        if changed:
            self.attempts[number] = make.an_attempt(self.job.id, number, state=new, finished_at=finished_at)

    @rule(number=NUMBERS, rank=RANKS)
    def place(self, number: int, rank: int) -> None:
        new = make.a_replica(self.job.id, number, rank)
        if new.key in self.replicas:
            with pytest.raises(Conflict):
                self._write(lambda tx: jobs.insert_replicas(tx.conn, [new]))
        else:
            self._write(lambda tx: jobs.insert_replicas(tx.conn, [new]))
            self.replicas[new.key] = new

    @rule(number=NUMBERS, rank=RANKS, states=some(ReplicaState), new=st.sampled_from(ReplicaState), stop=st.booleans())
    def change_replica(self, number: int, rank: int, states: set[ReplicaState], new: ReplicaState, stop: bool) -> None:
        key = ReplicaKey(JobId(self.job.id), number, rank)
        changed = self._guarded(
            lambda tx: jobs.update_replica(tx.conn, key, states=states, state=new, stop_wanted=stop),
            REPLICA_TRANSITIONS,
            states,
            new,
        )
        old = self.replicas.get(key)
        if changed is None:
            return
        assert changed == (old is not None and old.state in states)
        if changed and old is not None:
            self.replicas[key] = old.evolve(state=new, stop_wanted=stop)

    @invariant()
    def what_is_stored_is_what_the_model_holds(self) -> None:
        if not hasattr(self, "job"):
            return
        job, attempts, replicas = self._run(
            self._database.read(
                lambda conn: (
                    jobs.get_job(conn, self.job.id),
                    jobs.attempts_of(conn, self.job.id),
                    jobs.all_replicas_of(conn, self.job.id),
                )
            )
        )
        assert job == self.job
        assert attempts == [attempt for _, attempt in sorted(self.attempts.items())]
        assert replicas == [replica for _, replica in sorted(self.replicas.items())]

    def _guarded(self, change: Callable[[Transaction], bool], table: Any, states: set[Any], new: Any) -> bool | None:
        """Whether the row was changed; None if the step was refused, as the table demands."""
        legal = new is None or all(new == old or new in table[old] for old in states)
        if legal:
            return self._write(change)
        with pytest.raises(IllegalTransition):
            self._write(change)
        return None

    def _write(self, fn: Callable[[Transaction], T]) -> T:
        return self._run(self._database.write(fn))


def test_guarded_updates_do_what_a_dictionary_would_do(url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database.open(url)
        runner.run(database.start())
        try:
            run_state_machine_as_test(
                lambda: History(runner.run, database),  # pyright: ignore[reportArgumentType]
                settings=settings(
                    max_examples=30,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(database.close())
