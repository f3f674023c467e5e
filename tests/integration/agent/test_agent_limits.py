"""Replicas as processes in control groups of this machine: limits, ends, and what is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lilac.agent.cgroups import Group, Groups, group_of
from tests.fixtures.groups import own_groups
from tests.fixtures.requirement import Absent, skip
from tests.integration.agent.agent_stand import Agent, FakeControlPlane, Key

EATER = "b = []\nwhile True: b.append(bytearray(1 << 20))"


@pytest.fixture
def groups() -> Iterator[Groups]:
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(own_groups())
        except Absent as absent:
            skip(absent)
        yield made


def directories(agent: Agent, key: Key) -> tuple[Path, ...]:
    import orjson

    noted = orjson.loads((agent.state_dir / "replicas" / ".".join(map(str, key)) / "cgroup.json").read_bytes())
    return group_of(noted["directories"]).directories


@pytest.mark.usefixtures("groups")
async def test_a_replica_that_eats_memory_is_told_as_such(agent: Agent, control_plane: FakeControlPlane) -> None:
    key = await control_plane.assign(sys.executable, "-c", EATER, memory_mb=48)
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (137, "out_of_memory")
    assert report["message"] == "It used more than its 48 MiB of memory and was killed."
    await agent.until_clean()
    assert "process replicas get limits" in agent.log
    assert "limits" in control_plane.machine["features"]


@pytest.mark.usefixtures("groups")
async def test_a_child_that_eats_memory_leaves_the_end_to_the_program(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    script = f"{sys.executable} -c '{EATER}'; echo child $?; exit 3"
    key = await control_plane.assign("sh", "-c", script, memory_mb=48)
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (3, "error")
    assert report["message"] == (
        "The process ended with exit code 3, after another process of the replica had run out of memory."
    )
    assert b"child 137" in await control_plane.until_log_end(key)


@pytest.mark.usefixtures("groups")
async def test_a_replica_gets_the_cpu_that_it_asked_for(agent: Agent, control_plane: FakeControlPlane) -> None:
    script = "import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    key = await control_plane.assign(sys.executable, "-c", script, cpu_millicores=200)
    await control_plane.until_state(key, "succeeded")
    assert float(await control_plane.until_log_end(key)) < 0.8


@pytest.mark.usefixtures("groups")
async def test_what_hides_in_a_session_of_its_own_ends_with_its_replica(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    hidden = 'trap "" TERM; unset LILAC_JOB_ID; echo $$; exec sleep 100'
    key = await control_plane.assign(
        "sh", "-c", f"env -i /bin/setsid sh -c '{hidden}' & sleep 0.3; exit 0", grace_s=0.3
    )
    await control_plane.until_state(key, "succeeded")
    assert not runs(int(await control_plane.until_log_end(key)))


@pytest.mark.usefixtures("groups")
async def test_an_agent_that_was_killed_still_ends_all_of_what_it_adopts(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    script = "env -i /bin/setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 100' & trap 'exit 4' TERM; sleep 100 & wait"
    key = await control_plane.assign("sh", "-c", script, grace_s=0.3)
    await control_plane.until_output(key, b"\n")
    hidden = int(control_plane.logs[key])
    await agent.kill()
    await agent.start()
    await control_plane.stop(key)
    report = await control_plane.until_state(key, "stopped")
    assert report["exit_code"] == 4
    assert not runs(hidden)


@pytest.mark.usefixtures("groups")
async def test_a_command_that_ended_while_the_agent_was_dead_leaves_nothing(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    script = "env -i /bin/setsid sleep 100 & echo $!; read x <$GO; exit 5"
    go = agent.state_dir.parent / "go"
    os.mkfifo(go)
    key = await control_plane.assign("sh", "-c", script, grace_s=0.3, env={"GO": str(go)})
    await control_plane.until_output(key, b"\n")
    hidden = int(control_plane.logs[key])
    await agent.kill()
    await asyncio.to_thread(go.write_text, "go\n")
    code = agent.state_dir / "replicas" / ".".join(map(str, key)) / "exit"
    await until(code.exists)
    assert runs(hidden)
    await agent.start()
    report = await control_plane.until_state(key, "failed")
    assert report["exit_code"] == 5
    assert not runs(hidden)


@pytest.mark.usefixtures("groups")
async def test_an_ended_replica_leaves_no_group_and_an_idle_agent_none_at_all(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("sh", "-c", "read x <$GO", env={"GO": str(agent.state_dir.parent / "go")})
    os.mkfifo(agent.state_dir.parent / "go")
    await control_plane.until_state(key, "running", "failed")
    made = directories(agent, key)
    assert all(each.is_dir() for each in made)
    await control_plane.stop(key)
    await agent.until_clean()
    assert not any(each.exists() for each in made)
    await agent.terminate()
    assert not any(each.parent.exists() for each in made)


@pytest.mark.usefixtures("groups")
async def test_a_replica_of_which_nobody_knows_is_ended_when_the_agent_starts(
    agent: Agent, control_plane: FakeControlPlane
) -> None:
    key = await control_plane.assign("sleep", "100")
    await control_plane.until_state(key, "running")
    directory = agent.state_dir / "replicas" / ".".join(map(str, key))
    await until((directory / "pid").exists)
    pid = int((directory / "pid").read_text().split()[0])
    await agent.kill()
    await control_plane.unlist(key)
    for path in sorted(directory.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    directory.rmdir()
    await agent.start()
    await until(lambda: not runs(pid))


def test_everything_in_a_group_is_killed_also_what_forks_without_end(groups: Groups) -> None:
    group = groups.make("a.1.0", memory_mb=256, cpu_millicores=1000)
    script = 'for d in "$@"; do printf 0 >"$d"; done; f() { f & f & }; trap "" TERM HUP; while :; do sleep 1 & done'
    for directory in group.directories:
        if (directory / "pids.max").exists():
            (directory / "pids.max").write_text("200")
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", script, "sh", *group.doors], {"PATH": os.environ["PATH"]}, setsid=True)
    deadline = time.monotonic() + 10
    while len(group.members()) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(group.members()) >= 50
    group.kill()
    os.waitpid(pid, 0)
    assert group.everything() == set()
    group.remove()
    assert not any(directory.exists() for directory in group.directories)


def test_a_group_of_version_2_is_killed_by_the_kernel() -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    root = next((Path(each[1]) for each in mounts if each[2] == "cgroup2"), None)
    own = next(line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    try:
        if root is None:
            raise Absent("cgroups", "no control groups of version 2 are mounted")
        directory = root / own.removeprefix("0::").lstrip("/") / f"lilac-test-{uuid.uuid4()}"
        try:
            directory.mkdir()
        except OSError as error:
            raise Absent("cgroups", f"no control groups of version 2 can be made: {error}") from None
    except Absent as absent:
        skip(absent)
    group = Group((directory,))
    try:
        script = 'printf 0 >"$1"; trap "" TERM; setsid sleep 100 & sleep 100 & wait; sleep 100'
        arguments = ["sh", "-c", script, "sh", *group.doors]
        pid = os.posix_spawn("/bin/sh", arguments, {"PATH": os.environ["PATH"]}, setsid=True)
        deadline = time.monotonic() + 10
        while len(group.members()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(group.members()) >= 3
        group.kill()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
        assert group.everything() == set()
    finally:
        group.remove()
    assert not directory.exists()


def test_a_process_beside_a_replica_shares_its_limits_but_is_no_member(groups: Groups) -> None:
    group = groups.make("b.1.0", memory_mb=48, cpu_millicores=1000)
    script = f"import sys; sys.stdin.readline()\n{EATER}"
    read, write = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", script],
        {},
        file_actions=[(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_CLOSE, write)],
    )
    group.put_beside(pid)
    assert group.members() == set()
    assert group.everything() == {pid}
    os.write(write, b"go\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    for end in (read, write):
        os.close(end)


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
