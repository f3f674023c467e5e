"""Queues as administrators shape them: limits, order, editing, pausing, deleting."""

from __future__ import annotations

import pytest

from lilac.model.errors import TooManyRequests
from lilac.model.limits import Limits
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand


async def test_a_patch_changes_what_it_names_and_a_put_keeps_what_the_original_does_not_know(
    stand: Stand, client: Clients
) -> None:
    root = await client(await stand.admin())
    limits = {"gpus": 4, "running_jobs": None, "cpu_millicores": None, "memory_mb": None, "waiting_jobs": 9}
    edited = (
        await root.patch("/queues/default", json={"user_limits": limits, "order": "fair", "ageing_s": 600})
    ).json()
    assert (edited["name"], edited["user_limits"], edited["order"]) == ("default", limits, "fair")
    body = {"name": "main", "priority": 7, "cluster_targets": ["default"]}
    put = (await root.put("/queues/default", json=body)).json()
    assert (put["priority"], put["user_limits"], put["ageing_s"]) == (7, limits, 600)
    cleared = (await root.patch("/queues/main", json={"user_limits": None, "ageing_s": None})).json()
    assert set(cleared["user_limits"].values()) == {None}
    assert (cleared["ageing_s"], cleared["order"]) == (None, "fair")
    for wrong in ({"limits": {"gpus": -1}}, {"ageing_s": 0}, {"order": "random"}, {"cluster_targets": ["nowhere"]}):
        assert (await root.patch("/queues/main", json=wrong)).status_code in (404, 422)


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(stand: Stand, client: Clients) -> None:
    root = await client(await stand.admin())
    agent = FakeAgent(stand)
    await agent.beat()
    assert (await root.post("/queues/default/pause")).json()["paused"] is True
    job = await stand.submit()
    assert await stand.state(job) == "queued"
    assert (await root.post("/queues/default/resume")).json()["paused"] is False
    assert await stand.state(job) == "starting"


async def test_a_queue_is_deleted_with_its_waiting_jobs_only_on_demand(stand: Stand, client: Clients) -> None:
    root = await client(await stand.admin())
    jobs = [await stand.submit() for _ in range(3)]
    assert (await root.delete("/queues/default")).status_code == 409
    assert (await root.delete("/queues/default?cancel_waiting=true")).status_code == 200
    assert {await stand.state(job) for job in jobs} == {"cancelled"}
    await stand.check()


async def test_a_full_queue_refuses_more_jobs_in_a_sentence(stand: Stand) -> None:
    await stand.platform.directory.edit_queue(
        ROOT, "default", {"limits": Limits(waiting_jobs=3), "user_limits": Limits(waiting_jobs=2)}
    )
    bob = await stand.add_user("bob")
    for _ in range(2):
        await stand.submit()
    with pytest.raises(TooManyRequests, match="You have 2 of at most 2 waiting jobs in queue default"):
        await stand.submit()
    await stand.submit(by=bob)
    with pytest.raises(TooManyRequests, match="Queue default is full: 3 of at most 3 jobs wait"):
        await stand.submit(by=bob)


async def test_a_user_at_a_limit_is_told_by_name_and_the_next_job_starts_when_one_ends(
    stand: Stand, client: Clients
) -> None:
    await stand.platform.directory.edit_queue(ROOT, "default", {"user_limits": Limits(running_jobs=1)})
    agent = FakeAgent(stand)
    await agent.beat()
    first, second = await stand.submit(), await stand.submit()
    other = await stand.submit(by=await stand.add_user("bob"))
    assert [await stand.state(job) for job in (first, second, other)] == ["starting", "queued", "starting"]
    ada = await client(stand.user)
    said = "user ada has 1 of at most 1 running job in queue default"
    assert (await ada.get(f"/training_jobs/{second}")).json()["waiting"]["message"] == said
    told = (await ada.get(f"/training_jobs/{second}/explain")).json()
    assert (told["code"], told["message"]) == ("limit", said)
    await agent.run_until_running()
    agent.become("succeeded", (first, 1, 0), exit_code=0)
    await agent.beat()
    assert await stand.state(second) == "starting"
