"""The composition root of the control plane: wires the services together, starts and stops them.

Start: open and migrate the store, make the first administrator, cluster and queue if there are none, rebuild board
and fleet from what is stored, then run the background services. Stop: let waiting callers go, finish what is being
written, close the store.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection

from lilac.control.accounts import Accounts
from lilac.control.bus import Bus
from lilac.control.deadlines import Deadlines
from lilac.control.directory import Directory
from lilac.control.jobs import Jobs, all_works
from lilac.control.logs import DirectoryLogs
from lilac.control.loop import SchedulingLoop
from lilac.control.nodes import Nodes
from lilac.control.projection import Projection
from lilac.control.settings import Settings, make_secret
from lilac.model.clusters import Cluster, Node, Queue
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, NodeId, QueueId, ReplicaKey
from lilac.store import accounts as account_store
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store.database import Database, Transaction

_FLUSH_KEYS_EVERY_S = 30.0
_log = structlog.get_logger("lilac.platform")


class Platform:
    """One control plane in one process. `await start()`, then use the services, then `await stop()`."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.clock = clock
        self.ready = False
        self.failed = False
        """Whether a background service died: the process must end, so that it is started anew."""
        self.on_failure: Callable[[], None] = lambda: None
        self.first_credentials: tuple[str, str] | None = None
        """Name and password of the administrator, if this start made one."""
        self.bus = Bus()
        self.db = Database.open(settings.resolved_database_url)
        self.db.on_commit = self.bus.publish
        self.db.on_stale = self._fail
        self.loop = SchedulingLoop(self.db, clock)
        self.projection = Projection(self.loop.wake, legacy_time_limit_s=settings.legacy_time_limit_s)
        self.loop.projection = self.projection
        self.logs = DirectoryLogs(
            settings.log_dir, head_bytes=settings.log_head_bytes, tail_bytes=settings.log_tail_bytes
        )
        self.nodes = Nodes(self.db, clock, self.projection, lost_after_s=settings.node_lost_after_s)
        self.jobs = Jobs(self.db, clock, self.projection, self.loop, self.bus.changed)
        self.projection.on_silence = self._end_output
        self.deadlines = Deadlines(self.db, clock, self.projection)
        self.directory = Directory(self.db, clock)
        self.accounts: Accounts
        self._services: list[asyncio.Task[None]] = []
        self._endings: set[asyncio.Task[None]] = set()
        self._reload = asyncio.Event()

    async def start(self) -> None:
        """Bring everything up.

        Raises:
            Unavailable: the database cannot be reached.
        """
        self.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self.db.start()
        secret = await self.db.write(lambda tx: account_store.put_setting_once(tx.conn, "secret", make_secret()))
        self.accounts = Accounts(self.db, self.clock, bytes.fromhex(secret), self.settings)
        self.first_credentials = await self.accounts.bootstrap(self.settings.admin_password)
        await self.db.write(self._first_cluster, self.clock())
        await self._rebuild()
        self.bus.listen(self._on_events)
        self._services = [
            asyncio.create_task(service, name=name)
            for name, service in (
                ("scheduling loop", self.loop.run()),
                ("node watch", self.nodes.watch()),
                ("heartbeat writer", self.nodes.touch()),
                ("deadlines", self.deadlines.run()),
                ("key use writer", self._flush_keys()),
                ("directory follower", self._follow_directory()),
            )
        ]
        for task in self._services:
            task.add_done_callback(self._service_ended)
        self.loop.wake()
        self.ready = True

    def release_waiters(self) -> None:
        """Let long polls, event streams and log followers end: the process is about to stop."""
        self.ready = False
        self.bus.close()
        self.nodes.release_polls()
        self.logs.release_followers()

    async def stop(self) -> None:
        """Bring everything down; what was acknowledged is stored."""
        self.release_waiters()
        for task in self._services:
            task.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        if hasattr(self, "accounts"):
            await self.nodes.flush()
            await self.accounts.flush()
            self.accounts.close()
        await asyncio.gather(*self._endings, return_exceptions=True)
        await self.logs.close()
        await self.db.close()

    async def _rebuild(self) -> None:
        def everything(conn: Connection) -> tuple[list[Queue], list[Node]]:
            return cluster_store.list_queues(conn), cluster_store.list_nodes(conn)

        queues, nodes = await self.db.read(everything)
        works = await self.db.read(all_works)
        waiting = await self.db.read(lambda conn: list(job_store.waiting_jobs(conn)))
        now = self.clock()
        self.projection.put_queues(queues)
        for node in nodes:
            self.projection.put_node(node, seen=now)
        for job in waiting:
            self.projection.submitted(job)
        for work in works:
            self.projection.take(work)
        _log.info("state loaded", nodes=len(nodes), waiting=len(waiting), running=len(works))

    def _first_cluster(self, tx: Transaction, now: float) -> None:
        if cluster_store.list_clusters(tx.conn) or cluster_store.list_queues(tx.conn):
            return
        if account_store.get_setting(tx.conn, "first_cluster_made") is not None:
            return
        cluster = Cluster(
            id=ClusterId(str(uuid.uuid4())),
            name="default",
            description="Made at the first start.",
            created_at=now,
            updated_at=now,
        )
        queue = Queue(
            id=QueueId(str(uuid.uuid4())), name="default", priority=0, cluster_targets=(cluster.id,), created_at=now
        )
        cluster_store.insert_cluster(tx.conn, cluster)
        cluster_store.insert_queue(tx.conn, queue)
        account_store.put_setting_once(tx.conn, "first_cluster_made", "1")
        tx.record(Event(kind=EventKind.CLUSTER_CREATED, at=now, cluster_id=cluster.id, data={"name": cluster.name}))
        tx.record(Event(kind=EventKind.QUEUE_CREATED, at=now, queue_id=queue.id, data={"name": queue.name}))

    def _on_events(self, events: Sequence[Event]) -> None:
        if any(event.kind in _DIRECTORY_EVENTS for event in events):
            self._reload.set()

    async def _follow_directory(self) -> None:
        """Queues and nodes that an administrator changed are read anew; such changes are rare."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            queues = await self.db.read(cluster_store.list_queues)
            nodes = {n.id: n for n in await self.db.read(cluster_store.list_nodes)}
            self.projection.put_queues(queues)
            for node_id, station in list(self.projection.fleet.stations.items()):
                stored = nodes.get(NodeId(node_id))
                if stored is None:
                    self.projection.drop_node(station.node)
                elif stored.state is not station.node.state or stored.cordoned != station.node.cordoned:
                    self.projection.put_node(stored, seen=station.last_seen)

    def _end_output(self, key: ReplicaKey) -> None:
        task = asyncio.get_running_loop().create_task(self.logs.end(key))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _flush_keys(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_KEYS_EVERY_S)
            await self.accounts.flush()

    def _service_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        _log.error(
            "a background service ended; the control plane stops", service=task.get_name(), exc_info=task.exception()
        )
        self._fail()

    def _fail(self) -> None:
        """End the process, so that it is started anew and rebuilds what it knows from the store."""
        self.failed = True
        self.on_failure()


_DIRECTORY_EVENTS = frozenset(
    {
        EventKind.QUEUE_CREATED,
        EventKind.QUEUE_CHANGED,
        EventKind.QUEUE_DELETED,
        EventKind.CLUSTER_CREATED,
        EventKind.CLUSTER_DELETED,
        EventKind.NODE_CHANGED,
    }
)
