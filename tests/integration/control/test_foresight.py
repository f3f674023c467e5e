"""Plans looked into, questions of what would be, and jobs moved in line: over HTTP, and `lilac replay`."""

from __future__ import annotations

import json
from pathlib import Path

from lilac.cli.app import run
from lilac.model.accounts import KeyScope
from lilac.model.limits import Limits
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand


async def test_a_question_is_answered_and_changes_nothing(stand: Stand, client: Clients) -> None:
    ada, bob = await client(stand.user), await client(await stand.add_user("bob"))
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    running = await stand.submit(time_limit_s=600)
    await agent.run_until_running()
    waiting = await stand.submit(time_limit_s=60)
    asked = {
        "name": "asked",
        "definition": "debian:12",
        "queue_id": "default",
        "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 1000},
        "priority": 1,
        "time_limit_s": 60,
    }
    told = (await ada.post("/what-if", json={"submit": asked})).json()
    assert (told["submitted"]["starts_now"], told["submitted"]["code"]) == (False, "resources")
    assert told["submitted"]["start"] is not None
    assert [each["job_id"] for each in told["jobs"]] == [waiting]
    assert told["jobs"][0]["after"] > told["jobs"][0]["before"]
    told = (await bob.post("/what-if", json={"submit": asked})).json()
    assert (told["jobs"], told["others"]) == ([], {"earlier": 0, "later": 1})
    assert (await bob.post("/what-if", json={"cancel": [running]})).status_code == 404
    told = (await ada.post("/what-if", json={"add_nodes": [{"like": "node-1", "count": 2}]})).json()
    assert [each["after"] for each in told["jobs"]] == [told["now"]]
    told = (
        await ada.post("/what-if", json={"priorities": [{"job": waiting, "priority": 3}], "drain": ["node-1"]})
    ).json()
    assert [each["after"] for each in told["jobs"]] == [None]
    assert [await stand.state(job) for job in (running, waiting)] == ["running", "queued"]
    await stand.check()


async def test_the_last_plan_and_its_snapshot_can_be_had_and_replayed(
    stand: Stand, client: Clients, tmp_path: Path, capsys
) -> None:
    root, ada = await client(await stand.admin()), await client(stand.user)
    agent = FakeAgent(stand, cpu=2000)
    await agent.beat()
    await stand.submit()
    big = await stand.submit(cpu=4000)
    await stand.settle()
    told = (await root.get("/plan")).json()
    assert (told["waiting"], told["running"]) == (1, 1)
    assert [(each["code"], each["jobs"]) for each in told["blocked"]] == [("never_fits", 1)]
    assert {(await ada.get(path)).status_code for path in ("/plan", "/plan/snapshot")} == {403}
    kept = tmp_path / "snapshot.json"
    kept.write_bytes((await root.get("/plan/snapshot")).content)
    outputs = []
    for _ in range(2):
        assert run(["replay", str(kept), "--output", "json"]) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert outputs[0] == outputs[1]
    assert outputs[0]["blocked"][0]["code"] == "never_fits"
    assert run(["replay", str(kept)]) == 0
    assert "1 wait  never_fits" in capsys.readouterr().out
    assert big in kept.read_text()
    kept.write_text("{}")
    assert run(["replay", str(kept)]) == 2


async def test_a_waiting_job_is_moved_in_line_and_to_another_queue(stand: Stand, client: Clients) -> None:
    ada, bob = await client(stand.user), await client(await stand.add_user("bob"))
    fast = await stand.add_queue("fast", -1)
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    running = await stand.submit()
    await agent.run_until_running()
    first, second, third = [await stand.submit() for _ in range(3)]
    moved = (await ada.patch(f"/training_jobs/{third}", json={"priority": 5})).json()
    assert (moved["priority"], moved["job_status"]) == (5, "queued")
    assert (await ada.patch(f"/training_jobs/{second}", json={"queue_id": "fast"})).json()["queue_id"] == fast
    assert (await bob.patch(f"/training_jobs/{first}", json={"priority": 9})).status_code == 404
    assert (await ada.patch(f"/training_jobs/{running}", json={"priority": 9})).status_code == 409
    key = await stand.platform.accounts.keys.create(await stand.admin(), scope=KeyScope.SUBMIT)
    submitting = await client(key.text)  # an administrator's, but good for own jobs only
    assert (await submitting.patch(f"/training_jobs/{first}", json={"priority": 9})).status_code == 403
    await stand.platform.directory.edit_queue(ROOT, "fast", {"limits": Limits(waiting_jobs=1)})
    assert (await ada.patch(f"/training_jobs/{first}", json={"queue_id": "fast"})).status_code == 429
    await stand.restart()
    await stand.check()
    order: list[str] = []
    for _ in range(3):
        agent.become("succeeded", exit_code=0)
        await agent.beat()
        await agent.run_until_running()
        order += [job for job in (first, second, third) if job not in order and await stand.state(job) == "running"]
    assert order == [second, third, first]
    await stand.check()


async def test_the_line_of_a_queue_is_told_in_turn_with_expected_starts(stand: Stand, client: Clients) -> None:
    ada, bob = await client(stand.user), await stand.add_user("bob")
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    await stand.submit(time_limit_s=600)
    await agent.run_until_running()
    last, first = await stand.submit(time_limit_s=60), await stand.submit(time_limit_s=60, priority=1)
    other = await stand.submit(by=bob)
    await stand.settle()
    told = (await ada.get("/queues/default/line")).json()
    assert [(each["job_id"], each["position"]) for each in told["jobs"]] == [(first, 1), (last, 2)]
    assert told["waiting_jobs"] == 3
    assert told["jobs"][0]["expected_start"] < told["jobs"][1]["expected_start"]
    assert {each["code"] for each in told["jobs"]} == {"resources"}
    assert {each["owner"] for each in told["jobs"]} == {"ada"}
    whole = (await (await client(await stand.admin())).get("/queues/default/line")).json()
    assert [each["job_id"] for each in whole["jobs"]] == [first, last, other]
    assert [each["owner"] for each in whole["jobs"]] == ["ada", "ada", "bob"]


async def test_a_question_says_where_a_job_would_start_and_what_is_wrong_with_it(stand: Stand, client: Clients) -> None:
    ada = await client(stand.user)
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    asked = {
        "name": "asked",
        "definition": "debian:12",
        "queue_id": "default",
        "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 1000},
    }
    told = (await ada.post("/what-if", json={"submit": asked})).json()["submitted"]
    assert (told["starts_now"], [each["name"] for each in told["nodes"]]) == (True, ["node-1"])
    for wrong, field in (
        ({"array": "9-0"}, "array"),
        ({"after": [{"job_id": "nobody"}]}, "after"),
        ({"secrets": [{"name": "unknown", "env": "X"}]}, "secrets.name"),
    ):
        reply = await ada.post("/what-if", json={"submit": asked | wrong})
        assert (reply.status_code, reply.json()["field"]) == (422, field), reply.text
    queue = (await ada.get("/queues/default")).json()
    assert queue["in_use"] == {"running_jobs": 0, "gpus": 0, "cpu_millicores": 0, "memory_mb": 0}
    await stand.submit(cpu=700)
    await agent.run_until_running()
    [queue] = (await ada.get("/queues")).json()
    assert (queue["in_use"]["running_jobs"], queue["in_use"]["cpu_millicores"]) == (1, 700)


async def test_a_member_is_told_how_many_jobs_of_others_would_make_room_but_not_which(
    stand: Stand, client: Clients
) -> None:
    ada, bob, root = (
        await client(stand.user),
        await client(await stand.add_user("bob")),
        await client(await stand.admin()),
    )
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    running = await stand.submit(preemptible=True)
    await agent.run_until_running()
    question = {
        "submit": {
            "name": "asked",
            "definition": "debian:12",
            "queue_id": "default",
            "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 1000},
            "priority": 1,
        }
    }
    for who, preempts, others in ((ada, [running], 0), (bob, [], 1), (root, [running], 0)):
        reply = await who.post("/what-if", json=question)
        told = reply.json()["submitted"]
        assert (told["preempts"], told["preempts_others"]) == (preempts, others)
        assert (running in reply.text) is bool(preempts)
