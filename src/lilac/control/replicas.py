"""The replicas of the control plane on one PostgreSQL: the election, the notifications, and who is there.

They live on a thread with an event loop of its own, since a long plan may keep the main loop busy for longer than a
lease lasts. Nothing is decided there: what happens is handed to the main loop.

| task | what it does |
| --- | --- |
| election | stands for the lead, keeps it, gives it away at the end |
| notifications | LISTENs; wakes the follower, and readers of output that another replica has stored |
| presence | says every two seconds that this replica is there |
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import structlog

import lilac
from lilac.control.electing import Election
from lilac.model.errors import LilacError
from lilac.store import changes, leases
from lilac.store.database import Transaction
from lilac.store.leases import Ballot, ControlPlaneRow
from lilac.store.sessions import Session

PRESENT_EVERY_S = 2.0
PATIENCE_S = 6.0
"""A replica that was not seen for so long is not there."""
TIDY_EVERY_S = 60.0
CHANGES_KEPT_S = 900.0
"""A replica that was stopped for longer has to be started anew."""
_RECONNECT_S = 1.0
_NOTIFY_BYTES = 7000
_GATHER_S = 0.05
_log = structlog.get_logger("lilac.replicas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Whom to tell; each is called on the main event loop."""

    won: Callable[[int], None]
    lost: Callable[[], None]
    changed: Callable[[], None]
    output: Callable[[list[str]], None]


@dataclass(slots=True)
class _Running:
    """What belongs to the thread's own event loop."""

    loop: asyncio.AbstractEventLoop
    election: Election
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stored: set[str] = field(default_factory=set[str])
    """Keys of output that was stored here and not told yet."""
    has_stored: asyncio.Event = field(default_factory=asyncio.Event)


class Replicas:
    """This replica among the others. `start` and `stop` are called on the main event loop."""

    def __init__(self, url: str, *, name: str, address: str, lease_s: float, now: float) -> None:
        self.id = uuid.uuid4().hex
        self.row = ControlPlaneRow(
            id=self.id, name=name, address=address, version=lilac.__version__, started_at=now, seen_at=now
        )
        self._url = url
        self._lease_s = lease_s
        self._thread: threading.Thread | None = None
        self._running: _Running | None = None

    def start(self, told: Told) -> None:
        main = asyncio.get_running_loop()

        def on_main(call: Callable[..., None]) -> Callable[..., None]:
            def tell(*args: object) -> None:
                with suppress(RuntimeError):  # the main loop has ended
                    main.call_soon_threadsafe(call, *args)

            return tell

        told = Told(
            won=on_main(told.won), lost=on_main(told.lost), changed=on_main(told.changed), output=on_main(told.output)
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(told)), name="replicas", daemon=True)
        self._thread.start()

    def set_address(self, address: str) -> None:
        """Where this replica is reached, once that is known."""
        self.row = replace(self.row, address=address)

    def resign(self) -> None:
        """Give the lead away now."""
        if (running := self._running) is not None:
            with suppress(RuntimeError):
                running.loop.call_soon_threadsafe(running.election.resign)

    async def stop(self) -> None:
        """Give the lead away and let go of the sessions."""
        running, thread = self._running, self._thread
        if running is not None:
            with suppress(RuntimeError):
                running.loop.call_soon_threadsafe(running.stopping.set)
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def stored_output(self, key: str) -> None:
        """Tell the other replicas that there is more of some output. Many in a short time are told at once."""
        running = self._running
        if running is not None:
            with suppress(RuntimeError):
                running.loop.call_soon_threadsafe(self._note_output, running, key)

    @staticmethod
    def _note_output(running: _Running, key: str) -> None:
        running.stored.add(key)
        running.has_stored.set()

    async def _main(self, told: Told) -> None:
        ballot = Ballot(self._url, self.id, self._lease_s)
        running = _Running(asyncio.get_running_loop(), Election(ballot, self._lease_s, won=told.won, lost=told.lost))
        self._running = running
        election = asyncio.create_task(running.election.run())
        others = [
            asyncio.create_task(self._listen(told)),
            asyncio.create_task(self._be_present(told)),
            asyncio.create_task(self._tell_output(running)),
        ]
        await running.stopping.wait()
        running.election.resign()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lease_s + 2):
                await election
        for task in others:
            task.cancel()
        await asyncio.gather(election, *others, return_exceptions=True)

    async def _listen(self, told: Told) -> None:
        while True:
            session: Session | None = None
            try:
                session = await Session.open(self._url, leases.session_name(self.id))
                await session.listen(changes.CHANNEL, changes.LOGS_CHANNEL)
                told.changed()
                async for channel, payload in session.notifications():
                    if channel == changes.LOGS_CHANNEL:
                        sender, _, keys = payload.partition(" ")
                        if sender != self.id:
                            told.output(keys.split())
                    elif payload != self.id:
                        told.changed()
            except LilacError as error:
                _log.warning("notifications are interrupted; looking every second instead", why=str(error))
            finally:
                if session is not None:
                    await session.close()
            await asyncio.sleep(_RECONNECT_S)
            told.changed()

    async def _be_present(self, told: Told) -> None:
        ballot = Ballot(self._url, self.id, self._lease_s)
        while True:
            try:
                await ballot.open_session()
                await ballot.present(self.row)
                told.changed()  # others notify whom they know of, and may not have known of this one
                while True:
                    await asyncio.sleep(PRESENT_EVERY_S)
                    await ballot.present(self.row)
            except LilacError:
                await asyncio.sleep(_RECONNECT_S)
            finally:
                await ballot.close()

    async def _tell_output(self, running: _Running) -> None:
        session: Session | None = None
        try:
            while True:
                await running.has_stored.wait()
                await asyncio.sleep(_GATHER_S)
                running.has_stored.clear()
                keys, running.stored = sorted(running.stored), set()
                try:
                    session = session or await Session.open(self._url, leases.session_name(self.id))
                    for payload in _payloads(self.id, keys):
                        await session.fetch(
                            f"SELECT pg_notify('{changes.LOGS_CHANNEL}', %(payload)s)", {"payload": payload}
                        )
                except LilacError:  # readers elsewhere look by themselves every second
                    if session is not None:
                        await session.close()
                    session = None
        finally:
            if session is not None:
                await session.close()


def tidy(tx: Transaction, now: float) -> None:
    """Forget what no replica needs any more. For the leader, from time to time."""
    changes.prune(tx.conn, before=now - CHANGES_KEPT_S)
    leases.forget_control_planes(tx.conn, before=now - leases.FORGOTTEN_AFTER_S)


def _payloads(sender: str, keys: list[str]) -> list[str]:
    payloads: list[str] = []
    for key in keys:
        if payloads and len(payloads[-1]) + len(key) < _NOTIFY_BYTES:
            payloads[-1] += f" {key}"
        else:
            payloads.append(f"{sender} {key}")
    return payloads
