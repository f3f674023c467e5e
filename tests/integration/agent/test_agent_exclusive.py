"""Exclusive replicas of a real agent in a partition: gone in time, also when the agent is stopped or killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.integration.agent.agent_stand import Agent, FakeControlPlane

LEASE_S, GRACE_S = 3.0, 2.0
STUBBORN = "trap '' TERM; echo $$; while :; do sleep 0.1; done"
HIDDEN = "setsid sh -c \"trap '' TERM; echo \\$\\$; while :; do sleep 0.1; done\" & wait"


async def pid_of(control_plane: FakeControlPlane, script: str) -> tuple[tuple[str, int, int], int]:
    key = await control_plane.assign("/bin/sh", "-c", script, exclusive=True, lease_s=LEASE_S, grace_s=GRACE_S)
    await control_plane.until_state(key, "running")
    await control_plane.until_output(key, b"\n")
    return key, int(control_plane.logs[key].split()[0])


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def gone_at(pid: int) -> float:
    async with asyncio.timeout(30):
        while lives(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return time.monotonic()


@pytest.mark.parametrize("script", [STUBBORN, HIDDEN], ids=["stubborn", "in a session of its own"])
@pytest.mark.parametrize("fate", ["cut off", "stopped", "killed"])
async def test_it_is_gone_before_lease_and_grace_are_over(
    control_plane: FakeControlPlane, agent: Agent, fate: str, script: str
) -> None:
    _, pid = await pid_of(control_plane, script)
    begin = time.monotonic()
    if fate == "cut off":
        await control_plane.down()
    elif fate == "stopped":
        os.kill(agent.pid, signal.SIGSTOP)
    else:
        await agent.kill()
    try:
        left_after = await gone_at(pid) - begin
    finally:
        if fate == "stopped":
            os.kill(agent.pid, signal.SIGCONT)
    # Renewed thrice in its time, so a lease is hardly ever younger than two thirds when contact breaks off.
    assert LEASE_S / 2 < left_after <= LEASE_S + GRACE_S
    if fate == "cut off":
        await control_plane.up()


async def test_it_runs_on_as_long_as_there_is_contact_and_others_run_on_without(
    control_plane: FakeControlPlane, agent: Agent
) -> None:
    _, pid = await pid_of(control_plane, STUBBORN)
    other = await control_plane.assign("/bin/sh", "-c", "echo $$; exec sleep 60")
    await control_plane.until_output(other, b"\n")
    other_pid = int(control_plane.logs[other].split()[0])
    calls = control_plane.calls
    await control_plane.until(lambda: control_plane.calls >= calls + 5, 60)  # longer than one lease
    assert lives(pid)
    await control_plane.down()
    await gone_at(pid)
    assert lives(other_pid)
    await control_plane.up()
    await control_plane.stop(other)
    await control_plane.until_state(other, "stopped")


async def test_an_agent_that_finds_its_replica_ended_by_the_guardian_says_why(
    control_plane: FakeControlPlane, agent: Agent
) -> None:
    key, pid = await pid_of(control_plane, STUBBORN)
    await agent.kill()
    await gone_at(pid)
    await agent.start()
    told = await control_plane.until_state(key, "stopped")
    assert "could not reach the control plane" in told["message"]
