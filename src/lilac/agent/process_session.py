"""A command beside a replica that runs as processes: same working directory, same environment, a session of its own.

Directory and environment are those that the replica's own process has, read from the kernel, so what the job was given
(secrets included) is never kept a second time. With a terminal the command gets a pseudo-terminal as its controlling
terminal. `close` hangs up, and kills what does not go, in the whole session, whatever process groups a shell made.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from lilac.agent.cgroups import Group
from lilac.agent.sessions import SHELL, SessionRefused
from lilac.tunnel.frames import MOST_BYTES, Command, Kind

HANG_UP_PATIENCE_S = 2.0
_SIGNALS = {name: number for name, number in signal.Signals.__members__.items() if not name.startswith("SIGRT")}


async def open_command(command: Command, *, beside: int, group: Group | None = None) -> PipeSession | TerminalSession:
    """Start a command as process `beside` would, and beside its control group's processes if it has one.

    Raises `SessionRefused` with one sentence.
    """
    environment, directory = _surroundings(beside)
    argv = command.argv or SHELL
    if command.tty:
        environment["TERM"] = command.term
    try:
        if command.tty:
            session = await TerminalSession.start(argv, environment, directory, command.rows, command.cols)
            if group is not None:
                await asyncio.to_thread(group.put_beside, session.pid)
            return session
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=environment,
            cwd=directory,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            limit=MOST_BYTES,
        )
        if group is not None:
            await asyncio.to_thread(group.put_beside, process.pid)
        return PipeSession(process)
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise SessionRefused(f"{argv[0]} cannot be started: {why}.") from None


class PipeSession:
    """A command without a terminal: input, output and errors apart."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._chunks: asyncio.Queue[tuple[Kind, bytes] | None] = asyncio.Queue(maxsize=2)
        assert process.stdout is not None
        assert process.stderr is not None
        loop = asyncio.get_running_loop()
        self._readers = [
            loop.create_task(self._read_from(stream, kind))
            for stream, kind in ((process.stdout, Kind.OUTPUT), (process.stderr, Kind.ERRORS))
        ]
        self._open = len(self._readers)

    async def read(self) -> tuple[Kind, bytes] | None:
        return await self._chunks.get()

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it does not read any more
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def write_eof(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self._process.stdin.close()

    async def resize(self, rows: int, cols: int) -> None:
        """Without a terminal there is no size."""

    async def signal(self, name: str) -> None:
        _signal(self._process.pid, name)

    async def result(self) -> int:
        return _code(await self._process.wait())

    async def close(self) -> None:
        await _end_session(self._process)
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _read_from(self, stream: asyncio.StreamReader, kind: Kind) -> None:
        try:
            while data := await stream.read(MOST_BYTES):
                await self._chunks.put((kind, data))
        finally:
            self._open -= 1
        if self._open == 0:
            await self._chunks.put(None)


class TerminalSession:
    """A command on a pseudo-terminal."""

    def __init__(self, process: Process, master: int) -> None:
        self._process = process
        self._master = master
        self._closed = False

    @classmethod
    async def start(
        cls, argv: Sequence[str], environment: Mapping[str, str], directory: str, rows: int, cols: int
    ) -> TerminalSession:
        master, slave = pty.openpty()
        try:
            _set_size(master, rows, cols)
            os.set_blocking(master, False)
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=environment,
                cwd=directory,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                preexec_fn=_take_terminal,
            )
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        return cls(process, master)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def read(self) -> tuple[Kind, bytes] | None:
        while not self._closed:
            try:
                data = os.read(self._master, MOST_BYTES)
                return (Kind.OUTPUT, data) if data else None
            except BlockingIOError:
                await self._until(reading=True)
            except OSError:  # EIO: nobody has the terminal open any more
                return None
        return None

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._closed:
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await self._until(reading=False)
            except OSError:
                return

    async def write_eof(self) -> None:
        await self.write(b"\x04")

    async def resize(self, rows: int, cols: int) -> None:
        if not self._closed:
            _set_size(self._master, rows, cols)

    async def signal(self, name: str) -> None:
        _signal(self._process.pid, name)

    async def result(self) -> int:
        return _code(await self._process.wait())

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await _end_session(self._process)
        os.close(self._master)

    async def _until(self, *, reading: bool) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        add = loop.add_reader if reading else loop.add_writer
        remove = loop.remove_reader if reading else loop.remove_writer
        add(self._master, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            remove(self._master)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(terminal: int, rows: int, cols: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def _surroundings(pid: int) -> tuple[dict[str, str], str]:
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        directory = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        raise SessionRefused("The replica has just ended.") from None
    table = dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)
    return {os.fsdecode(name): os.fsdecode(value) for name, value in table.items()}, directory


def _signal(session: int, name: str) -> None:
    number = _SIGNALS.get(name)
    if number is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(session, number)


def _code(status: int) -> int:
    return 128 - status if status < 0 else status


async def _end_session(process: Process) -> None:
    """Hang up on everything in the command's session, then kill what is left."""
    for number, patience_s in ((signal.SIGHUP, HANG_UP_PATIENCE_S), (signal.SIGKILL, HANG_UP_PATIENCE_S)):
        members = await asyncio.to_thread(_members, process.pid)
        if not members and process.returncode is not None:
            return
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await process.wait()
    await process.wait()


def _members(session: int) -> list[int]:
    """The processes of a session that run."""
    found: list[int] = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
                fields = stat.rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] not in "ZX":
                    found.append(int(directory.name))
    return found
