"""Two control planes on one PostgreSQL: killed, stopped past the lease, and cut from the database, under load.

People go on submitting to whichever replica answers, also `exclusive` jobs, and the jobs keep diaries of when they
really ran. At the end the checker that all tests of faults share goes over the whole history: everything that was
acknowledged is there and came to its end, no step that cannot be, nothing over-committed, and rows as they were told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from sqlalchemy import Connection

from lilac.control import rebuilding
from lilac.store.database import Database
from tests.fixtures.diaries import check_diaries, check_output, spans
from tests.fixtures.history import History, check_rows, events_of_connection
from tests.fixtures.invariants import wrong_rows
from tests.fixtures.load import Load
from tests.fixtures.platform import Agent, Api, Server, clean_environment, eventually, lilac
from tests.fixtures.postgres import PostgresServer, running_postgres

T = TypeVar("T")

SMALL = {"cpu_millicores": 50, "memory_mb": 1, "gpus": None}
ONCE = 'echo begin >>"$0"; sleep "$1"; echo end >>"$0"; echo done'


class Pair:
    """Two replicas and one agent that knows both."""

    def __init__(self, directory: Path, url: str) -> None:
        self.url = url
        self.proofs = directory / "proofs"
        self.proofs.mkdir()
        settings = {"LILAC_LOG_DIR": str(directory / "logs"), "LILAC_LEADER_LEASE_S": "1"}
        self.servers = [
            Server(directory / name, database_url=url, settings={**settings, "LILAC_REPLICA_NAME": name})
            for name in ("one", "two")
        ]
        self.jobs: dict[str, Path] = {}

    def leader(self, among: list[Server] | None = None) -> Server:
        return eventually(lambda: next((s for s in among or self.servers if leads(s)), None), 15, "a replica to lead")

    def other(self, server: Server) -> Server:
        return next(s for s in self.servers if s is not server)

    def submit(self, api: Api, seconds: float = 0.1) -> str:
        proof = self.proofs / str(len(self.jobs))
        job = api.submit("/bin/sh", "-c", ONCE, str(proof), str(seconds), resource_requirements=SMALL)
        self.jobs[job] = proof
        return job

    def assert_each_ran_once(self, api: Api) -> None:
        for job, proof in self.jobs.items():
            ended = api.wait(job)
            assert (ended["job_status"], len(ended["attempts"])) == ("succeeded", 1), ended
            assert proof.read_text() == "begin\nend\n", f"{proof} ran twice or not to its end"
            assert api.text(f"/training_jobs/{job}/logs", follow="true") == "done\n", "the output is there exactly once"

    @contextlib.contextmanager
    def people(self) -> Iterator[Crowd]:
        """Two who go on submitting to whoever answers, one of them only exclusive jobs."""
        key = self.leader().api.user_key()
        addresses = lambda: [server.address for server in self.servers]  # noqa: E731
        backwards = lambda: addresses()[::-1]  # noqa: E731
        more = {"resource_requirements": SMALL}
        diaries = self.proofs.with_name("diaries")
        with (
            Load(addresses, key, diaries, pause_s=0.3, longest_s=2.0, more=more) as one,
            Load(backwards, key, diaries, seed=2, pause_s=0.5, longest_s=4.0, more={**more, "exclusive": True}) as two,
        ):
            yield Crowd(one, two)

    def assert_all_is_well(self, api: Api, crowd: Crowd) -> None:
        """All that was acknowledged has succeeded and ran as it was told, and nothing that cannot be is recorded."""
        for job in crowd.acknowledged:
            ended = api.wait(job)
            assert ended["job_status"] == "succeeded", ended
            check_output(api.text(f"/training_jobs/{job}/logs", follow="true"))
        self.assert_each_ran_once(api)
        acknowledged = [*crowd.acknowledged, *self.jobs]
        eventually(lambda: not self._look(lambda conn: _history(conn).unfinished()), 60, "everything to have ended")
        history = self._look(_history)
        history.check_all_ended(acknowledged)
        assert self.wrong() == []
        ran = spans(crowd.plain.diaries)
        check_diaries(ran, exclusive=crowd.alone.acknowledged)
        assert len(ran) == sum(past.attempt for job, past in history.jobs.items() if job not in self.jobs)
        whole = {(span.job_id, span.attempt) for span in ran if span.ended}
        assert whole >= {(job, history.jobs[job].attempt) for job in crowd.acknowledged}

    def wrong(self) -> list[str]:
        """What cannot be, judging by the rows and the history of the database."""
        return self._look(_wrong)

    def _look(self, what: Callable[[Connection], T]) -> T:
        async def look() -> T:
            db = Database.open(self.url)
            await db.start()
            try:
                return await db.read(what)
            finally:
                await db.close()

        return asyncio.run(look())


@dataclass(frozen=True)
class Crowd:
    """Who submits, and what was acknowledged to them."""

    plain: Load
    alone: Load

    @property
    def acknowledged(self) -> list[str]:
        return [*self.plain.acknowledged, *self.alone.acknowledged]

    def go_on(self, more: int) -> None:
        """Return when so many more jobs were acknowledged to each of them."""
        goal = {load: len(load.acknowledged) + more for load in (self.plain, self.alone)}
        eventually(lambda: all(len(load.acknowledged) >= n for load, n in goal.items()), 90, "jobs to be taken")


def _history(conn: Connection) -> History:
    return History().take_all(events_of_connection(conn))


def _wrong(conn: Connection) -> list[str]:
    rebuilding.load(conn)
    history = _history(conn)
    return [*wrong_rows(conn), *history.wrong, *check_rows(conn, history)]


def leads(server: Server) -> bool:
    with contextlib.suppress(httpx2.HTTPError, KeyError):
        return bool(httpx2.get(f"{server.address}/health/ready", timeout=2).json()["leader"])
    return False


@pytest.fixture
def pair(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Pair]:
    with running_pair(tmp_path, postgres_server.create_database()) as running:
        yield running


@contextlib.contextmanager
def running_pair(directory: Path, url: str) -> Iterator[Pair]:
    both = Pair(directory, url)
    one, two = both.servers
    with one, two:
        agent = Agent(directory / "agent", f"{one.address},{two.address}", one.api.cluster_key())
        with agent:
            try:
                eventually(lambda: one.api.get("/nodes")["nodes"], 30, "the node to join")
                yield both
            finally:
                agent.end_replicas()


class Stream:
    """Reads the event stream of a replica from event 0 on, in a thread of its own, until the connection ends."""

    def __init__(self, api: Api) -> None:
        self.seqs: list[int] = []
        self.kinds: list[tuple[str, str | None]] = []
        self._api = api
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        headers = {"Accept": "text/event-stream", "Authorization": self._api._http.headers["Authorization"]}
        with (
            contextlib.suppress(httpx2.HTTPError),
            httpx2.stream("GET", f"{self._api.address}/events?after=0", headers=headers, timeout=60) as reply,
        ):
            for line in reply.iter_lines():
                if line.startswith("id: "):
                    self.seqs.append(int(line[4:]))
                if line.startswith("data: "):
                    told: dict[str, Any] = json.loads(line[6:])
                    self.kinds.append((told["kind"], told.get("job_id")))


@pytest.mark.slow
def test_either_serves_everything_and_both_streams_tell_all_events_in_order(pair: Pair) -> None:
    one, two = pair.servers
    streams = [Stream(server.api) for server in pair.servers]
    for n in range(20):
        pair.submit(pair.servers[n % 2].api, 0.0)
    pair.assert_each_ran_once(one.api)
    pair.assert_each_ran_once(two.api)
    ends = {("job.succeeded", job) for job in pair.jobs}
    for stream in streams:
        eventually(lambda s=stream: ends <= set(s.kinds), 30, "the stream to tell the end of each job")
        assert stream.seqs == sorted(set(stream.seqs)), "in order, none twice"
    common = min(stream.seqs[-1] for stream in streams)
    assert [s for s in streams[0].seqs if s <= common] == [s for s in streams[1].seqs if s <= common], "none is missing"
    assert pair.wrong() == []


@pytest.mark.slow
def test_a_leader_that_is_killed_under_load_is_replaced_and_nothing_is_lost_or_run_twice(pair: Pair) -> None:
    leader = pair.leader()
    survivor = pair.other(leader)
    with pair.people() as people:
        people.go_on(8)
        leader.kill()
        began = time.monotonic()
        job = pair.submit(survivor.api, 0.0)
        survivor.api.wait_until(job, "succeeded")
        print(f"\na job that was submitted after the kill had run {1000 * (time.monotonic() - began):.0f} ms later")
        assert leads(survivor)
        people.go_on(8)
    pair.assert_all_is_well(survivor.api, people)
    leader.restart()
    pair.submit(leader.api, 0.0)
    pair.assert_each_ran_once(leader.api)


@pytest.mark.slow
def test_a_leader_that_is_stopped_past_its_lease_changes_nothing_when_it_goes_on(pair: Pair) -> None:
    leader = pair.leader()
    survivor = pair.other(leader)
    assert leader.process is not None
    with pair.people() as people:
        people.go_on(8)
        leader.process.signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            eventually(lambda: leads(survivor), 15, "the other one to take over")
            print(f"\nthe other one led {1000 * (time.monotonic() - began):.0f} ms after the stop")
            epoch = _epoch(survivor)
            for _ in range(20):
                pair.submit(survivor.api, 0.3)
        finally:
            leader.process.signal(signal.SIGCONT)
        eventually(lambda: httpx2.get(f"{leader.address}/health", timeout=5).status_code == 200, 15, "it to go on")
        for _ in range(10):
            pair.submit(leader.api, 0.0)
        people.go_on(8)
    pair.assert_all_is_well(survivor.api, people)
    assert leads(survivor), "it did not take the lead back"
    assert not leads(leader)
    assert _epoch(survivor) == epoch


@pytest.mark.slow
def test_leaders_that_are_stopped_in_turn_again_and_again_lose_nothing_and_run_nothing_twice(pair: Pair) -> None:
    with pair.people() as people:
        for _ in range(4):
            leader = pair.leader()
            assert leader.process is not None
            people.go_on(3)
            leader.process.signal(signal.SIGSTOP)
            try:
                eventually(lambda s=pair.other(leader): leads(s), 15, "the other one to take over")
            finally:
                leader.process.signal(signal.SIGCONT)
            eventually(lambda s=leader: _answers(s), 30, "it to go on")
    pair.assert_all_is_well(pair.leader().api, people)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["in order", "as by a crash"])
def test_both_go_on_by_themselves_after_the_database_was_away_under_load(tmp_path: Path, how: str) -> None:
    with running_postgres(durable=True) as postgres, running_pair(tmp_path, postgres.create_database()) as pair:
        with pair.people() as people:
            people.go_on(5)
            (postgres.stop if how == "in order" else postgres.kill)()
            time.sleep(12)  # longer than a write tries again, than the lease, and than what is under way
            postgres.start()
            pair.leader()
            for server in pair.servers:
                eventually(lambda s=server: _answers(s), 30, "it to answer again")
                pair.submit(server.api, 0.0)
            people.go_on(5)
        for server in pair.servers:
            pair.assert_all_is_well(server.api, people)
        assert sum(leads(server) for server in pair.servers) == 1


@pytest.mark.slow
def test_a_leader_that_ends_in_order_gives_the_lead_away(pair: Pair) -> None:
    leader = pair.leader()
    survivor = pair.other(leader)
    assert leader.stop() == 0
    pair.leader([survivor])
    pair.submit(survivor.api, 0.0)
    pair.assert_each_ran_once(survivor.api)


def _answers(server: Server) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return httpx2.get(
            f"{server.address}/nodes", headers={"Authorization": server.api._http.headers["Authorization"]}, timeout=30
        ).is_success
    return False


def _epoch(server: Server) -> int:
    found = server.api.get("/replicas")
    assert sum(one["leader"] for one in found["replicas"]) == 1
    return found["epoch"]


def test_a_second_control_plane_on_the_same_sqlite_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Server(tmp_path / "one", database_url=url):
        second = subprocess.run(
            [lilac(), "server", "start", "--port", "0", "--data-dir", str(tmp_path / "two"), "--database-url", url],
            env=clean_environment(tmp_path, {}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 5
    assert "uses the SQLite database" in second.stderr
    assert "PostgreSQL" in second.stderr
    assert "Traceback" not in second.stderr
