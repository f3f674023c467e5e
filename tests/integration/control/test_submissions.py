"""Jobs in bulk, once and only once, filtered, tried again: by the HTTP interface."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from lilac.control import submitting
from lilac.model.jobs import Job
from lilac.model.retrying import RetryBudget
from lilac.model.states import Hold
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import FakeAgent, Stand

JOB: dict[str, Any] = {
    "name": "train",
    "definition": "debian:12",
    "queue_id": "default",
    "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 100, "gpus": None},
}


@pytest.fixture
async def ada(stand: Stand, client: Clients) -> httpx2.AsyncClient:
    return await client(stand.user)


async def post(api: httpx2.AsyncClient, path: str, body: Any, status: int, **headers: str) -> Any:
    reply = await api.post(path, json=body, headers=headers)
    assert reply.status_code == status, reply.text
    return reply.json()


async def listed(api: httpx2.AsyncClient, **query: Any) -> list[str]:
    reply = await api.get("/training_jobs", params=query)
    assert reply.status_code == 200, reply.text
    return [job["job_name"] for job in reply.json()["jobs"]]


async def test_a_list_is_stored_whole_or_not_at_all(stand: Stand, ada: httpx2.AsyncClient) -> None:
    jobs = [{**JOB, "name": f"job-{n}"} for n in range(500)]
    answer = await post(ada, "/training_jobs/bulk", {"jobs": jobs}, 201)
    assert [job["name"] for job in answer["jobs"]] == [job["name"] for job in jobs]
    assert await listed(ada, limit=3) == ["job-499", "job-498", "job-497"]
    sparse = {**JOB, "array": "0-19998:2"}
    await post(ada, "/training_jobs/bulk", {"jobs": [sparse] * 3}, 422)
    wrong = [*jobs, {**JOB, "name": ""}]
    answer = await post(ada, "/training_jobs/bulk", {"jobs": wrong}, 422)
    assert (answer["error"], answer["field"]) == ("jobs[500]: name must not be empty.", "jobs.500.name")
    counts = (await ada.get("/training_jobs/summary")).json()
    assert (counts["total"], counts["counts"]["queued"]) == (500, 500)
    await stand.settle()
    await stand.check()


async def test_alike_jobs_of_a_list_each_keep_what_is_their_own_and_are_each_checked(
    stand: Stand, ada: httpx2.AsyncClient
) -> None:
    own: list[dict[str, Any]] = [
        {"name": "a", "command": ["true"], "env": {"X": "1"}, "labels": {"k": "a"}},
        {"name": "b", "args": ["-v"], "env": {}, "labels": {"k": "b"}},
        {"name": "c", "priority": 3},
        {"name": "d", "priority": 3, "command": ["false"], "after": [{"job_id": "#0"}]},
    ]
    answer = await post(ada, "/training_jobs/bulk", {"jobs": [JOB | each for each in own]}, 201)
    found = [(await ada.get(f"/training_jobs/{job['id']}")).json() for job in answer["jobs"]]
    assert [job["command"] for job in found] == [["true"], None, None, ["false"]]
    assert [job["args"] for job in found] == [[], ["-v"], [], []]
    assert [job["env"] for job in found] == [{"X": "1"}, {}, {}, {}]
    assert [job["labels"] for job in found] == [{"k": "a"}, {"k": "b"}, {}, {}]
    assert [job["priority"] for job in found] == [0, 0, 3, 3]
    assert [len(job["after"]) for job in found] == [0, 0, 0, 1]
    assert await listed(ada, label="k=b") == ["b"]
    for wrong, field in (
        ({"command": []}, "command"),
        ({"command": ["a\0"]}, "command"),
        ({"args": ["\0"]}, "args"),
        ({"env": {"A=B": "1"}}, "env"),
        ({"labels": {"k": "\0"}}, "labels"),
        ({"name": "two\nlines"}, "name"),
    ):
        answer = await post(ada, "/training_jobs/bulk", {"jobs": [JOB, JOB, {**JOB, **wrong}]}, 422)
        assert answer["field"] == f"jobs.2.{field}"
    await stand.check()


@pytest.mark.parametrize(("path", "body"), [("/training_jobs", JOB), ("/training_jobs/bulk", {"jobs": [JOB, JOB]})])
async def test_the_same_submission_with_the_same_key_is_made_once(
    ada: httpx2.AsyncClient, path: str, body: Any
) -> None:
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = await post(ada, path, body, 201, **key)
    turned = dict(reversed(body.items()))
    assert await post(ada, path, turned, 201, **key) == first


async def test_another_submission_with_the_same_key_is_refused(
    stand: Stand, client: Clients, ada: httpx2.AsyncClient
) -> None:
    first = await post(ada, "/training_jobs", JOB, 201, **{"Idempotency-Key": "k"})
    assert await post(ada, "/training_jobs", JOB, 201, **{"Idempotency-Key": "k"}) == first
    await post(ada, "/training_jobs", {**JOB, "name": "other"}, 409, **{"Idempotency-Key": "k"})
    await post(ada, "/training_jobs", JOB, 422, **{"Idempotency-Key": "k" * 256})
    nested: Any = None
    for _ in range(300):
        nested = [nested]
    await post(ada, "/training_jobs", {**JOB, "extra": nested}, 422, **{"Idempotency-Key": "n"})
    eve = await client(await stand.add_user("eve"))
    assert (await post(eve, "/training_jobs", JOB, 201, **{"Idempotency-Key": "k"}))["id"] != first["id"]
    assert len(await listed(ada)) == 1
    stand.clock.now += 47 * 3600
    await stand.platform.jobs.submitting.forget_keys()
    assert await post(ada, "/training_jobs", JOB, 201, **{"Idempotency-Key": "k"}) == first
    stand.clock.now += 2 * 3600
    await stand.platform.jobs.submitting.forget_keys()
    assert await post(ada, "/training_jobs", JOB, 201, **{"Idempotency-Key": "k"}) != first


async def test_many_are_cancelled_by_name_or_by_what_they_are(
    stand: Stand, client: Clients, ada: httpx2.AsyncClient
) -> None:
    jobs = [{**JOB, "name": f"job-{n}", "labels": {"half": str(n % 2)}} for n in range(6)]
    array = {**JOB, "name": "sweep", "array": "0-99", "labels": {"half": "0"}}
    ids = [job["id"] for job in (await post(ada, "/training_jobs/bulk", {"jobs": [*jobs, array]}, 201))["jobs"]]
    eve = await client(await stand.add_user("eve"))
    answer = await post(eve, "/training_jobs/cancel", {"jobs": ids[:1], "where": {"q": "job"}}, 200)
    assert answer == {"cancelled": [], "ended": [], "unknown": ids[:1]}
    answer = await post(ada, "/training_jobs/cancel", {"jobs": [ids[1], "job-3", "nothing"]}, 200)
    assert answer == {"cancelled": [ids[1], ids[3]], "ended": [], "unknown": ["nothing"]}
    answer = await post(ada, "/training_jobs/cancel", {"where": {"labels": {"half": "0"}}}, 200)
    assert sorted(answer["cancelled"]) == sorted([ids[0], ids[2], ids[4], ids[6]])
    for where in ({}, {"q": ""}, {"q": "\0"}):
        await post(ada, "/training_jobs/cancel", {"where": where}, 422)
    await post(ada, "/training_jobs/cancel", {}, 422)
    for array_or_element in (ids[6], f"{ids[6]}[5]"):
        moved = await ada.patch(f"/training_jobs/{array_or_element}", json={"priority": 5})
        assert (moved.status_code, moved.json()["code"]) == (409, "conflict")
    await stand.settle()
    assert (await ada.get("/training_jobs/summary")).json()["counts"]["cancelled"] == 105
    assert await listed(ada, status="queued") == ["job-5"]
    await stand.check()


async def test_lists_are_filtered_and_paged(stand: Stand, ada: httpx2.AsyncClient) -> None:
    jobs = [{**JOB, "name": f"job-{n}", "labels": {"n": str(n)}} for n in range(5)]
    await post(ada, "/training_jobs/bulk", {"jobs": [*jobs, {**JOB, "name": "sweep", "array": "3-5%2"}]}, 201)
    page = (await ada.get("/training_jobs", params={"limit": 4})).json()
    assert page["jobs"][0]["array"] == {
        "indices": "3-5",
        "size": 3,
        "running_limit": 2,
        "counts": {"queued": 3, "starting": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0},
    }
    assert await listed(ada, limit=4, after=page["next"]) == ["job-1", "job-0"]
    assert await listed(ada, q="JOB-3") == ["job-3"]
    assert await listed(ada, label="n=2") == ["job-2"]
    assert await listed(ada, since="2999-01-01T00:00:00Z") == []
    assert await listed(ada, kind="elastic") == []
    agent = FakeAgent(stand)
    await agent.beat()
    await agent.run_until_running()
    assert await listed(ada, node="node-1") == ["job-3", "job-2", "job-1", "job-0"]
    for query in ({"label": "n"}, {"since": "yesterday"}, {"until": "2026-01-01"}, {"after": "x"}, {"status": "gone"}):
        assert (await ada.get("/training_jobs", params=query)).status_code == 422
    first = (await ada.get("/training_jobs/sweep/elements", params={"limit": 2})).json()
    assert [job["job_name"] for job in first["jobs"]] == ["sweep[3]", "sweep[4]"]
    rest = (await ada.get("/training_jobs/sweep/elements", params={"after": first["next"]})).json()
    assert [(job["array_index"], job["job_status"]) for job in rest["jobs"]] == [(5, "queued")]
    assert (await ada.get("/training_jobs/job-0/elements")).status_code == 422
    shown = (await ada.get("/training_jobs/sweep[4]")).json()
    assert (shown["array_index"], shown["waiting"]["code"]) == (4, "resources")


async def test_a_list_tells_in_short_why_each_job_waits_and_names_several_by_id(
    stand: Stand, ada: httpx2.AsyncClient
) -> None:
    jobs = [JOB, {**JOB, "after": [{"job_id": "#0"}]}, {**JOB, "array": "0-9"}]
    ids = [job["id"] for job in (await post(ada, "/training_jobs/bulk", {"jobs": jobs}, 201))["jobs"]]
    await stand.settle()
    reply = (await ada.get("/training_jobs", params={"waiting": True, "id": f"{ids[0]},{ids[1]}"})).json()
    told = {job["job_id"]: job["waiting"] for job in reply["jobs"]}
    assert set(told) == {ids[0], ids[1]}
    assert told[ids[0]]["code"] == "no_nodes"
    assert told[ids[1]] == {"code": "dependency", "message": "waits for other jobs"}
    array = (await ada.get("/training_jobs", params={"waiting": True, "id": ids[2]})).json()["jobs"][0]
    assert array["waiting"]["code"] == "no_nodes"
    assert "waiting" not in (await ada.get("/training_jobs")).json()["jobs"][0]
    reply = await ada.get("/training_jobs", params={"id": ",".join([ids[0]] * 201)})
    assert (reply.status_code, reply.json()["field"]) == (422, "id")


async def test_what_failed_is_run_again_as_a_new_job(stand: Stand, ada: httpx2.AsyncClient) -> None:
    first = (await post(ada, "/training_jobs", JOB, 201))["id"]
    await post(ada, f"/training_jobs/{first}/retry", None, 409)
    await post(ada, f"/training_jobs/{first}/cancel", None, 200)
    again = await post(ada, f"/training_jobs/{first}/retry", None, 201)
    shown = (await ada.get(f"/training_jobs/{again['id']}")).json()
    assert (shown["retry_of"], shown["job_status"], shown["definition"]) == (first, "queued", "debian:12")
    assert (await ada.get(f"/training_jobs/{first}")).json()["job_status"] == "cancelled"
    array = (await post(ada, "/training_jobs", {**JOB, "name": "sweep", "array": "0-9"}, 201))["id"]
    await post(ada, f"/training_jobs/{array}/cancel", None, 200)
    await stand.settle()
    again = await post(ada, f"/training_jobs/{array}/retry", None, 201)
    assert again["array"] == "0-9"
    await stand.check()


async def test_a_job_pauses_after_a_failure_and_says_so(stand: Stand, ada: httpx2.AsyncClient) -> None:
    job_id = await stand.submit(retries=RetryBudget(error=1))
    agent = FakeAgent(stand)
    await agent.beat()
    await agent.run_until_running()
    agent.become("failed", exit_code=3, reason="error")
    await agent.beat()
    await stand.settle()
    job: Job = await stand.job(job_id)
    assert job.held is Hold.PAUSE
    waiting = (await ada.get(f"/training_jobs/{job_id}")).json()["waiting"]
    assert waiting["code"] == "pause"
    assert "is tried again at" in waiting["message"]
    await stand.check()
    await stand.restart()
    await stand.pass_time(9)
    assert await stand.state(job_id) == "queued"
    await stand.pass_time(2)
    await agent.run_until_running()
    assert await stand.state(job_id) == "running"
    await stand.check()


@pytest.mark.parametrize("name", ["a/b", "/etc//passwd/", "x/cancel", "api/%2F", "ä/ü[3]"])
async def test_a_job_with_slashes_in_its_name_is_reached_by_it(ada: httpx2.AsyncClient, name: str) -> None:
    made = await post(ada, "/training_jobs", {**JOB, "name": name}, 201)
    await post(ada, "/training_jobs", {**JOB, "name": "x"}, 201)
    for prefix in ("", "/api"):
        address = f"{prefix}/training_jobs/{quote(name, safe='')}"
        assert (await ada.get(address)).json()["job_id"] == made["id"]
    assert (await ada.get(f"{address}/explain")).json()["job_id"] == made["id"]
    await post(ada, f"{address}/cancel", None, 200)
    assert (await ada.get(f"/training_jobs/{made['id']}")).json()["job_status"] == "cancelled"


async def test_digits_of_other_scripts_name_no_element(ada: httpx2.AsyncClient) -> None:
    await post(ada, "/training_jobs", {**JOB, "name": "sweep", "array": "0-5"}, 201)
    assert (await ada.get("/training_jobs/sweep[3]")).json()["array_index"] == 3
    assert (await ada.get("/training_jobs/sweep[٣]")).status_code == 404


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {" ": "x"},
        {"a=b": "x"},
        {"a b": "x"},
        {"-a": "x"},
        {"ключ": "x"},
        {"a\n": "x"},
        {"a" * 129: "x"},
        {"a": "x\ny"},
        {"a": "x" * 256},
        {f"k{n}": "v" for n in range(65)},
    ],
)
async def test_labels_that_no_filter_could_name_are_refused(ada: httpx2.AsyncClient, labels: dict[str, str]) -> None:
    answer = await post(ada, "/training_jobs", {**JOB, "labels": labels}, 422)
    assert answer["field"] == "labels"
    assert answer["error"].startswith("labels")


async def test_labels_from_before_there_were_rules_stay(
    stand: Stand, ada: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(submitting, "check_labels", lambda labels: None)
        made = await post(ada, "/training_jobs", {**JOB, "labels": {"my key": "a=b"}}, 201)
    assert (await ada.get(f"/training_jobs/{made['id']}")).json()["labels"] == {"my key": "a=b"}
    assert len(await listed(ada, label="my key=a=b")) == 1
    await post(ada, f"/training_jobs/{made['id']}/cancel", None, 200)
    again = await post(ada, f"/training_jobs/{made['id']}/retry", None, 201)
    assert (await ada.get(f"/training_jobs/{again['id']}")).json()["labels"] == {"my key": "a=b"}
    good = {"team": "vision", "example.com/stage": "", "a": "any text: ü", "9": "x"}
    made = await post(ada, "/training_jobs", {**JOB, "labels": good}, 201)
    assert (await ada.get(f"/training_jobs/{made['id']}")).json()["labels"] == good
