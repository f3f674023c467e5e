"""The composition root of the control plane: wires the services together, starts and stops them.

On PostgreSQL this may be one of several replicas (`replicas`, `following`, `leadership`): each serves everything, one
leads and alone schedules, enforces time limits and declares nodes lost.

Start: open and migrate the store, make the first administrator, cluster and queue if there are none, rebuild board
and fleet from what is stored, then run the background services. Stop: let waiting callers go, finish what is being
written, close the store.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from sqlalchemy import Connection

from lilac.control import rebuilding
from lilac.control.accounts import Accounts
from lilac.control.attention import Attention
from lilac.control.bus import Bus
from lilac.control.deadlines import Deadlines
from lilac.control.directory import Directory
from lilac.control.following import Follower
from lilac.control.foresight import Foresight
from lilac.control.jobs import Jobs
from lilac.control.leadership import Leadership
from lilac.control.logs import DirectoryLogs
from lilac.control.loop import SchedulingLoop
from lilac.control.metrics import Metrics
from lilac.control.nodes import Nodes
from lilac.control.overview import Overview
from lilac.control.pauses import Pauses
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.control.replicas import TIDY_EVERY_S, Replicas, Told, tidy
from lilac.control.secrets import Secrets
from lilac.control.settings import Settings, make_secret
from lilac.control.settling import Settling
from lilac.control.tunnels import Tunnels
from lilac.control.turns import Turns
from lilac.control.usage import Usage
from lilac.control.volumes import Volumes
from lilac.model.clusters import Cluster, Queue
from lilac.model.errors import LilacError
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, ReplicaKey
from lilac.model.jobs import JobSpec
from lilac.store import accounts as account_store
from lilac.store import changes, engines, leases
from lilac.store import clusters as cluster_store
from lilac.store.database import Database, Transaction

_FLUSH_KEYS_EVERY_S = 30.0
_FORGET_SUBMISSIONS_EVERY_S = 3600.0
_log = structlog.get_logger("lilac.platform")


class Platform:
    """One control plane in one process. `await start()`, then use the services, then `await stop()`.

    `monotonic` measures how long nodes are silent. A `clock` that is not the one on the wall serves for that too.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] | None = None,
        open_database: Callable[[str], Database] = Database.open,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.ready = False
        self.failed = False
        """Whether a background service died: the process must end, so that it is started anew."""
        self.on_failure: Callable[[], None] = lambda: None
        self.first_credentials: tuple[str, str] | None = None
        """Name and password of the administrator, if this start made one."""
        self.bus = Bus()
        self.replicas = self._among_others()
        self.db = open_database(self._database_url())
        self.db.on_commit = self._committed
        self.metrics = Metrics()
        self.db.on_batch = self.metrics.committed
        self.db.on_stale = self._fail
        if self.replicas is not None:
            self.db.tell_replicas(self.replicas.id)
        self.lead = Leadership(self.db, shared=self.replicas is not None)
        self.loop = SchedulingLoop(self.lead, clock)
        self.loop.on_planned = self.metrics.planned
        self.projection = Projection(
            self.loop.wake,
            legacy_time_limit_s=settings.legacy_time_limit_s,
            start_limit_s=settings.start_limit_s,
            monotonic=monotonic or (time.monotonic if clock is time.time else clock),
        )
        self.loop.projection = self.projection
        self.logs = DirectoryLogs(
            settings.resolved_log_dir,
            head_bytes=settings.log_head_bytes,
            tail_bytes=settings.log_tail_bytes,
            shared=self.replicas is not None,
        )
        self.follower = Follower(self.db, clock, self.projection, self.bus)
        self.nodes = Nodes(
            self.db,
            self.lead,
            self.follower,
            clock,
            self.projection,
            lost_after_s=settings.node_lost_after_s,
            lease_s=settings.lease_s,
            shared=self.replicas is not None,
        )
        self.jobs = Jobs(self.db, clock, self.projection, self.loop, self.bus)
        self.projection.on_silence = self._end_output
        self.usage = Usage(self.db, clock, self.projection.fleet, retention_s=settings.usage_retention_s)
        self.metrics.watch(self)
        self.tunnels = Tunnels(
            self.db,
            clock,
            self.projection.fleet,
            self.bus,
            url=settings.advertise_url,
            idle_s=settings.tunnel_idle_s,
        )
        self.secrets = Secrets(
            self.db, clock, configured_key=settings.secrets_key, key_file=settings.data_dir / "secrets.key"
        )
        self.jobs.waiting.held_back = lambda job_id: self.nodes.exclusivity.reason(self.projection, job_id, clock())
        self.volumes = Volumes(self.db, clock, self.projection)
        self.jobs.submitting.before_submit = self._check_surroundings
        self.deadlines = Deadlines(self.lead, clock, self.projection)
        self.pauses = Pauses(self.lead, clock, self.projection)
        self.settling = Settling(self.lead, clock, self.projection)
        self.directory = Directory(self.db, clock, self.projection.put_directory)
        self.directory.took = self.projection.take
        self.directory.took_array = self.projection.put_array
        self.directory.held_in = self.projection.board.held_in
        self.turns = Turns(self.db, clock, self.projection, self.jobs)
        self.foresight = Foresight(clock, self.projection, self.loop, self.jobs, self.directory)
        self.attention = Attention(self.db, clock, self.projection, self.loop, self.jobs)
        self.overview = Overview(self.db, clock, self.projection, self.jobs)
        self.accounts: Accounts
        self._services: list[asyncio.Task[None]] = []
        self._lead_wanted = 0
        """The epoch under which the election wants this replica to lead; 0 for none."""
        self._endings: set[asyncio.Task[None]] = set()

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
        await self.secrets.reseal()
        await self._rebuild()
        self.follower.on_accounts = self.accounts.forget
        self.follower.on_missed = self._cannot_follow
        self._services = [
            asyncio.create_task(service, name=name)
            for name, service in (
                ("scheduling loop", self.loop.run()),
                ("node watch", self.nodes.watch()),
                ("heartbeat writer", self.nodes.touch()),
                ("deadlines", self.deadlines.run()),
                ("pauses", self.pauses.run()),
                ("settling", self.settling.run()),
                ("tunnels", self.tunnels.run()),
                ("usage", self.usage.run()),
                ("key use writer", self._flush_keys()),
                ("idempotency keys", self._forget_submissions()),
                *self._services_among_others(),
            )
        ]
        for task in self._services:
            task.add_done_callback(self._service_ended)
        if self.replicas is not None:
            self.logs.stored = lambda key: self.replicas and self.replicas.stored_output(str(key))
            self.replicas.start(
                Told(won=self._won, lost=self._lost, changed=self.follower.wake, output=self._output_elsewhere)
            )
        self.loop.wake()
        self.ready = True

    async def _check_surroundings(self, principal: Principal, spec: JobSpec) -> None:
        """Raise `InvalidInput` if a job names what its owner does not have, or no node offers."""
        self.volumes.check_offered(spec)
        await self.secrets.check_known(principal, spec)

    def ships_no_output(self, node_id: NodeId | None) -> bool:
        """Whether the node has an original agent, or is not known any more: then no agent sends output of its jobs."""
        station = self.projection.fleet.get(node_id) if node_id is not None else None
        return station is None or station.node.inventory.legacy

    def release_waiters(self) -> None:
        """Let long polls, event streams and log followers end: the process is about to stop."""
        self.ready = False
        if self.replicas is not None:
            self.replicas.resign()
        self.tunnels.close()
        self.bus.close()
        self.nodes.release_polls()
        self.logs.release_followers()

    async def stop(self) -> None:
        """Bring everything down; what was acknowledged is stored."""
        self.release_waiters()
        if self.replicas is not None:
            await self.replicas.stop()
        for task in self._services:
            task.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        if hasattr(self, "accounts"):
            await self.nodes.flush()
            await self._flush_usage()
            await self.accounts.flush()
            self.accounts.close()
        await asyncio.gather(*self._endings, return_exceptions=True)
        await self.logs.close()
        await self.db.close()

    def _among_others(self) -> Replicas | None:
        """This replica among the others, where the database can be shared."""
        if engines.parse_url(self.settings.resolved_database_url).get_backend_name() != "postgresql":
            return None
        return Replicas(
            self.settings.resolved_database_url,
            name=self.settings.replica_name,
            address=self.settings.advertise_url,
            lease_s=self.settings.leader_lease_s,
            now=self.clock(),
        )

    def _database_url(self) -> str:
        """The database by sessions that others can tell to be this replica's."""
        url = self.settings.resolved_database_url
        return url if self.replicas is None else engines.named(url, leases.session_name(self.replicas.id))

    def _won(self, epoch: int) -> None:
        self._lead_wanted = epoch
        self._track(self._begin_to_lead(epoch))

    def _lost(self) -> None:
        if self.lead.leads:
            _log.warning("this replica does not lead any more", epoch=self.lead.epoch)
        self._lead_wanted = 0
        self.lead.end()

    async def _begin_to_lead(self, epoch: int) -> None:
        """Lead, once everything that was committed until the take-over is known here."""
        while self._lead_wanted == epoch:
            try:
                await self.follower.catch_up()
            except LilacError as error:
                _log.warning("cannot lead yet", why=str(error))
                await asyncio.sleep(0.2)
                continue
            if self._lead_wanted == epoch:
                self.nodes.begin_afresh()
                self.lead.begin(epoch)
                self.loop.wake()
                _log.info("this replica leads", epoch=epoch)
            return

    def _cannot_follow(self) -> None:
        _log.error("this replica was cut off for too long to catch up; it stops, to be started anew")
        self._fail()

    def _output_elsewhere(self, keys: list[str]) -> None:
        for key in keys:
            job_id, attempt, rank = key.split("/")
            self.logs.stored_elsewhere(ReplicaKey(JobId(job_id), int(attempt), int(rank)))

    async def _rebuild(self) -> None:
        self.follower.at, stored = await self.db.read(_load_with_place)
        stored.into(self.projection, self.clock())
        _log.info("state loaded", nodes=len(stored.nodes), waiting=len(stored.waiting), running=len(stored.works))

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

    def _committed(self, events: Sequence[Event]) -> None:
        self.metrics.take_events(events)
        self.bus.publish(events)

    async def _flush_usage(self) -> None:
        try:
            await self.usage.flush(everything=True)
        except LilacError as error:
            _log.warning("the last samples of usage could not be written", error=str(error))

    def _end_output(self, key: ReplicaKey) -> None:
        self._track(self.logs.end(key))

    def _track(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    def _services_among_others(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        if self.replicas is None:
            return []
        return [("following", self.follower.run()), ("tidying", self._tidy())]

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            await self.lead.held()
            try:
                await self.lead.write(tidy, time.time())
            except LilacError as error:
                _log.warning("old changes could not be forgotten and are tried again", error=str(error))

    async def _flush_keys(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_KEYS_EVERY_S)
            try:
                await self.accounts.flush()
            except LilacError as error:
                _log.warning("the last use of keys could not be written and is tried again", error=str(error))

    async def _forget_submissions(self) -> None:
        while True:
            try:
                await self.jobs.submitting.forget_keys()
            except LilacError as error:
                _log.warning("old idempotency keys could not be let go of", error=str(error))
            await asyncio.sleep(_FORGET_SUBMISSIONS_EVERY_S)

    def _service_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.bus.closed.is_set():
            return
        _log.error(
            "a background service ended; the control plane stops", service=task.get_name(), exc_info=task.exception()
        )
        self._fail()

    def _fail(self) -> None:
        """End the process, so that it is started anew and rebuilds what it knows from the store."""
        self.failed = True
        self.on_failure()


def _load_with_place(conn: Connection) -> tuple[int, rebuilding.Stored]:
    """What is stored, and up to which change of the other replicas that is, in one snapshot."""
    return changes.last_seq(conn), rebuilding.load(conn)
