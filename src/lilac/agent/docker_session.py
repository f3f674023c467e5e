"""A command in a replica's container, by the engine's exec, and connections to its ports.

The engine does not end an exec'd process when its client goes away, so `close` does: by its process number on this
machine, if it is of that container (an engine elsewhere has other numbers; then the container's end ends it).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from lilac.agent.docker_engine import DockerEngine, EngineAway, EngineError, ExecStream
from lilac.agent.sessions import SHELL, PortSession, SessionRefused, connect_inside
from lilac.tunnel.frames import MOST_BYTES, Command, Kind, Opening, Port

_HANG_UP_PATIENCE_S = 2.0
_ASK_AGAIN_S = 0.02
_ASK_TIMES = 100
_ERRORS = 2


async def open_session(engine: DockerEngine, container: str, opening: Opening) -> ContainerSession | PortSession:
    """Open a session in a container. Raises `SessionRefused` with one sentence."""
    try:
        if isinstance(opening, Port):
            return await _connect(engine, container, opening.number)
        return await ContainerSession.start(engine, container, opening)
    except (EngineAway, EngineError) as error:
        raise SessionRefused(f"The engine refuses: {str(error).rstrip('.')}.") from None


class ContainerSession:
    """A command in a container."""

    def __init__(self, engine: DockerEngine, container: str, exec_id: str, stream: ExecStream, *, tty: bool) -> None:
        self._engine = engine
        self._container = container
        self._exec_id = exec_id
        self._stream = stream
        self._tty = tty
        self._rest: list[tuple[Kind, bytes]] = []
        self._closed = False

    @classmethod
    async def start(cls, engine: DockerEngine, container: str, command: Command) -> ContainerSession:
        environment = {"TERM": command.term} if command.tty else {}
        exec_id, stream = await engine.exec(container, command.argv or SHELL, tty=command.tty, environment=environment)
        session = cls(engine, container, exec_id, stream, tty=command.tty)
        await session.resize(command.rows, command.cols)
        return session

    async def read(self) -> tuple[Kind, bytes] | None:
        if not self._rest:
            message = await self._stream.read()
            if message is None:
                return None
            number, data = message
            kind = Kind.ERRORS if number == _ERRORS else Kind.OUTPUT
            self._rest = [(kind, data[at : at + MOST_BYTES]) for at in range(0, len(data), MOST_BYTES)]
            if not self._rest:
                return kind, b""
        return self._rest.pop(0)

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._stream.write(data)

    async def write_eof(self) -> None:
        if self._tty:
            await self.write(b"\x04")
        else:
            self._stream.write_eof()

    async def resize(self, rows: int, cols: int) -> None:
        if self._tty and rows and cols:
            with contextlib.suppress(EngineAway, EngineError):  # it may have ended
                await self._engine.exec_resize(self._exec_id, rows, cols)

    async def signal(self, name: str) -> None:
        number = signal.Signals.__members__.get(name)
        if number is not None:
            await self._send(number)

    async def result(self) -> int:
        for _ in range(_ASK_TIMES):  # the stream may end a moment before the engine knows the code
            details = await self._engine.exec_inspect(self._exec_id)
            if not details.get("Running") and details.get("ExitCode") is not None:
                return int(details["ExitCode"])
            await asyncio.sleep(_ASK_AGAIN_S)
        raise SessionRefused("The engine does not tell the exit code.")

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        if await self._send(signal.SIGHUP):
            deadline = asyncio.get_running_loop().time() + _HANG_UP_PATIENCE_S
            while await self._running() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(_ASK_AGAIN_S)
            await self._send(signal.SIGKILL)

    async def _running(self) -> bool:
        with contextlib.suppress(EngineAway, EngineError):
            return bool((await self._engine.exec_inspect(self._exec_id)).get("Running"))
        return False

    async def _send(self, number: signal.Signals) -> bool:
        """Signal the command and what it started, if it still runs and is of the container."""
        try:
            details: dict[str, Any] = await self._engine.exec_inspect(self._exec_id)
        except (EngineAway, EngineError):
            return False
        pid = int(details.get("Pid") or 0)
        if not details.get("Running") or pid <= 1 or not _is_of(pid, self._container):
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) == pid:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
            return True
        return False


async def _connect(engine: DockerEngine, container: str, port: int) -> PortSession:
    details = await engine.inspect(container)
    if details is None or not details["State"].get("Running"):
        raise SessionRefused("The replica's container does not run.")
    pid = int(details["State"].get("Pid") or 0)
    address = (details.get("NetworkSettings") or {}).get("IPAddress") or None
    if pid <= 1 or not _is_of(pid, container):
        raise SessionRefused("The engine is on another machine than the agent: ports of containers are out of reach.")
    return await connect_inside(pid, port, address)


def _is_of(pid: int, container: str) -> bool:
    try:
        return container in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
