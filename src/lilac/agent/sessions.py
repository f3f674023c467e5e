"""What runs at the agent's end of a tunnel: a command in a replica, or a connection to one of its ports.

A session is opened by the runtime that holds the replica; the tunnel only moves bytes. Whatever a session started is
gone after `close`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import threading
from typing import Protocol

from lilac.tunnel.frames import MOST_BYTES, Kind

SHELL = ("/bin/sh", "-c", 'exec "$(command -v bash || command -v sh)"')
"""What runs where no command was named: the best shell that is there."""
_CONNECT_PATIENCE_S = 10.0
_CLONE_NEWNET = 0x40000000


class SessionRefused(Exception):
    """The session cannot be opened; the text is one sentence for people."""


class Session(Protocol):
    """One command or connection. `read` and `write` may be awaited by different tasks at the same time."""

    async def read(self) -> tuple[Kind, bytes] | None:
        """The next output with its kind (OUTPUT or ERRORS), at most `MOST_BYTES`; None when nothing follows."""
        ...

    async def write(self, data: bytes) -> None: ...

    async def write_eof(self) -> None: ...

    async def resize(self, rows: int, cols: int) -> None: ...

    async def signal(self, name: str) -> None: ...

    async def result(self) -> int:
        """The exit code, once output has ended; a death by signal N counts as 128 + N."""
        ...

    async def close(self) -> None:
        """End what still runs. May be called at any time, also twice."""
        ...


class PortSession:
    """A connection to a port of a replica."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> tuple[Kind, bytes] | None:
        try:
            data = await self._reader.read(MOST_BYTES)
        except OSError:
            return None
        return (Kind.OUTPUT, data) if data else None

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def write_eof(self) -> None:
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def resize(self, rows: int, cols: int) -> None:
        """A port has no size."""

    async def signal(self, name: str) -> None:
        """A port takes no signals."""

    async def result(self) -> int:
        return 0

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def connect_here(port: int) -> PortSession:
    """Reach a port on this machine's loopback address."""
    try:
        async with asyncio.timeout(_CONNECT_PATIENCE_S):
            return PortSession(*await asyncio.open_connection("127.0.0.1", port, limit=MOST_BYTES))
    except (OSError, TimeoutError) as error:
        raise _refused(port, error) from None


async def connect_inside(pid: int, port: int, address: str | None) -> PortSession:
    """Reach a port on the loopback address of the network that process `pid` is in.

    Needs the right to enter that network; without it, the container's own `address` is tried, where the program must
    listen on it.
    """
    try:
        async with asyncio.timeout(_CONNECT_PATIENCE_S):
            try:
                connection = await _connect_in_network(pid, port)
            except PermissionError:
                if not address:
                    raise
                return PortSession(*await asyncio.open_connection(address, port, limit=MOST_BYTES))
            return PortSession(*await asyncio.open_connection(sock=connection, limit=MOST_BYTES))
    except (OSError, TimeoutError) as error:
        raise _refused(port, error) from None


async def _connect_in_network(pid: int, port: int) -> socket.socket:
    """Make the connection in a thread of its own, which enters the other network and is never used again."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[socket.socket] = loop.create_future()

    def tell(connection: socket.socket | None, error: OSError | None) -> None:
        if made.done():
            if connection is not None:
                connection.close()
        elif connection is not None:
            made.set_result(connection)
        else:
            assert error is not None
            made.set_exception(error)

    def work() -> None:
        connection: socket.socket | None = None
        try:
            with open(f"/proc/{pid}/ns/net") as network:
                _enter(network.fileno())
            connection = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_PATIENCE_S)
            connection.setblocking(False)
            loop.call_soon_threadsafe(tell, connection, None)
        except OSError as error:
            loop.call_soon_threadsafe(tell, None, error)

    threading.Thread(target=work, name="lilac-enter-network", daemon=True).start()
    return await made


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _refused(port: int, error: Exception) -> SessionRefused:
    why = "no answer in time" if isinstance(error, TimeoutError) else (getattr(error, "strerror", "") or str(error))
    return SessionRefused(f"Port {port} of the replica cannot be reached: {str(why).lower()}.")
