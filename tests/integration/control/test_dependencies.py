"""Jobs that wait for other jobs get in line, or are cancelled, by the commit of the other's end."""

from __future__ import annotations

from typing import Any

import pytest

from lilac.control.submitting import Order
from lilac.model.errors import InvalidInput
from lilac.model.indices import IndexSet
from lilac.model.jobs import DependencyCondition
from lilac.model.states import JobState
from tests.integration.control.stand import FakeAgent, Stand

SUCCESS, FAILURE, ANY = DependencyCondition.SUCCESS, DependencyCondition.FAILURE, DependencyCondition.ANY


async def a_node(stand: Stand, name: str = "node-1", **more: Any) -> FakeAgent:
    """A node that has reported once."""
    agent = FakeAgent(stand, name, **more)
    await agent.beat()
    return agent


async def submit(stand: Stand, name: str, *after: tuple[str, DependencyCondition], **more: object) -> str:
    order = Order(spec=stand.spec(name=name), after=after, **more)  # type: ignore[arg-type]
    job_id = (await stand.platform.jobs.submitting.submit(stand.user, order))["id"]
    await stand.settle()
    return job_id


async def end(stand: Stand, agent: FakeAgent, state: str) -> None:
    await agent.run_until_running()
    agent.become(state, exit_code=0 if state == "succeeded" else 1)
    await agent.beat()
    await agent.beat()
    await stand.settle()


async def test_a_job_waits_outside_of_the_line_until_the_other_succeeded(stand: Stand) -> None:
    first = await submit(stand, "first")
    second = await submit(stand, "second", ("first", SUCCESS))
    third = await submit(stand, "third", (second, ANY), (first, SUCCESS))
    agent = await a_node(stand)
    await agent.run_until_running()
    assert [key[0] for key in agent.held] == [first]
    _, told = await stand.platform.jobs.explain(stand.user, second)
    assert told is not None
    assert told.reason.message == f"waits for job first ({first}) to succeed"
    await stand.check()
    await stand.restart()
    await stand.check()
    await end(stand, agent, "succeeded")
    assert await stand.state(second) == "starting"
    assert await stand.state(third) == "queued"
    await end(stand, agent, "failed")
    assert await stand.state(third) == "starting"
    await stand.check()


async def test_what_can_never_be_met_is_cancelled_with_all_that_need_it(stand: Stand) -> None:
    first = await submit(stand, "first")
    second = await submit(stand, "second", (first, SUCCESS))
    third = await submit(stand, "third", (second, SUCCESS))
    rescue = await submit(stand, "rescue", (first, FAILURE))
    cleanup = await submit(stand, "cleanup", (third, ANY))
    await end(stand, await a_node(stand), "failed")
    assert await stand.state(second) == "cancelled"
    assert (await stand.job(second)).message == (
        f"Cancelled because job first ({first}), which it needed to succeed, failed."
    )
    assert await stand.state(third) == "cancelled"
    assert await stand.state(rescue) == "starting"
    assert await stand.state(cleanup) == "starting"
    late = await submit(stand, "late", (first, SUCCESS))
    assert await stand.state(late) == "cancelled"
    await stand.check()


async def test_an_array_is_waited_for_as_a_whole_and_may_wait_itself(stand: Stand) -> None:
    first = await submit(stand, "first")
    array = await submit(stand, "array", (first, SUCCESS), indices=IndexSet.of(range(3)))
    last = await submit(stand, "last", (array, SUCCESS))
    one = await submit(stand, "one", ("array[1]", ANY))
    agent = await a_node(stand)
    await end(stand, agent, "succeeded")
    assert await stand.state(last) == "queued"
    await end(stand, agent, "succeeded")
    assert await stand.state(array) == "succeeded"
    assert await stand.state(last) == "starting"
    assert await stand.state(one) == "starting"
    await stand.check()


async def test_an_array_whose_dependency_fails_is_cancelled_whole(stand: Stand) -> None:
    first = await submit(stand, "first")
    array = await submit(stand, "array", (first, SUCCESS), indices=IndexSet.of(range(1000)))
    after_one = await submit(stand, "after one", (f"{array}[7]", SUCCESS))
    await stand.platform.jobs.cancel(stand.user, first)
    assert await stand.state(array) == "cancelled"
    assert await stand.state(after_one) == "cancelled"
    assert "which it needed to succeed, was cancelled" in str((await stand.job(f"{array}[7]")).message)
    await stand.check()


async def test_entries_of_a_list_may_wait_for_each_other(stand: Stand) -> None:
    submitting = stand.platform.jobs.submitting
    spec = stand.spec(name="a")
    orders = [
        Order(spec=spec, after=(("#2", SUCCESS),)),
        Order(spec=spec, indices=IndexSet.of([4]), after=(("#0", ANY),)),
        Order(spec=spec),
    ]
    answer = await submitting.submit_all(stand.user, orders)
    jobs = [await stand.job(job["id"]) for job in answer["jobs"]]
    assert jobs[0].spec.after[0].job_id == jobs[2].id
    assert jobs[1].spec.after[0].job_id == jobs[0].id
    await stand.check()
    for wrong, says in (
        ([Order(spec=spec, after=(("#1", ANY),)), Order(spec=spec, after=(("#0", ANY),))], "in a circle"),
        ([Order(spec=spec, after=(("#0", ANY),))], "wait for itself"),
        ([Order(spec=spec, after=(("#7", ANY),))], "no entry #7"),
    ):
        with pytest.raises(InvalidInput, match=says):
            await submitting.submit_all(stand.user, wrong)


async def test_unknown_and_foreign_jobs_cannot_be_waited_for(stand: Stand) -> None:
    foreign = await stand.submit(by=await stand.add_user("eve"))
    for name in (foreign, "nobody's", "#0"):
        with pytest.raises(InvalidInput, match="there is no job"):
            await submit(stand, "second", (name, SUCCESS))


async def test_a_job_that_waits_for_another_can_be_cancelled(stand: Stand) -> None:
    first = await submit(stand, "first")
    second = await submit(stand, "second", (first, SUCCESS))
    await stand.platform.jobs.cancel(stand.user, second)
    await end(stand, await a_node(stand), "succeeded")
    assert (await stand.job(second)).state is JobState.CANCELLED
    await stand.check()
