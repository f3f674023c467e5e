"""The client's end of tunnels into replicas (asyncio, since input, output and a terminal's size come side by side).

`open_tunnel` returns once the command runs or the port answers. Input waits for the other end's credit; output is
credited when the caller says that it has been dealt with (`credit`), so a slow reader slows the command, not this
process's memory. The WebSocket library is imported by the first call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lilac.client.connection import Connection, error_of, segment
from lilac.client.dialling import trusting
from lilac.model.errors import Conflict, Unavailable
from lilac.tunnel.frames import Frame, Kind, Opening, credit_frame, decode, open_frame, pieces, read_credit, read_exit
from lilac.tunnel.windows import ReceiveAccount, SendWindow

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_KEEPALIVE_S = 20.0
_OPEN_PATIENCE_S = 20.0


class ClientTunnel:
    """One open tunnel. `frames` may be consumed by one task while others send."""

    def __init__(self, socket: ClientConnection, endpoint: str) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self._window = SendWindow()
        self._account = ReceiveAccount()

    async def input(self, data: bytes) -> None:
        """Send input; waits while the other end has more than a window of it."""
        for piece in pieces(data):
            await self._window.take(len(piece))
            await self.send(Frame(Kind.INPUT, piece))

    async def send(self, frame: Frame) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(frame.encoded())
        except ConnectionClosed:
            raise self._broken() from None

    async def frames(self) -> AsyncIterator[Frame]:
        """OUTPUT, ERRORS, END and, last, EXIT. Raises `Unavailable` when the connection breaks before."""
        while True:
            frame = await self._next()
            if frame.kind is Kind.CREDIT:
                self._window.add(read_credit(frame))
                continue
            yield frame
            if frame.kind is Kind.EXIT:
                return

    async def credit(self, count: int) -> None:
        """Say that so many bytes of output have been dealt with. A sender that has gone needs no credit."""
        if amount := self._account.consume(count):
            with suppress(Unavailable):
                await self.send(credit_frame(amount))

    async def close(self) -> None:
        await self._socket.close()

    async def await_open(self) -> None:
        """Raises `Conflict` with the sentence of who refused."""
        frame = await self._next()
        if frame.kind is Kind.EXIT:
            raise Conflict(str(read_exit(frame)))
        if frame.kind is not Kind.OPENED:
            raise Unavailable(f"{self._endpoint} does not speak as it should; is it of another version?")

    async def _next(self) -> Frame:
        from websockets.exceptions import ConnectionClosed

        try:
            message = await self._socket.recv(decode=False)
        except ConnectionClosed:
            raise self._broken() from None
        return decode(message)

    def _broken(self) -> Unavailable:
        return Unavailable(f"the connection to {self._endpoint} broke; what ran in the session was ended with it.")


async def open_tunnel(connection: Connection, job: str, opening: Opening, *, rank: int = 0) -> ClientTunnel:
    """Open a tunnel into a running replica of a job.

    Raises:
        NotFound, Forbidden, Conflict: there is no such job or replica, it is not yours, or it does not run.
        Unavailable: the control plane or the node cannot be reached.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

    endpoint = connection.endpoint
    secure = endpoint.startswith("https:")
    options: dict[str, Any] = {"ssl": trusting(connection.ca_file)} if secure else {}
    headers = {"Authorization": f"Bearer {connection.api_key}"} if connection.api_key else {}
    address = (
        f"ws{'s' if secure else ''}://{endpoint.partition('://')[2]}/training_jobs/{segment(job)}/exec?rank={rank}"
    )
    try:
        socket = await connect(
            address,
            additional_headers=headers,
            compression=None,
            max_size=1 << 20,
            open_timeout=_OPEN_PATIENCE_S,
            ping_interval=_KEEPALIVE_S,
            ping_timeout=_KEEPALIVE_S,
            **options,
        )
    except InvalidStatus as refusal:
        raise error_of(refusal.response.status_code, bytes(refusal.response.body or b""), endpoint) from None
    except (InvalidHandshake, WebSocketException, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise connection.unreachable(error) from error
    tunnel = ClientTunnel(socket, endpoint)
    try:
        await tunnel.send(open_frame(opening))
        await tunnel.await_open()
    except BaseException:
        await tunnel.close()
        raise
    return tunnel
