"""The agent's end of tunnels: dials back for every tunnel that the list names, and moves bytes.

Each tunnel is one task: dial, take the opening, open the session in the replica, pump, tell the exit code. It ends with
whichever goes first: the command, the person's connection, the replica, the agent. What ran in it is ended then.
Input waits in a queue of its own, so a command that does not read holds up neither credit nor signals.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

import aiohttp
import structlog

from lilac.agent.journal import Entry
from lilac.agent.runtime import End, Runtime
from lilac.agent.sessions import Session, SessionRefused
from lilac.agent.wire import TunnelOffer
from lilac.model.errors import InvalidInput, LilacError
from lilac.model.ids import ReplicaKey
from lilac.tunnel.frames import (
    WINDOW_BYTES,
    Frame,
    Kind,
    credit_frame,
    decode,
    error_frame,
    exit_frame,
    read_credit,
    read_opening,
    read_resize,
)
from lilac.tunnel.windows import ReceiveAccount, SendWindow

log = structlog.get_logger(__name__)

OPENING_PATIENCE_S = 20.0
_REMEMBERED = 1024


class Dialling(Protocol):
    async def dial(self, tunnel_id: str, url: str | None) -> aiohttp.ClientWebSocketResponse: ...


class Holding(Protocol):
    def running(self, key: ReplicaKey) -> tuple[Runtime, Entry, asyncio.Future[End]] | None: ...


class AgentTunnels:
    def __init__(self, control_plane: Dialling, replicas: Holding) -> None:
        self._control_plane = control_plane
        self._replicas = replicas
        self._known: OrderedDict[str, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def offered(self, offers: Iterable[TunnelOffer]) -> None:
        """Dial those that are new."""
        for offer in offers:
            if offer.id in self._known:
                continue
            self._known[offer.id] = None
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            task = asyncio.get_running_loop().create_task(self._carry(offer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all tunnels, and what runs in them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, offer: TunnelOffer) -> None:
        try:
            socket = await self._control_plane.dial(offer.id, offer.url)
        except LilacError as error:
            log.info("a tunnel could not be dialled", replica=str(offer.key), why=str(error))
            return
        try:
            await self._serve(offer, socket)
        except (aiohttp.ClientError, OSError) as error:
            log.info("a tunnel broke", replica=str(offer.key), why=str(error))
        except Exception:
            log.exception("a tunnel failed", replica=str(offer.key))
        finally:
            await socket.close()

    async def _serve(self, offer: TunnelOffer, socket: aiohttp.ClientWebSocketResponse) -> None:
        async with asyncio.timeout(OPENING_PATIENCE_S):
            first = await _next_frame(socket)
        if first is None:
            return
        try:
            opening = read_opening(first)
            found = self._replicas.running(offer.key)
            if found is None:
                raise SessionRefused("The replica does not run on its node any more.")
            runtime, entry, ended = found
            session = await runtime.open_session(entry, opening)
        except (SessionRefused, InvalidInput) as refusal:
            await socket.send_bytes(error_frame(str(refusal)).encoded())
            return
        log.info("tunnel opened", replica=str(offer.key))
        try:
            await socket.send_bytes(Frame(Kind.OPENED).encoded())
            await _Pump(socket, session).run(ended)
        except InvalidInput as refusal:
            await socket.send_bytes(error_frame(str(refusal)).encoded())
        finally:
            await session.close()
            log.info("tunnel closed", replica=str(offer.key))


class _Pump:
    """Moves the bytes of one session."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: Session) -> None:
        self._socket = socket
        self._session = session
        self._window = SendWindow()
        self._input: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting_bytes = 0
        """Of input that was not taken yet: never more than the window that its sender keeps to."""
        self._input_ended = False

    async def run(self, ended: asyncio.Future[End]) -> None:
        loop = asyncio.get_running_loop()
        outward, inward, feeding = (loop.create_task(w()) for w in (self._send_output, self._take_frames, self._feed))
        try:
            await asyncio.wait([outward, inward, ended], return_when=asyncio.FIRST_COMPLETED)
            if outward.done():
                outward.result()
            elif inward.done():
                inward.result()
            else:
                await self._socket.send_bytes(error_frame("The replica has ended.").encoded())
        finally:
            for task in (outward, inward, feeding):
                task.cancel()
            await asyncio.gather(outward, inward, feeding, return_exceptions=True)

    async def _send_output(self) -> None:
        while (chunk := await self._session.read()) is not None:
            kind, data = chunk
            await self._window.take(len(data))
            await self._socket.send_bytes(Frame(kind, data).encoded())
        try:
            last = exit_frame(await self._session.result())
        except (SessionRefused, LilacError) as error:
            last = error_frame(str(error))
        await self._socket.send_bytes(last.encoded())

    async def _take_frames(self) -> None:
        while (frame := await _next_frame(self._socket)) is not None:
            match frame.kind:
                case Kind.INPUT if frame.data and not self._input_ended:
                    self._waiting_bytes += len(frame.data)
                    if self._waiting_bytes > WINDOW_BYTES:
                        raise InvalidInput(
                            f"More than {WINDOW_BYTES} bytes of input were sent without credit for them."
                        )
                    self._input.put_nowait(frame.data)
                case Kind.END if not self._input_ended:
                    self._input_ended = True
                    self._input.put_nowait(None)
                case Kind.INPUT | Kind.END:
                    pass
                case Kind.RESIZE:
                    await self._session.resize(*read_resize(frame))
                case Kind.SIGNAL:
                    await self._session.signal(frame.data.decode("ascii", "replace"))
                case Kind.CREDIT:
                    self._window.add(read_credit(frame))
                case _:
                    raise InvalidInput(f"{frame.kind.name} is not for the agent.")

    async def _feed(self) -> None:
        account = ReceiveAccount()
        while True:
            data = await self._input.get()
            if data is None:
                await self._session.write_eof()
                return
            await self._session.write(data)
            self._waiting_bytes -= len(data)
            if credit := account.consume(len(data)):
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    await self._socket.send_bytes(credit_frame(credit).encoded())


async def _next_frame(socket: aiohttp.ClientWebSocketResponse) -> Frame | None:
    """The next frame; None when the other side is gone."""
    message = await socket.receive()
    if message.type is aiohttp.WSMsgType.BINARY:
        return decode(message.data)
    if message.type is aiohttp.WSMsgType.TEXT:
        raise InvalidInput("A tunnel has no text messages.")
    return None
