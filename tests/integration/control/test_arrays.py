"""Arrays: one record for many jobs, whose elements run, end, are cancelled and told of one by one."""

from __future__ import annotations

from typing import Any

import pytest

from lilac.control.submitting import Order
from lilac.model.arrays import element_id, parse_array
from lilac.model.errors import NotFound
from lilac.model.ids import JobId
from lilac.model.states import JobState
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand


async def a_node(stand: Stand, name: str = "node-1", **more: Any) -> FakeAgent:
    """A node that has reported once."""
    agent = FakeAgent(stand, name, **more)
    await agent.beat()
    return agent


async def submit_array(stand: Stand, text: str, **more: Any) -> JobId:
    indices, limit = parse_array(text)
    order = Order(spec=stand.spec(name="sweep", **more), indices=indices, running_limit=limit)
    answer = await stand.platform.jobs.submitting.submit(stand.user, order)
    await stand.settle()
    return JobId(answer["id"])


async def counts(stand: Stand, array_id: str) -> dict[str, int]:
    detail = await stand.platform.jobs.detail(ROOT, array_id)
    return {str(state): count for state, count in detail.job.counts.items() if count}  # type: ignore[union-attr]


async def finish_round(stand: Stand, agent: FakeAgent, state: str = "succeeded", **more: Any) -> int:
    """Run what is assigned to its end: how many."""
    await agent.run_until_running()
    ran = len(agent.held)
    agent.become(state, exit_code=0 if state == "succeeded" else 1, **more)
    await agent.beat()
    await agent.beat()
    await stand.settle()
    return ran


async def test_the_elements_of_an_array_run_in_their_order_and_end_it(stand: Stand) -> None:
    array_id = await submit_array(stand, "0-2,7-9")
    agent = await a_node(stand)
    await agent.run_until_running()
    assert [key[0] for key in sorted(agent.held)] == [element_id(array_id, index) for index in (0, 1, 2, 7)]
    assert await counts(stand, array_id) == {"running": 4, "queued": 2}
    env = next(e["env"] for e in agent.reply["replicas"] if e["job_id"] == element_id(array_id, 7))
    assert (env["LILAC_ARRAY_INDEX"], env["LILAC_ARRAY_SIZE"]) == ("7", "6")
    await stand.check()
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    assert await finish_round(stand, agent) == 2
    assert await stand.state(array_id) == "succeeded"
    assert await counts(stand, array_id) == {"succeeded": 6}
    assert stand.platform.projection.arrays.lines == {}
    await stand.check()


async def test_no_more_elements_run_at_once_than_the_array_allows(stand: Stand) -> None:
    array_id = await submit_array(stand, "0-9%3")
    other = await stand.submit(name="later")
    agent = await a_node(stand, cpu=8000)
    rounds = [await finish_round(stand, agent) for _ in range(4)]
    assert rounds == [4, 3, 3, 1]
    assert await stand.state(other) == "succeeded"
    assert await stand.state(array_id) == "succeeded"
    await stand.check()


async def test_an_element_is_named_shown_and_cancelled_alone(stand: Stand) -> None:
    array_id = await submit_array(stand, "0-4")
    jobs = stand.platform.jobs
    element = await jobs.get(stand.user, f"{array_id}[3]")
    assert (element.id, element.spec.name, element.state) == (element_id(array_id, 3), "sweep[3]", JobState.QUEUED)
    assert (await jobs.get(stand.user, "sweep[3]")).id == element.id
    with pytest.raises(NotFound):
        await jobs.get(stand.user, "sweep[5]")
    with pytest.raises(NotFound):
        await jobs.get(await stand.add_user("eve"), element.id)
    assert (await jobs.cancel(stand.user, "sweep[3]")).state is JobState.CANCELLED
    assert await counts(stand, array_id) == {"queued": 4, "cancelled": 1}
    agent = await a_node(stand)
    await finish_round(stand, agent)
    assert await stand.state(array_id) == "cancelled"
    assert (await jobs.get(stand.user, "sweep[3]")).message == "Cancelled by ada."
    await stand.check()


async def test_cancelling_an_array_ends_what_is_left_of_it(stand: Stand) -> None:
    array_id = await submit_array(stand, "0-99999")
    agent = await a_node(stand)
    await agent.run_until_running()
    await stand.platform.jobs.cancel(stand.user, array_id)
    await stand.settle()
    assert await counts(stand, array_id) == {"cancelled": 100_000}
    await agent.beat()
    await agent.beat()
    assert agent.held == {}
    assert await stand.state(array_id) == "cancelled"
    assert await stand.state(element_id(array_id, 99_999)) == "cancelled"
    await stand.check()


async def test_an_array_goes_on_after_a_restart_and_a_lost_node(stand: Stand) -> None:
    array_id = await submit_array(stand, "0-5%4")
    agent = await a_node(stand, "node-1")
    await agent.run_until_running()
    await stand.check()
    await stand.restart()
    await stand.check()
    await stand.pass_time(1000)
    assert await counts(stand, array_id) == {"queued": 6}
    await stand.check()
    other = await a_node(stand, "node-2")
    assert await finish_round(stand, other) == 4
    await stand.restart()
    assert await finish_round(stand, other) == 2
    assert await stand.state(array_id) == "succeeded"
    await stand.check()


async def test_elements_behind_those_in_line_say_why_they_wait(stand: Stand) -> None:
    await submit_array(stand, "0-9999")
    later = await stand.submit(name="later")
    jobs = stand.platform.jobs
    _, told = await jobs.explain(stand.user, "sweep[5000]")
    assert told is not None
    assert (told.reason.code, told.position) == ("array_order", 4001)
    _, told = await jobs.explain(stand.user, later)
    assert told is not None
    assert told.jobs_ahead == 10_000
    await submit_array(stand, "0-9%2")
    _, told = await jobs.explain(stand.user, "sweep[5]")
    assert told is not None
    assert told.reason.message == "at most 2 elements of its array run at once"


async def test_the_state_of_an_array_is_not_set_by_hand_but_cancelled_or_by_element(
    stand: Stand, client: Clients
) -> None:
    admin = await client(await stand.admin())
    array = await submit_array(stand, "0-3", cpu=100_000)
    refused = await admin.patch(f"/training_jobs/{array}/status", json={"status": "failed"})
    assert refused.status_code == 409
    assert "is an array" in refused.text
    assert "an element, by its own id" in refused.text
    element = f"{array[:-8]}00000001"
    refused = await admin.patch(f"/training_jobs/{element}/status", json={"status": "succeeded"})
    assert refused.status_code == 409
    assert "has not begun" in refused.text
    assert (await admin.patch(f"/training_jobs/{element}/status", json={"status": "cancelled"})).status_code == 200
    assert (await admin.get(f"/training_jobs/{element}")).json()["job_status"] == "cancelled"
    assert (await admin.get(f"/training_jobs/{array}")).json()["job_status"] == "queued"
    assert (await admin.patch(f"/training_jobs/{array}/status", json={"status": "cancelled"})).status_code == 200
    await stand.settle()
    assert (await admin.get(f"/training_jobs/{array}")).json()["job_status"] == "cancelled"
    await stand.check()
