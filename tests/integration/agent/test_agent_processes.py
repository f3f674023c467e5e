"""The real agent with the process runtime, against a control plane that is strict about the protocol."""

from __future__ import annotations

import statistics
import time

from tests.integration.agent.agent_stand import Agent, FakeControlPlane


async def test_a_job_runs_and_its_output_and_result_arrive(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign(
        "sh", "-c", "echo out; echo err >&2; echo $GREETING $LILAC_RANK", env={"GREETING": "hi"}
    )
    report = await control_plane.until_state(key, "succeeded")
    assert (report["exit_code"], report["reason"]) == (0, None)
    assert report["times"]["received"] <= report["times"]["started"] <= report["times"]["exited"] + 0.01
    assert await control_plane.until_log_end(key) == b"out\nerr\nhi 0\n"
    await agent.until_clean()


async def test_a_failing_job_tells_its_code(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "exit 3")
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (3, "error")


async def test_a_missing_program_is_a_failed_start(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("no-such-program", "x")
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (127, "start")
    assert "no-such-program" in report["message"]


async def test_three_hundred_short_jobs_end_quickly(agent: Agent, control_plane: FakeControlPlane) -> None:
    first = await control_plane.assign("true")
    await control_plane.until_state(first, "succeeded")
    began = time.monotonic()
    keys = await control_plane.assign_many([{"command": ["true"]} for _ in range(300)])
    await control_plane.until(lambda: all(control_plane.history.get(key, [""])[-1] == "succeeded" for key in keys), 60)
    took = time.monotonic() - began
    print(f"{300 / took:.0f} jobs/s, {control_plane.calls} calls")
    await control_plane.until(lambda: control_plane.log_ends.issuperset(keys))
    assert took < 20


async def test_a_start_is_reported_within_milliseconds(agent: Agent, control_plane: FakeControlPlane) -> None:
    delays: list[float] = []
    for _ in range(20):
        key = await control_plane.assign("sleep", "0.2")
        await control_plane.until_state(key, "running")
        delays.append(control_plane.told_at[key, "running"] - control_plane.told_at[key, "assigned"])
    print(f"p50 {statistics.median(delays) * 1000:.1f} ms")
    assert statistics.median(delays) < 0.25
