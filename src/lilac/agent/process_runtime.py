"""Replicas as plain processes of this machine.

Each replica gets a session and process group of its own, led by a small POSIX shell script, the shim. The shim notes
who it is (`pid`), runs the command, and writes the command's exit code (`exit`); so the code survives a restart of
the agent, whose child the shim may no longer be. Output goes straight from the process to the journal's `output`.

Signals: the polite one goes to the whole group. The shim survives it by a trap, while the command gets the default
handlers: a shell resets its traps in the programs that it runs. The killing one ends the shim too, so then there is no
`exit` file, and the agent knows the code because it sent the signal.

The end is seen through a pidfd, also for a shim that another life of the agent started. A process number is trusted
only together with the machine's boot id and the process's start time. What a replica leaves running in its process
group when its command ends is asked to end and killed after the grace period; only then is the end told, since what
the replica held is not free before.

Times: a file's time stamp lags behind the clock by up to a tick of the kernel. So a start is read from the clock before
the process is made, and an end is the moment at which it was seen, but at most a tick after the shim noted the code.

A process gets no limits on CPU and memory here: use it where jobs are trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from lilac.agent import secrets, volumes
from lilac.agent.journal import Entry, boot_id
from lilac.agent.ports import own_ports
from lilac.agent.process_session import open_command
from lilac.agent.runtime import End, Observer, StartFailure
from lilac.agent.sessions import Session, SessionRefused, connect_here
from lilac.agent.wire import Assignment, replica_environment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import ReplicaKey
from lilac.model.states import FailureReason
from lilac.tunnel.frames import Opening, Port

log = structlog.get_logger(__name__)

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $0 is the replica's directory, $1 the working directory, the rest is the command, its program as a path with a slash
# so that no builtin of the shell is meant. Positional parameters only: a variable of the shell could be one of the job.
# The shell itself is mute (its standard error is nowhere): it would say "Terminated" and the like.
_SHIM = """\
trap : HUP INT QUIT ABRT TERM USR1 USR2 ALRM CONT WINCH
IFS= read -r _LILAC_SHIM </proc/self/stat
printf '%s\\n' "$_LILAC_SHIM" >"$0/pid"
unset _LILAC_SHIM
cd "$1" || exit 126
unset OLDPWD
shift
"$@" 2>&1
set -- "$?"
printf '%s\\n' "$1" >"$0/exit"
exit "$1"
"""

# A shell drops variables whose names it could not spell itself, so for those the command starts through here.
_ENVIRON_LAUNCHER = """\
import os, sys
with open(sys.argv[1], "rb") as f:
    pairs = [p.split(b"=", 1) for p in f.read().split(b"\\0") if p]
os.unlink(sys.argv[1])
os.execve(sys.argv[2], sys.argv[2:], {**dict(pairs), b"PWD": os.getcwdb()})
"""

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
    of_itself: bool = False
    """Whether its command ended before anybody asked it to; set when only left-over processes remain."""


class ProcessRuntime:
    """Runs replicas as processes. See the module's text for the mechanism."""

    name = RuntimeName.PROCESS

    def __init__(self, *, address: str = "127.0.0.1", allowed_host_paths: tuple[str, ...] = ()) -> None:
        self._address = address
        self._allowed_host_paths = allowed_host_paths
        self._watched: dict[ReplicaKey, _Watched] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._observer: Observer | None = None

    async def open(self, observer: Observer) -> None:
        self._observer = observer

    async def start(self, entry: Entry) -> float:
        environment = _environment(entry)
        if entry.assignment.volumes:
            environment |= await asyncio.to_thread(volumes.prepare, entry, self._allowed_host_paths)
        if entry.assignment.secrets:
            values = secrets.read(entry)
            secrets.check_all_there(entry.assignment, values)
            secrets.write_files(entry, values)
            environment |= secrets.variables(entry.assignment, values, str(entry.path("secrets")))
        workdir = _working_directory(entry)
        program = _program(entry, environment["PATH"], workdir)
        command = [program, *entry.assignment.words[1:]]
        if not all(_is_shell_name(name) for name in environment):
            command = _launched(entry, environment, command)
        environment["PWD"] = str(workdir)
        started_at = time.time()
        try:
            pid = os.posix_spawn(  # noqa: ASYNC221 - a millisecond; a thread costs more
                "/bin/sh",
                ["sh", "-c", _SHIM, str(entry.directory), str(workdir), *command],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(entry.output), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                    (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=[s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP)],
            )
        except (OSError, ValueError) as error:
            exit_code = 126
            raise StartFailure(
                FailureReason.START, f"The process could not be started: {_why(error)}.", exit_code
            ) from error
        self._watch(_Watched(entry, pid, os.pidfd_open(pid), child=True))
        if entry.assignment.ports and self._observer is not None:
            self._observer.published(entry.key, own_ports(entry.assignment, self._address))
        return started_at

    async def adopt(self, entry: Entry) -> float | None:
        if not entry.output.exists():
            return None
        if entry.boot_id != boot_id():
            self._end_later(entry, "The machine was restarted while it ran.")
            return entry.received_at
        identity = _read_identity(entry.path("pid"))
        if identity is None:
            self._end_later(entry, "It ended while the agent was away, and left no exit code.")
            return entry.received_at
        pid, start_ticks, started_at = identity
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            if _start_ticks(pid) == start_ticks:
                self._watch(_Watched(entry, pid, pidfd, child=False))
                if entry.assignment.ports and self._observer is not None:
                    self._observer.published(entry.key, own_ports(entry.assignment, self._address))
                return started_at
            os.close(pidfd)
        missing = "It ended while the agent was away, and left no exit code."
        if not _exists(pid) and _group_exists(pid):
            watched = _Watched(entry, pid, -1, child=False, of_itself=not entry.marked("stop"))
            self._wind_up(watched, missing=missing)
        else:
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

    async def guarded(self, entry: Entry) -> Mapping[str, Any] | None:
        watched = self._watched.get(entry.key)
        return {"kind": "process", "pid": watched.pid, "marks": _marks(entry.key)} if watched is not None else None

    async def end_all_of(self, assignment: Assignment) -> None:
        while strays := await asyncio.to_thread(_strays, assignment.key, -1):
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.05)

    async def remove(self, entry: Entry) -> None:
        """Nothing lies outside of the journal."""

    async def sweep(self, is_known: Callable[[ReplicaKey], bool]) -> None:
        """Nothing tells whose a process is, once its journal is gone."""

    async def open_session(self, entry: Entry, opening: Opening) -> Session:
        watched = self._watched.get(entry.key)
        if watched is None or watched.of_itself:
            raise SessionRefused("The replica has just ended.")
        if isinstance(opening, Port):
            return await connect_here(opening.number)
        return await open_command(opening, beside=_command_of(watched.pid) or watched.pid)

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
        if _group_exists(watched.pid) and not _exists(watched.pid):
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
        if watched.of_itself:  # otherwise the whole group was asked, and is killed by who asked
            if not watched.child:
                _signal_group(watched.pid, signal.SIGTERM)
            if not await _await_group(watched.pid, watched.entry.assignment.grace_s):
                log.info("killing what its command left running", replica=str(watched.entry.key))
                _signal_group(watched.pid, signal.SIGKILL)
                await _await_group(watched.pid, _KILLED_PATIENCE_S)
        else:
            await _await_group(watched.pid, None)
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
        if self._observer is not None:
            end = End(exit_code=code, exited_at=exited_at, message=message, of_itself=of_itself)
            self._observer.ended(entry.key, end)

    def _end_later(self, entry: Entry, missing: str) -> None:
        asyncio.get_running_loop().call_soon(self._tell_end, entry, None, missing)


def _environment(entry: Entry) -> dict[str, str]:
    """A clean base, never the agent's own environment: that one holds the cluster's key."""
    base = {
        "PATH": os.environ.get("PATH") or _DEFAULT_PATH,
        "HOME": os.environ.get("HOME") or "/",
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR") or "/tmp",
    }
    return {
        **base,
        **replica_environment(entry.assignment),
        "LILAC_STOP_REASON_FILE": str(entry.path("stop_reason")),
    }


def _working_directory(entry: Entry) -> Path:
    wanted = entry.assignment.working_dir
    if wanted is None:
        directory = entry.path("work")
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory
    directory = Path(wanted)
    if not directory.is_absolute():
        raise StartFailure(FailureReason.START, f"The working directory {wanted} must be an absolute path.", 126)
    if not directory.is_dir():
        raise StartFailure(FailureReason.START, f"The working directory {wanted} does not exist on this node.", 126)
    return directory


def _program(entry: Entry, path: str, workdir: Path) -> str:
    """Find the program as a shell would; `StartFailure` with the code that a shell would give."""
    command = entry.assignment.command
    if not command or not command[0]:
        raise StartFailure(FailureReason.START, "A job of runtime process needs a command.", 127)
    name = command[0]
    if "/" in name:
        program = Path(workdir, name)
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
        if program.exists():
            raise StartFailure(FailureReason.START, f"{name} is not an executable program.", 126)
        raise StartFailure(FailureReason.START, f"The program {name} does not exist on this node.", 127)
    found = shutil.which(name, path=path)
    if found is None:
        raise StartFailure(FailureReason.START, f"The program {name} was not found on this node (PATH {path}).", 127)
    return str(Path(workdir, found))


def _launched(entry: Entry, environment: dict[str, str], command: list[str]) -> list[str]:
    path = entry.path("environ")
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(b"\0".join(os.fsencode(f"{name}={value}") for name, value in environment.items()))
    return [sys.executable, "-I", "-c", _ENVIRON_LAUNCHER, str(path), *command]


def _is_shell_name(name: str) -> bool:
    return name.isascii() and name.isidentifier()


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
        return not _exists(shim)


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


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


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


async def _await_group(group: int, patience_s: float | None) -> bool:
    """Wait until nothing of a process group runs any more; return False if `patience_s` were not enough."""
    try:
        async with asyncio.timeout(patience_s):
            while members := await asyncio.to_thread(_members, group):
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


def _members(group: int) -> list[int]:
    """Return the processes of a group that run; those that only wait to be reaped hold nothing."""
    found: list[int] = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
            state, _, its_group = stat.rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(int(directory.name))
    return found


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.E2BIG:
            return "its command and environment are too long for the system"
        return os.strerror(error.errno)
    return str(error)
