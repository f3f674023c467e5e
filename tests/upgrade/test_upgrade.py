"""From the previous release to this one: its data, its writes, its agent and its server go on working."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from lilac.api.schemas.node import read_report, write_reply
from lilac.model.clusters import RuntimeName
from lilac.model.ids import NodeId
from lilac.store import migrations
from tests.conformance.test_schema import facts
from tests.fixtures.platform import Agent, Server
from tests.fixtures.postgres import PostgresServer
from tests.integration.control.stand import Stand, open_stand
from tests.upgrade.previous import (
    database_of_previous_release,
    engine_of,
    migrate,
    program_of_previous_release,
    recorded,
    recorded_reports,
    write_rows,
)

ENDED = {"succeeded": "succeeded", "failed": "failed", "gang": "succeeded", "cancelled": "cancelled"}
WAITING = {"waiting": "queued", "waiting for a node": "queued"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two empty databases of one kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'other.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    made = server.create_database(), server.create_database()
    yield made
    for url in made:
        server.drop_database(url)


def test_the_schema_of_a_migrated_database_is_that_of_a_new_one(urls: tuple[str, str]) -> None:
    with engine_of(database_of_previous_release(urls[0])) as old, engine_of(urls[1]) as new:
        migrate(old, migrations.HEAD)
        migrate(new, migrations.HEAD)
        with old.begin() as one, new.begin() as other:
            assert facts(one) == facts(other)


def test_what_the_previous_release_writes_is_taken_by_the_new_schema(urls: tuple[str, str]) -> None:
    with engine_of(urls[0]) as engine:
        migrate(engine, migrations.HEAD)
        with engine.begin() as conn:
            write_rows(conn)


@pytest.mark.slow
def test_jobs_queues_people_and_keys_are_there_and_what_waits_runs(urls: tuple[str, str], tmp_path: Path) -> None:
    url = database_of_previous_release(urls[0])
    meta = recorded()["meta"]
    with Server(tmp_path / "server", database_url=url, settings={"LILAC_NODE_LOST_AFTER_S": "2"}) as server:
        api = server.api  # logged in with the administrator's password of before
        jobs = {job["job_name"]: job for job in api.get("/training_jobs")["jobs"]}
        assert {name: job["job_status"] for name, job in jobs.items()} == {**ENDED, **WAITING, "running": "running"}
        assert jobs["failed"]["exit_code"] == 3
        assert (jobs["failed"]["env"], jobs["failed"]["labels"]) == ({"A": "b"}, {"team": "x"})
        assert [(q["name"], q["priority"]) for q in api.get("/queues")] == [("default", 0), ("night", 5)]
        assert {user["username"] for user in api.get("/users")["users"]} == {"admin", "ada"}
        api._http.headers["Authorization"] = f"Bearer {meta['user_key']}"
        assert api.get("/training_jobs/gang")["size"] == {"min": 2, "max": 2}
        api.post("/training_jobs/waiting/cancel")
        settings = tmp_path / "agent" / ".lilac" / "agent.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[labels]\nkind = "new"\n')
        with Agent(tmp_path / "agent", server.address, meta["cluster_key"], name="new-node") as agent:
            done = api.wait(jobs["waiting for a node"]["job_id"], 60)
            assert (done["job_status"], done["node_name"]) == ("succeeded", "new-node")
            assert api.text("/training_jobs/waiting%20for%20a%20node/logs", follow="true") == "at last\n"
            again = api.wait_until(jobs["running"]["job_id"], "running", 60)
            assert again["priority"] == 2
            api.post("/training_jobs/running/cancel")
            assert api.wait(jobs["running"]["job_id"])["job_status"] == "cancelled"
            agent.end_replicas()


async def test_reports_as_the_previous_agent_sent_them_carry_a_job_to_its_end(tmp_path: Path) -> None:
    told = [one["report"] for one in recorded_reports()]
    async with open_stand(tmp_path) as stand:
        idle, begun, ended = told[0], told[2], told[3]
        assert [report["replicas"][0]["state"] for report in (begun, ended)] == ["running", "succeeded"]
        assert (await _send(stand, idle))["replicas"] == []
        spec = replace(stand.spec(cpu=100, memory=16), runtime=RuntimeName.PROCESS, command=("true",), image="")
        job = (await stand.platform.jobs.submit(stand.user, spec)).id
        await stand.settle()
        listed = (await _send(stand, {**told[1], "wait_s": 0}))["replicas"]
        assert [entry["job_id"] for entry in listed] == [job]
        _check_entry(listed[0])
        await _send(stand, _about(job, begun))
        assert await stand.state(job) == "running"
        assert (await _send(stand, _about(job, ended)))["replicas"] == []
        assert await stand.state(job) == "succeeded"
        await stand.check()


@pytest.mark.slow
def test_the_previous_agent_itself_works_for_this_server(tmp_path: Path) -> None:
    old = _program(tmp_path)
    with Server(tmp_path / "server") as server:
        _run_one_job(server, tmp_path, {"PYTHONPATH": str(old)})


@pytest.mark.slow
def test_this_agent_works_for_the_previous_server(tmp_path: Path) -> None:
    old = _program(tmp_path)
    with Server(tmp_path / "server", settings={"PYTHONPATH": str(old)}) as server:
        _run_one_job(server, tmp_path, {})


def _program(tmp_path: Path) -> Path:
    old = program_of_previous_release(tmp_path / "previous")
    if old is None:
        pytest.skip("the repository's history is not here, so there is no previous release; fetch it with git")
    return old


def _run_one_job(server: Server, tmp_path: Path, env: dict[str, str]) -> None:
    api = server.api
    with Agent(tmp_path / "agent", server.address, api.cluster_key(), env=env) as agent:
        job = api.submit("/bin/sh", "-c", "echo begun; sleep 2; echo done")
        api.wait_until(job, "running")
        agent.kill()
        agent.start()
        ended = api.wait(job)
        assert (ended["job_status"], ended["exit_code"], len(ended["attempts"])) == ("succeeded", 0, 1)
        assert api.text(f"/training_jobs/{job}/logs", follow="true") == "begun\ndone\n"
        cancelled = api.submit("sleep", "600")
        api.wait_until(cancelled, "running")
        api.post(f"/training_jobs/{cancelled}/cancel")
        assert api.wait(cancelled)["job_status"] == "cancelled"
        agent.end_replicas()


async def _send(stand: Stand, report: dict[str, Any]) -> dict[str, Any]:
    node_id = NodeId(recorded()["meta"]["node_id"])
    told = read_report(orjson.loads(orjson.dumps({**report, "wait_s": 0})))
    answer = await stand.platform.nodes.status(node_id, stand.cluster_id, told)
    return orjson.loads(orjson.dumps(write_reply(answer, {})))


def _about(job: str, report: dict[str, Any]) -> dict[str, Any]:
    """The report as it is, about another job."""
    report = copy.deepcopy(report)
    for replica in report["replicas"]:
        replica["job_id"] = job
    return report


def _check_entry(entry: dict[str, Any]) -> None:
    """Every field that the previous agent was given is there, and of the same type."""
    before = next(e for one in recorded_reports() for e in one["reply"]["replicas"])
    for name, value in before.items():
        assert name in entry, f"the reply has no {name} any more"
        assert value is None or isinstance(entry[name], type(value)), f"{name}: {entry[name]!r} instead of {value!r}"
