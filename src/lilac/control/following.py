"""Following what other replicas of the control plane commit, so that this one's memory is equal to the store.

Each commit leaves a row that names what it touched (`lilac.store.changes`) and a NOTIFY. A follower loads those things
as they are by then, and brings them in by the methods that follow its own commits; the events go to the bus.

Why the order is right: the loading is an operation of this replica's own writer. It sees every commit of the others
that was announced before it began, and everything that this replica has written before it; what it tells comes after
what those own writes tell, and before what later ones do. An own write that did not see another replica's change ran
before the loading that this change asks for, so what is told last is never older than what was told before.

`catch_up` is the barrier: what any replica had committed when it was called is in this one's memory when it returns.
Before an agent gets another list than it knows, the list has passed the barrier (`Nodes.status`): it may have got a
newer one from another replica already, and must never be taken back to an older one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from lilac.control import records
from lilac.control.bus import Bus
from lilac.control.projection import Projection
from lilac.model.arrays import JobArray
from lilac.model.clusters import Node, Queue
from lilac.model.errors import LilacError
from lilac.model.events import ACCOUNT_EVENTS, Event
from lilac.model.ids import JobId, NodeId
from lilac.model.lifecycle import Work
from lilac.model.states import Hold
from lilac.store import arrays as array_store
from lilac.store import changes
from lilac.store import clusters as cluster_store
from lilac.store import events as event_store
from lilac.store import jobs as job_store
from lilac.store import volumes as volume_store
from lilac.store.database import Database, Transaction

_ROWS = 200
_LOOK_EVERY_S = 5.0
"""Also without a word: a notification that got lost costs no more."""
_RETRY_S = 0.5
_log = structlog.get_logger("lilac.following")


class Follower:
    """A background service on the event loop; without other replicas (SQLite) it does nothing."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection, bus: Bus) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._bus = bus
        self._told = asyncio.Event()
        self._next: asyncio.Task[bool] | None = None
        """A loading that was asked for and has not begun to read."""
        self._current_at = float("-inf")
        """When this replica last knew everything, by the event loop's clock."""
        self.at = 0
        """The number of the last row that is known here."""
        self.on_accounts: Callable[[], None] = lambda: None
        """Called when another replica changed accounts or keys."""
        self.on_missed: Callable[[], None] = lambda: None
        """Called when rows are gone that were never seen here: what is in memory cannot be brought up any more."""

    def wake(self) -> None:
        """Something was committed elsewhere."""
        self._told.set()

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._told.wait()
            except TimeoutError:
                pass
            self._told.clear()
            try:
                await self.catch_up()
            except LilacError as error:
                _log.warning("cannot follow the other replicas now; tried again", why=str(error))
                await asyncio.sleep(_RETRY_S)
                self._told.set()

    async def catch_up(self) -> None:
        """Return when all that was committed before the call, by whichever replica, is known here.

        Raises:
            Unavailable: the database cannot be asked.
        """
        if self._db.replica is None:
            return
        began = asyncio.get_running_loop().time()
        while True:
            if self._next is None:
                self._next = asyncio.create_task(self._db.write(self._load))
                self._next.add_done_callback(self._began)
            if not await asyncio.shield(self._next):
                self._current_at = max(self._current_at, began)
                return

    async def be_current(self, within_s: float) -> None:
        """Catch up unless that was done within the last seconds.

        Raises:
            Unavailable: the database cannot be asked: what is known here may have been overtaken long ago.
        """
        if self._db.replica is not None and asyncio.get_running_loop().time() - self._current_at > within_s:
            await self.catch_up()

    def _began(self, loading: asyncio.Task[bool] | None = None) -> None:
        """From now on a new call needs a new loading."""
        if loading is not None and not loading.cancelled():
            loading.exception()  # also where nobody waits any more
        if loading is None or self._next is loading:
            self._next = None

    def _load(self, tx: Transaction) -> bool:
        """On the writer's thread: read what is new, have it told. Whether there is more."""
        self._next = None
        conn = tx.conn
        news = changes.after(conn, self.at, replica=str(self._db.replica), limit=_ROWS)
        if news.last == self.at:
            return False
        if news.missed:
            tx.after(self.on_missed)
            return False
        events = _events(tx, news.event_ranges)
        touched = news.touched
        keys = sorted(touched.works)
        jobs = job_store.get_jobs(conn, {job_id for job_id, _ in keys})
        works = records.load_works(conn, [key for key in keys if key[1]], lock=False)
        works |= {(i, 0): Work(jobs[i], None, ()) for i, number in keys if not number and i in jobs}
        gone = [job_id for job_id, _ in keys if job_id not in jobs]
        if touched.directory:
            nodes = {node.id: node for node in cluster_store.list_nodes(conn)}
            queues = cluster_store.list_queues(conn)
        else:
            nodes, queues = cluster_store.get_nodes(conn, touched.nodes), None
        missing = touched.nodes - nodes.keys()
        doomed = volume_store.doomed(conn, nodes.keys()) if nodes else {}
        arrays = list(array_store.get_arrays(conn, touched.arrays).values())

        def take() -> None:
            self._take(news.last, events, arrays, list(works.values()), gone, nodes, missing, queues)
            for node in nodes.values():
                self._projection.doom(node, doomed.get(node.id, {}))

        tx.after(take)
        return news.more

    def _take(
        self,
        last: int,
        events: Sequence[Event],
        arrays: Sequence[JobArray],
        works: Sequence[Work],
        gone: Sequence[JobId],
        nodes: dict[NodeId, Node],
        missing: set[NodeId],
        queues: Sequence[Queue] | None,
    ) -> None:
        self.at = max(self.at, last)
        projection, now = self._projection, self._clock()
        if queues is not None:
            projection.put_directory(queues, nodes.values(), now)
        else:
            for node in nodes.values():
                station = projection.fleet.get(node.id)
                projection.put_node(node, seen=now if station is None else station.last_seen)
            for node_id in missing:
                if (station := projection.fleet.get(node_id)) is not None:
                    projection.drop_node(station.node)
        for array in arrays:
            projection.put_array(array)
        for work in works:
            if work.job.held is Hold.DEPENDENCY:
                projection.submitted([work.job])
            else:
                projection.take(work)
        for job_id in gone:
            projection.board.withdraw(job_id)
        if events:
            self._bus.publish(events)
            if any(event.kind in ACCOUNT_EVENTS for event in events):
                self.on_accounts()


def _events(tx: Transaction, ranges: Sequence[tuple[int, int]]) -> list[Event]:
    if not ranges:
        return []
    first, last = ranges[0][0], ranges[-1][1]
    wanted = {seq for one, other in ranges for seq in range(one, other + 1)}
    found = event_store.list_events(tx.conn, after=first - 1, limit=last - first + 1)
    return [event for event in found if event.seq in wanted]
