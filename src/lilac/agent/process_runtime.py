"""Replicas as plain processes of this machine.

Each replica gets a session and process group of its own, led by a small shell script, the shim (`process_launch`). It
writes the command's exit code (`exit`), so the code survives a restart of the agent, whose child the shim may no longer
be. Output goes straight from the process to the journal's `output`. Where the machine lets the agent make control
groups (`cgroups`), each replica gets one with the memory, the CPUs and the number of processes that it may have; the
journal notes where it is.

Signals: the polite one goes to the whole group. The shim survives it by a trap, while the command gets the default
handlers: a shell resets its traps in the programs that it runs. The killing one ends the shim too, so then there is no
`exit` file, and the agent knows the code because it sent the signal.

The end is seen through a pidfd, also for a shim that another life of the agent started. A process number is trusted
only together with the machine's boot id and the process's start time. What a replica leaves running when its command
ends, in its process group or wherever else in its control group, is asked to end and killed after the grace period;
only then is the end told, since what the replica held is not free before.

Times: a file's time stamp lags behind the clock by up to a tick of the kernel. So a start is read from the clock before
the process is made, and an end is the moment at which it was seen, but at most a tick after the shim noted the code.

Without control groups nothing is limited, and what leaves the process group is not found: use it where jobs are
trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lilac.agent import secrets, volumes
from lilac.agent.cgroups import Group, Groups, group_of
from lilac.agent.journal import Entry, boot_id
from lilac.agent.ports import own_ports
from lilac.agent.process_launch import UNPLACED, spawn
from lilac.agent.process_session import open_command
from lilac.agent.runtime import End, Observer, StartFailure, beside_out_of_memory
from lilac.agent.sessions import Session, SessionRefused, connect_here
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.states import FailureReason
from lilac.tunnel.frames import Opening, Port

log = structlog.get_logger(__name__)

_GROUP = "cgroup.json"
_KILLED_PATIENCE_S = 2.0
_COMMAND_PATIENCE_S = 0.5
_STAMP_LAG_S = 0.01
"""The longest tick of a Linux kernel: as much as a file's time stamp may lie before the moment of writing."""


@dataclass(slots=True)
class _Watched:
    entry: Entry
    pid: int
    pidfd: int
    child: bool
    """Whether it is a child of this life of the agent, whose status can be waited for."""
    group: Group | None = None
    of_itself: bool = False
    """Whether its command ended before anybody asked it to; set when only left-over processes remain."""


class ProcessRuntime:
    """Runs replicas as processes. See the module's text for the mechanism."""

    name = RuntimeName.PROCESS

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        allowed_host_paths: tuple[str, ...] = (),
        groups: Groups | None = None,
    ) -> None:
        self._address = address
        self._groups = groups
        self._allowed_host_paths = allowed_host_paths
        self._watched: dict[ReplicaKey, _Watched] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._observer: Observer | None = None

    async def open(self, observer: Observer) -> None:
        self._observer = observer

    async def start(self, entry: Entry) -> float:
        variables: dict[str, str] = {}
        if entry.assignment.volumes:
            variables |= await asyncio.to_thread(volumes.prepare, entry, self._allowed_host_paths)
        if entry.assignment.secrets:
            values = secrets.read(entry)
            secrets.check_all_there(entry.assignment, values)
            secrets.write_files(entry, values)
            variables |= secrets.variables(entry.assignment, values, str(entry.path("secrets")))
        group = self._make_group(entry)
        started_at = time.time()
        # All this takes a millisecond; a thread would cost more.
        pid = spawn(entry, variables, group.doors if group is not None else ())
        self._watch(_Watched(entry, pid, os.pidfd_open(pid), child=True, group=group))
        self._publish(entry)
        return started_at

    async def adopt(self, entry: Entry) -> float | None:
        if not entry.output.exists():
            return None
        if entry.boot_id != boot_id():
            self._end_later(entry, "The machine was restarted while it ran.")
            return entry.received_at
        identity = _read_identity(entry.path("pid"))
        if identity is None:
            if (group := _noted_group(entry)) is not None:
                await asyncio.to_thread(group.kill)
            self._end_later(entry, "It ended while the agent was away, and left no exit code.")
            return entry.received_at
        pid, start_ticks, started_at = identity
        group = _noted_group(entry)
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            if _start_ticks(pid) == start_ticks:
                self._watch(_Watched(entry, pid, pidfd, child=False, group=group))
                self._publish(entry)
                return started_at
            os.close(pidfd)
        missing = "It ended while the agent was away, and left no exit code."
        watched = _Watched(entry, pid, -1, child=False, group=group, of_itself=not entry.marked("stop"))
        if not _runs(pid) and _runs_on(watched):
            self._wind_up(watched, missing=missing)
        else:
            if group is not None:  # the number is somebody else's by now
                await asyncio.to_thread(group.kill)
            self._end_later(entry, missing)
        return started_at

    async def main_process(self, entry: Entry) -> int | None:
        watched = self._watched.get(entry.key)
        return watched.pid if watched is not None else None

    async def terminate(self, entry: Entry) -> None:
        watched = self._watched.get(entry.key)
        if watched is None or watched.of_itself:
            return
        # A child of the shim that is not yet the command would swallow the signal with the shim's trap.
        deadline = time.monotonic() + _COMMAND_PATIENCE_S
        while not _runs_command(watched.pid) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        if entry.key in self._watched:
            _signal_group(watched.pid, signal.Signals[entry.assignment.stop_signal])

    async def kill(self, entry: Entry) -> None:
        watched = self._watched.get(entry.key)
        if watched is not None:
            strays = await asyncio.to_thread(_strays, entry.key, watched.pid)
            outside = [pid for pid in strays if not _in_group(pid, watched.pid)]
            for pid in outside:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            # The end is told when the group is gone, and nothing of the replica may run then.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KILLED_PATIENCE_S):
                    for pid in outside:
                        await _await_exit(pid)
            _signal_group(watched.pid, signal.SIGKILL)
            if watched.group is not None:
                await asyncio.to_thread(watched.group.kill)

    async def guarded(self, entry: Entry) -> Mapping[str, Any] | None:
        watched = self._watched.get(entry.key)
        if watched is None:
            return None
        directories = [str(each) for each in watched.group.directories] if watched.group is not None else []
        return {"kind": "process", "pid": watched.pid, "marks": _marks(entry.key), "groups": directories}

    async def end_all_of(self, assignment: Assignment) -> None:
        while strays := await asyncio.to_thread(_strays, assignment.key, -1):
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.05)
        if self._groups is not None:
            await asyncio.to_thread(self._groups.named(_group_name(assignment.key)).remove)

    async def remove(self, entry: Entry) -> None:
        if (group := _noted_group(entry)) is not None:
            await asyncio.to_thread(group.remove)

    async def sweep(self, is_known: Callable[[ReplicaKey], bool]) -> None:
        """Only a control group tells whose a process is, once its journal is gone."""
        for name in self._groups.names() if self._groups is not None else ():
            key = _key_of(name)
            if key is not None and self._groups is not None and not is_known(key):
                log.warning("ending what is left of a replica that nobody knows any more", replica=str(key))
                await asyncio.to_thread(self._groups.named(name).remove)

    async def open_session(self, entry: Entry, opening: Opening) -> Session:
        watched = self._watched.get(entry.key)
        if watched is None or watched.of_itself:
            raise SessionRefused("The replica has just ended.")
        if isinstance(opening, Port):
            return await connect_here(opening.number)
        beside = _command_of(watched.pid) or watched.pid
        return await open_command(opening, beside=beside, group=watched.group)

    async def close(self) -> None:
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        loop = asyncio.get_running_loop()
        for watched in self._watched.values():
            if watched.pidfd >= 0:
                loop.remove_reader(watched.pidfd)
                os.close(watched.pidfd)
        self._watched.clear()
        if self._groups is not None:
            self._groups.close()

    def _make_group(self, entry: Entry) -> Group | None:
        if self._groups is None:
            return None
        assignment = entry.assignment
        try:
            group = self._groups.make(
                _group_name(entry.key), memory_mb=assignment.memory_mb, cpu_millicores=assignment.cpu_millicores
            )
        except OSError as error:
            message = f"Its control group cannot be made: {error.filename}: {os.strerror(error.errno or 0)}."
            raise StartFailure(FailureReason.ENGINE, message) from error
        entry.write_json(_GROUP, {"directories": [str(each) for each in group.directories]})
        return group

    def _publish(self, entry: Entry) -> None:
        if entry.assignment.ports and self._observer is not None:
            self._observer.published(entry.key, own_ports(entry.assignment, self._address))

    def _watch(self, watched: _Watched) -> None:
        self._watched[watched.entry.key] = watched
        asyncio.get_running_loop().add_reader(watched.pidfd, self._exited, watched)

    def _exited(self, watched: _Watched) -> None:
        seen_at = time.time()
        asyncio.get_running_loop().remove_reader(watched.pidfd)
        os.close(watched.pidfd)
        watched.pidfd = -1
        watched.of_itself = not watched.entry.marked("stop")
        status: int | None = None
        if watched.child:
            if watched.of_itself:
                _signal_group(watched.pid, signal.SIGTERM)  # not reaped yet: its number cannot mean anybody else
            with contextlib.suppress(ChildProcessError):
                status = os.waitstatus_to_exitcode(os.waitpid(watched.pid, 0)[1])
        if _runs_on(watched):
            self._wind_up(watched, status=status, seen_at=seen_at)
            return
        del self._watched[watched.entry.key]
        self._tell_end(watched.entry, status, seen_at=seen_at, of_itself=watched.of_itself)

    def _wind_up(
        self,
        watched: _Watched,
        *,
        status: int | None = None,
        missing: str | None = None,
        seen_at: float | None = None,
    ) -> None:
        """End what the command has left behind, then tell the end. Until then it counts as running."""
        self._watched[watched.entry.key] = watched
        task = asyncio.get_running_loop().create_task(self._end_leftovers(watched, status, missing, seen_at))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_leftovers(
        self, watched: _Watched, status: int | None, missing: str | None, seen_at: float | None
    ) -> None:
        if watched.group is not None:
            for pid in watched.group.members():
                if watched.of_itself or not _in_group(pid, watched.pid):
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGTERM)
        if watched.of_itself:  # otherwise the whole process group was asked, and is killed by who asked
            if not watched.child:
                _signal_group(watched.pid, signal.SIGTERM)
            if not await _await_members(watched, watched.entry.assignment.grace_s):
                log.info("killing what its command left running", replica=str(watched.entry.key))
                _signal_group(watched.pid, signal.SIGKILL)
                if watched.group is not None:
                    await asyncio.to_thread(watched.group.kill)
                await _await_members(watched, _KILLED_PATIENCE_S)
        else:
            await _await_members(watched, None)
        if watched.group is not None:
            await asyncio.to_thread(watched.group.kill)  # what runs beside it
        del self._watched[watched.entry.key]
        self._tell_end(watched.entry, status, missing, seen_at=seen_at, of_itself=watched.of_itself)

    def _tell_end(
        self,
        entry: Entry,
        status: int | None,
        missing: str | None = None,
        *,
        seen_at: float | None = None,
        of_itself: bool = False,
    ) -> None:
        if entry.assignment.secrets:
            secrets.remove_files(entry)
        code, noted_at = _read_exit(entry.path("exit"))
        latest = seen_at if seen_at is not None else time.time()
        exited_at = latest if noted_at is None else min(latest, noted_at + _STAMP_LAG_S)
        message = None
        if code is None and status is not None:
            code = 128 - status if status < 0 else status
        elif code is None and entry.marked("stop"):
            code = 128 + signal.SIGKILL
        elif code is None:
            message = missing or "Its processes were killed from outside, and left no exit code."
        reason = None
        if entry.marked(UNPLACED):
            reason, message = FailureReason.ENGINE, "It could not be put into its control group."
        elif code and (of_itself or not entry.marked("stop")):
            group = _noted_group(entry)
            if group is not None and group.ran_out_of_memory():
                if code == 128 + signal.SIGKILL:
                    reason = FailureReason.OUT_OF_MEMORY
                else:
                    message = beside_out_of_memory(code)
        if self._observer is not None:
            end = End(exit_code=code, exited_at=exited_at, reason=reason, message=message, of_itself=of_itself)
            self._observer.ended(entry.key, end)

    def _end_later(self, entry: Entry, missing: str) -> None:
        asyncio.get_running_loop().call_soon(self._tell_end, entry, None, missing)


def _group_name(key: ReplicaKey) -> str:
    return f"{key.job_id}.{key.attempt}.{key.rank}"


def _key_of(name: str) -> ReplicaKey | None:
    """The replica that a control group of this name is of."""
    job, _, rest = name.partition(".")
    attempt, _, rank = rest.partition(".")
    if not job or not attempt.isdigit() or not rank.isdigit():
        return None
    return ReplicaKey(JobId(job), int(attempt), int(rank))


def _noted_group(entry: Entry) -> Group | None:
    """The control group that the journal knows of, which is not there any more after a restart of the machine."""
    noted = entry.read_json(_GROUP)
    return group_of(noted.get("directories") or ()) if noted is not None else None


def _read_exit(path: Path) -> tuple[int | None, float | None]:
    """Return the code and the file's time stamp; the newline tells that it was written to the end."""
    try:
        text = path.read_text(encoding="ascii")
        return (int(text) if text.endswith("\n") else None), path.stat().st_mtime
    except (OSError, ValueError):
        return None, None


def _read_identity(path: Path) -> tuple[int, int, float] | None:
    """Return the shim's process number, its start time in clock ticks, and when it noted them."""
    try:
        line = path.read_text(encoding="utf-8", errors="replace")
        return int(line.split(" ", 1)[0]), _ticks_of(line), path.stat().st_mtime
    except (OSError, ValueError, IndexError):
        return None


def _start_ticks(pid: int) -> int | None:
    try:
        return _ticks_of(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, IndexError):
        return None


def _ticks_of(stat_line: str) -> int:
    return int(stat_line.rpartition(")")[2].split()[19])


def _runs_command(shim: int) -> bool:
    """Whether a child of the shim has become something else than a copy of the shim."""
    try:
        own = Path(f"/proc/{shim}/cmdline").read_bytes()
        children = Path(f"/proc/{shim}/task/{shim}/children").read_text(encoding="ascii").split()
        return any(Path(f"/proc/{child}/cmdline").read_bytes() != own for child in children)
    except OSError:
        return not _runs(shim)


def _command_of(shim: int) -> int | None:
    """The process that the shim waits for."""
    try:
        children = Path(f"/proc/{shim}/task/{shim}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _marks(key: ReplicaKey) -> list[str]:
    """The variables by which the processes of a replica are known."""
    return [f"LILAC_JOB_ID={key.job_id}", f"LILAC_ATTEMPT={key.attempt}", f"LILAC_RANK={key.rank}"]


def _strays(key: ReplicaKey, session: int) -> list[int]:
    """Return the processes of a replica, wherever they hid: by session, or by the variables they were started with."""
    marks = {mark.encode() for mark in _marks(key)}
    found: list[int] = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
            if int(stat.rpartition(")")[2].split()[3]) == session or marks <= set(
                (directory / "environ").read_bytes().split(b"\0")
            ):
                found.append(int(directory.name))
    return found


def _runs(pid: int) -> bool:
    """Whether there is a process of this number that does more than wait to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def _in_group(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _runs_on(watched: _Watched) -> bool:
    """Whether anything of a replica may be there whose shim is not: a number in use again says nothing of its group."""
    if watched.group is not None and watched.group.everything():
        return True
    return _group_exists(watched.pid) and not _runs(watched.pid)


async def _await_members(watched: _Watched, patience_s: float | None) -> bool:
    """Wait until nothing of a replica runs any more; return False if `patience_s` were not enough."""
    try:
        async with asyncio.timeout(patience_s):
            while members := await asyncio.to_thread(_members, watched.pid, watched.group):
                for pid in members:
                    await _await_exit(pid)
    except TimeoutError:
        return False
    return True


async def _await_exit(pid: int) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(pidfd, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _members(process_group: int, group: Group | None) -> list[int]:
    """Return the processes of a replica that run; those that only wait to be reaped hold nothing."""
    inside = group.members() if group is not None else set[int]()
    found: list[int] = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
            state, _, its_group = stat.rpartition(")")[2].split()[:3]
            pid = int(directory.name)
            if (int(its_group) == process_group or pid in inside) and state not in "ZX":
                found.append(pid)
    return found


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
