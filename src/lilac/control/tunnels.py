"""Tunnels into replicas: a person's end and an agent's end, spliced here, since agents only dial out.

1. A person asks (`open`): the history notes it (`job.exec_opened`), and the tunnel is offered to the node as part of
   what it should know: its long poll returns. Other servers of the control plane, which may have the node's call, hear
   of it by that event and offer it too.
2. The agent dials back and claims the tunnel, once, at the server where the person waits.
3. Frames are passed on in both directions until one end is gone; `job.exec_closed` notes the end.

Invariants: a tunnel belongs to one node and is claimed at most once; one that nobody claims is withdrawn after
`CLAIM_WITHIN_S`. A person who was let in has `OPENING_WITHIN_S` to say what is wanted, and counts as a tunnel from the
beginning (`expecting`). What is buffered is bounded by the windows of both ends (see `lilac.tunnel.frames`). Tunnels
live in memory: a restart of server or agent ends them, and what ran in them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from lilac.control.bus import Bus
from lilac.control.fleet import Fleet, TunnelOffer
from lilac.control.principals import Principal
from lilac.model.errors import Conflict, LilacError, NotFound, TooManyRequests, Unavailable
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, JobId, NodeId, ReplicaKey
from lilac.model.jobs import Job
from lilac.store.database import Database, Transaction
from lilac.tunnel.frames import Command, Kind, Opening, decode, error_frame, open_frame, read_exit

CLAIM_WITHIN_S = 20.0
OPENING_WITHIN_S = 20.0
MOST_PER_NODE = 64
MOST_PER_USER = 32
_log = structlog.get_logger("lilac.tunnels")


class Socket(Protocol):
    """One end of a tunnel, as the HTTP layer has it. `receive` returns None when the other side is gone."""

    async def send(self, message: bytes) -> None: ...
    async def receive(self) -> bytes | None: ...
    async def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Tunnel:
    id: str
    job: Job
    key: ReplicaKey
    node_id: NodeId
    principal: Principal
    opened_at: float
    agent_end: asyncio.Future[Socket]
    claimed: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the tunnel has ended, so that the agent's call may end too."""


class Tunnels:
    """The service behind `exec`, port forwarding and the agents' `tunnels` route."""

    def __init__(
        self, db: Database, clock: Callable[[], float], fleet: Fleet, bus: Bus, *, url: str, idle_s: float
    ) -> None:
        self._db = db
        self._clock = clock
        self._fleet = fleet
        self._bus = bus
        self._url = url
        self._idle_s = idle_s
        self._open: dict[str, Tunnel] = {}
        self._expected: dict[object, tuple[Principal, NodeId]] = {}
        """Who was let in and has not said yet what is wanted."""
        self._closing = False

    async def run(self) -> None:
        """Background service: offer to the nodes what other servers opened, and withdraw it."""
        async with self._bus.subscribe() as events:
            async for event in events:
                self._hear(event)

    @contextmanager
    def expecting(self, principal: Principal, node_id: NodeId) -> Iterator[None]:
        """Count somebody who is about to open a tunnel, for the length of the block.

        Raises:
            TooManyRequests: too many tunnels are open already.
        """
        self._admit(principal, node_id)
        place = object()
        self._expected[place] = (principal, node_id)
        try:
            yield
        finally:
            del self._expected[place]

    async def open(self, principal: Principal, job: Job, key: ReplicaKey, node_id: NodeId, opening: Opening) -> Tunnel:
        """Begin a tunnel into a running replica, and have the agent asked to dial; whoever asks was `expecting` it."""
        if self._closing:
            raise Unavailable("The control plane is stopping; try again in a moment.")
        return await self._begin(principal, job, key, node_id, opening)

    def _admit(self, principal: Principal, node_id: NodeId) -> None:
        taken = [*self._expected.values(), *((t.principal, t.node_id) for t in self._open.values())]
        of_user = sum(who.user_id == principal.user_id for who, _ in taken)
        of_node = sum(where == node_id for _, where in taken)
        if of_user >= MOST_PER_USER or of_node >= MOST_PER_NODE:
            whose = f"You have {of_user}" if of_user >= MOST_PER_USER else f"The node has {of_node}"
            raise TooManyRequests(f"{whose} tunnels open already; close some first.")

    async def _begin(
        self, principal: Principal, job: Job, key: ReplicaKey, node_id: NodeId, opening: Opening
    ) -> Tunnel:
        agent_end: asyncio.Future[Socket] = asyncio.get_running_loop().create_future()
        tunnel = Tunnel(str(uuid.uuid4()), job, key, node_id, principal, self._clock(), agent_end)
        self._open[tunnel.id] = tunnel
        try:
            await self._db.write(self._record_open, tunnel, opening)
        except BaseException:
            del self._open[tunnel.id]
            raise
        self._offer(node_id, TunnelOffer(tunnel.id, key, self._url))
        return tunnel

    async def carry(self, tunnel: Tunnel, person: Socket, opening: Opening) -> None:
        """Wait for the agent and pass frames on until one end is gone. The person is told what went wrong."""
        code: int | None = None
        try:
            agent = await self._agent_of(tunnel)
            await agent.send(open_frame(opening).encoded())
            code = await self._splice(person, agent)
        except LilacError as error:
            with suppress(ConnectionError):
                await person.send(error_frame(str(error)).encoded())
        except ConnectionError:
            _log.debug("an end of a tunnel is gone", tunnel=tunnel.id)
        finally:
            self._withdraw(tunnel.node_id, tunnel.id)
            self._open.pop(tunnel.id, None)
            tunnel.over.set()
            await person.close()
            if not self._closing:
                await self._note_close(tunnel, code)

    def claim(self, node_id: NodeId, cluster_id: ClusterId, tunnel_id: str) -> Tunnel:
        """Give the tunnel to its agent, which then sets `agent_end`.

        Raises:
            NotFound: it is not this node's, or was claimed before.
        """
        tunnel = self._open.get(tunnel_id)
        station = self._fleet.get(node_id)
        if (
            tunnel is None
            or tunnel.node_id != node_id
            or station is None
            or station.node.cluster_id != cluster_id
            or tunnel.claimed
        ):
            raise NotFound("There is no such tunnel, or it was taken already.")
        tunnel.claimed = True
        self._withdraw(node_id, tunnel_id)
        return tunnel

    def close(self) -> None:
        """End all tunnels: the process is about to stop."""
        self._closing = True
        for tunnel in self._open.values():
            tunnel.over.set()
            if not tunnel.agent_end.done():
                tunnel.agent_end.set_exception(Unavailable("The control plane is stopping; try again in a moment."))

    async def _agent_of(self, tunnel: Tunnel) -> Socket:
        try:
            async with asyncio.timeout(CLAIM_WITHIN_S):
                return await asyncio.shield(tunnel.agent_end)
        except TimeoutError:
            raise Unavailable(
                f"The agent of the node did not answer within {CLAIM_WITHIN_S:.0f} s; it may be away, or older than "
                "this feature."
            ) from None

    async def _splice(self, person: Socket, agent: Socket) -> int | None:
        """Pass frames on; the exit code, if the agent told one."""
        loop = asyncio.get_running_loop()
        last_frame_at = loop.time()
        code: int | None = None

        async def inward() -> None:
            nonlocal last_frame_at
            while (message := await person.receive()) is not None:
                frame = decode(message)
                if frame.kind not in _FROM_PERSON:
                    raise Conflict(f"A client does not send {frame.kind.name} frames.")
                last_frame_at = loop.time()
                await agent.send(message)

        async def outward() -> None:
            nonlocal last_frame_at, code
            while (message := await agent.receive()) is not None:
                frame = decode(message)
                last_frame_at = loop.time()
                await person.send(message)
                if frame.kind is Kind.EXIT:
                    told = read_exit(frame)
                    code = told if isinstance(told, int) else None
                    return
            await person.send(error_frame("The connection to the node broke.").encoded())

        async def idle() -> None:
            while (left := last_frame_at + self._idle_s - loop.time()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(left)
            await person.send(error_frame(f"Closed after {self._idle_s:.0f} s without a sign of life.").encoded())

        async def stopping() -> None:
            await self._bus.closed.wait()
            await person.send(error_frame("The control plane is stopping; try again in a moment.").encoded())

        tasks = [loop.create_task(work()) for work in (inward, outward, idle, stopping)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if isinstance(error, LilacError):
                    await person.send(error_frame(str(error)).encoded())
                elif error is not None and not isinstance(error, ConnectionError):
                    raise error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await agent.close()
        return code

    def _hear(self, event: Event) -> None:
        if event.kind is EventKind.JOB_EXEC_OPENED and event.job_id is not None and event.node_id is not None:
            facts = event.data
            if facts["tunnel"] in self._open or self._clock() - event.at > CLAIM_WITHIN_S:
                return  # this server's own, offered already; or one of before a restart
            key = ReplicaKey(JobId(event.job_id), int(facts["attempt"]), int(facts["rank"]))
            self._offer(event.node_id, TunnelOffer(str(facts["tunnel"]), key, str(facts["url"])))
        elif event.kind is EventKind.JOB_EXEC_CLOSED and event.node_id is not None:
            self._withdraw(event.node_id, str(event.data.get("tunnel")))

    def _offer(self, node_id: NodeId, offer: TunnelOffer) -> None:
        station = self._fleet.get(node_id)
        if station is not None:
            station.offer(offer)
            asyncio.get_running_loop().call_later(CLAIM_WITHIN_S, self._withdraw, node_id, offer.id)

    def _withdraw(self, node_id: NodeId, tunnel_id: str) -> None:
        station = self._fleet.get(node_id)
        if station is not None:
            station.withdraw(tunnel_id)

    def _record_open(self, tx: Transaction, tunnel: Tunnel, opening: Opening) -> None:
        facts: dict[str, object] = {"url": self._url}
        if isinstance(opening, Command):
            facts |= {"program": opening.argv[0] if opening.argv else "", "tty": opening.tty}
        else:
            facts |= {"port": opening.number}
        tx.record(_about(tunnel, EventKind.JOB_EXEC_OPENED, tunnel.opened_at, **facts))

    async def _note_close(self, tunnel: Tunnel, code: int | None) -> None:
        now = self._clock()
        event = _about(
            tunnel,
            EventKind.JOB_EXEC_CLOSED,
            now,
            exit_code=code,
            duration_s=round(now - tunnel.opened_at, 3),
        )
        try:
            await self._db.write(lambda tx: tx.record(event))
        except LilacError as error:
            _log.warning("the end of a tunnel could not be written", job=tunnel.job.id, error=str(error))


_FROM_PERSON = frozenset({Kind.INPUT, Kind.END, Kind.RESIZE, Kind.SIGNAL, Kind.CREDIT})


def _about(tunnel: Tunnel, kind: EventKind, at: float, **facts: object) -> Event:
    """Only the program's name is noted, never its arguments: they may hold what is secret."""
    job = tunnel.job
    return Event(
        kind=kind,
        at=at,
        job_id=job.id,
        queue_id=job.spec.queue_id,
        node_id=tunnel.node_id,
        user_id=job.owner_id,
        actor=tunnel.principal.actor,
        data={
            "tunnel": tunnel.id,
            "name": job.spec.name,
            "attempt": tunnel.key.attempt,
            "rank": tunnel.key.rank,
            **facts,
        },
    )
