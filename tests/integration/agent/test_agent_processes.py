"""The real agent with the process runtime, against a control plane that is strict about the protocol."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from pathlib import Path

from tests.integration.agent.agent_stand import CLUSTER_KEY, Agent, FakeControlPlane


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


async def test_the_environment_is_the_jobs_own_and_holds_no_key(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign(
        "env", env={"A": "1", "odd.name": "x y", "LILAC_RANK": "77"}, gpu_uuids=["GPU-a", "GPU-b"], rank=1, world_size=2
    )
    await control_plane.until_state(key, "succeeded")
    lines = (await control_plane.until_log_end(key)).decode().splitlines()
    assert {"A=1", "odd.name=x y", "LILAC_RANK=1", "LILAC_WORLD_SIZE=2"} <= set(lines)
    assert {"CUDA_VISIBLE_DEVICES=GPU-a,GPU-b", "NVIDIA_VISIBLE_DEVICES=GPU-a,GPU-b"} <= set(lines)
    assert not [line for line in lines if "CLUSTER" in line or CLUSTER_KEY in line]


async def test_a_working_directory_that_is_not_there_is_a_failed_start(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("true", working_dir="/no/such/place")
    report = await control_plane.until_state(key, "failed")
    assert report["reason"] == "start"
    assert "/no/such/place" in report["message"]


async def test_a_cancelled_job_gets_its_grace(agent: Agent, control_plane: FakeControlPlane) -> None:
    script = "trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    key = await control_plane.assign("sh", "-c", script)
    await control_plane.until_output(key, b"ready")
    await control_plane.stop(key)
    report = await control_plane.until_state(key, "stopped")
    assert report["exit_code"] == 9
    assert (await control_plane.until_log_end(key)).endswith(b"bye\n")
    await agent.until_clean()


async def test_a_job_that_ignores_the_signal_is_killed_after_its_grace(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    script = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
    key = await control_plane.assign("sh", "-c", script, grace_s=0.5)
    await control_plane.until_output(key, b"\n")
    began = time.monotonic()
    await control_plane.stop(key)
    report = await control_plane.until_state(key, "stopped")
    assert report["exit_code"] == 137
    assert 0.4 < time.monotonic() - began < 10
    assert not running(int(control_plane.logs[key]))


async def test_a_kill_reaches_processes_that_left_the_group(agent: Agent, control_plane: FakeControlPlane) -> None:
    script = "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$; sleep 100' & wait; sleep 100"
    key = await control_plane.assign("sh", "-c", script, grace_s=0.2)
    await control_plane.until_output(key, b"\n")
    await control_plane.stop(key)
    await control_plane.until_state(key, "stopped")
    assert not running(int(control_plane.logs[key]))


async def test_what_a_job_leaves_in_its_group_ends_with_it(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "sleep 100 & echo $!; exit 0")
    await control_plane.until_state(key, "succeeded")
    assert not running(int(await control_plane.until_log_end(key)))


async def test_a_job_that_dies_by_a_signal_tells_it(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "kill -SEGV $$")
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (139, "error")
    assert "SIGSEGV" in report["message"]


async def test_five_processes_outlive_a_killed_agent(agent: Agent, control_plane: FakeControlPlane) -> None:
    control_plane.release_at_end = False
    script = 'i=0; while [ $i -lt 20 ]; do echo "$LILAC_JOB_NAME $i"; i=$((i+1)); sleep 0.05; done; exit $CODE'
    keys = await control_plane.assign_many(
        [{"command": ["sh", "-c", script], "job_name": f"n{n}", "env": {"CODE": str(n)}} for n in range(5)]
    )
    for key in keys:
        await control_plane.until_output(key, b" 3\n")
    await agent.kill()
    await asyncio.sleep(0.3)
    await agent.start()
    for n, key in enumerate(keys):
        report = await control_plane.until_state(key, "succeeded" if n == 0 else "failed")
        assert report["exit_code"] == n
        expected = b"".join(b"n%d %d\n" % (n, i) for i in range(20))
        assert await control_plane.until_log_end(key) == expected
        assert control_plane.history[key][-2] == "running"
        await control_plane.unlist(key)
    await agent.until_clean()


async def test_ends_while_the_agent_is_away_are_known_afterwards(agent: Agent, control_plane: FakeControlPlane) -> None:
    control_plane.release_at_end = False
    fine = await control_plane.assign("sh", "-c", "echo a; sleep 0.3; echo b; exit 6")
    shot = await control_plane.assign("sh", "-c", "echo $PPID; sleep 100")
    await control_plane.until_output(fine, b"a")
    await control_plane.until_output(shot, b"\n")
    await agent.kill()
    os.killpg(int(control_plane.logs[shot]), signal.SIGKILL)
    await asyncio.sleep(0.6)
    await agent.start()
    assert (await control_plane.until_state(fine, "failed"))["exit_code"] == 6
    assert await control_plane.until_log_end(fine) == b"a\nb\n"
    report = await control_plane.until_state(shot, "lost")
    assert (report["exit_code"], report["reason"]) == (None, "vanished")


async def test_an_agent_that_is_asked_to_stop_leaves_its_jobs_running(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("sh", "-c", "echo $$; sleep 1; exit 2")
    await control_plane.until_output(key, b"\n")
    pid = int(control_plane.logs[key])
    assert await agent.terminate() == 0
    assert running(pid)
    await agent.start()
    assert (await control_plane.until_state(key, "failed"))["exit_code"] == 2


async def test_a_stop_that_a_killed_agent_had_begun_is_carried_on(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("sh", "-c", "trap '' TERM; echo ready; sleep 100", grace_s=2)
    await control_plane.until_output(key, b"ready")
    await control_plane.stop(key)
    async with asyncio.timeout(10):
        while not list((agent.state_dir / "replicas").glob("*/stop")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await agent.kill()
    await agent.start()
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] == 137


async def test_a_silent_control_plane_changes_nothing_and_is_told_everything_later(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    ended = await control_plane.assign("sh", "-c", "echo a; sleep 0.3; echo b; exit 5")
    going = await control_plane.assign("sh", "-c", "echo a; sleep 2; echo c")
    await control_plane.until_output(ended, b"a")
    await control_plane.until_output(going, b"a")
    await control_plane.down()
    await asyncio.sleep(1)
    await control_plane.up()
    assert (await control_plane.until_state(ended, "failed"))["exit_code"] == 5
    assert await control_plane.until_log_end(ended) == b"a\nb\n"
    await control_plane.until_state(going, "succeeded")
    assert await control_plane.until_log_end(going) == b"a\nc\n"


async def test_a_replica_that_may_have_run_already_is_not_run_again(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("touch", "/tmp/never", known_state="running")
    report = await control_plane.until_state(key, "lost")
    assert report["reason"] == "vanished"
    assert not list((agent.state_dir / "replicas").iterdir())


async def test_a_stop_for_what_is_not_here_is_answered(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("true", desired="stop")
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] is None


async def test_an_unlisted_replica_is_stopped_and_removed(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "echo $$; sleep 100")
    await control_plane.until_output(key, b"\n")
    await control_plane.unlist(key)
    await control_plane.until_state(key, "stopped")
    await agent.until_clean()
    assert not running(int(control_plane.logs[key].split()[0]))


async def test_a_gpu_is_not_given_on_before_its_last_user_is_gone(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    script = "trap 'sleep 0.5; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    old = await control_plane.assign("sh", "-c", script, gpu_uuids=["GPU-1"])
    await control_plane.until_output(old, b"ready")
    await control_plane.unlist(old)
    new = await control_plane.assign("true", gpu_uuids=["GPU-1"])
    ended = await control_plane.until_state(new, "succeeded")
    assert ended["times"]["started"] >= control_plane.reports[old]["times"]["exited"]


async def test_output_that_nobody_wants_does_not_hold_up_the_end(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "sleep 0.3; echo x")
    control_plane.unknown_logs.add(key)
    await control_plane.until_state(key, "succeeded")
    await agent.until_clean()


async def test_a_megabyte_of_output_arrives_whole(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign("sh", "-c", "head -c 3000000 /dev/urandom | tee /dev/stderr | sha256sum >&2; :")
    await control_plane.until_state(key, "succeeded")
    output = await control_plane.until_log_end(key)
    assert len(output) > 3_000_000


async def test_a_second_agent_on_the_same_state_is_refused(
    agent: Agent, control_plane: FakeControlPlane, tmp_path: Path
) -> None:
    await control_plane.until(lambda: control_plane.calls > 0)
    second = Agent(control_plane, agent.state_dir)
    await second.start()
    assert await second.wait() == 5
    assert "Another agent is running" in second.log


async def test_a_key_that_is_refused_is_said_plainly(agent: Agent, control_plane: FakeControlPlane) -> None:
    await control_plane.until(lambda: control_plane.calls > 0)
    wrong = Agent(control_plane, agent.state_dir.parent / "other", LILAC_CLUSTER_API_KEY="wrong-key")
    await wrong.start()
    try:
        async with asyncio.timeout(20):
            while "does not accept the cluster key" not in wrong.log:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "wrong-key" not in wrong.log
    finally:
        await wrong.clean_up()


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
