"""Nodes as they report: joining, inventory, replica states, the long poll, and going silent.

One call does it all (docs/explanation/agent-protocol.md): take what the agent says, write what is new in one
transaction, then wait until the node's desired list has another revision than the agent knows, and hand it out.
What is already known costs no write: the usual report of a quiet node touches memory only, and its time of life is
written in batches.

Leases: a node that was silent for `lost_after_s` becomes `lost` and its replicas with it; it is never deleted. After
a start of the control plane every node gets a full fresh period, so that its own outage kills nothing.

Several replicas of the control plane may serve one node, one after the other. An agent that knows another list than
the one here may have it from another replica: before it gets an answer, what is kept here is brought up to everything
that was committed by then (`Follower.catch_up`), so that no agent is ever taken back to an older list. When nodes
were heard is written often enough for the leader, which alone declares them lost, to look there first.

Original Lilac agents are served too: they hold one job at a time, name no attempt, and acknowledge no stop. They are
told by the absence of `protocol` in their report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from weakref import WeakValueDictionary

import structlog

from lilac.control import records, volumes
from lilac.control.exclusivity import Exclusivity
from lilac.control.fleet import Disk, Held, Progress, Station, TunnelOffer
from lilac.control.following import Follower
from lilac.control.leadership import Leadership
from lilac.control.projection import Projection
from lilac.model.clusters import Inventory, Node
from lilac.model.errors import Conflict, Forbidden, LilacError
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, JobId, NodeId, ReplicaKey
from lilac.model.jobs import ReplicaReport
from lilac.model.lifecycle import Outcome, gpu_lost, lost_with_node, report
from lilac.model.resources import Gpu
from lilac.model.states import FailureReason, NodeState, ReplicaState, is_terminal
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store.database import Database, Transaction

MAX_WAIT_S = 60.0
_LONGEST_SHARE = 0.75
"""Of the silence after which a node is lost: a call waits no longer, so that one that waits in good health is heard."""
_TOUCH_EVERY_S = 10.0
_WATCH_EVERY_S = 5.0
_log = structlog.get_logger("lilac.nodes")


class ToldGpus(StrEnum):
    """What a report's list of GPUs is: all there are, those that the agent happened to see, or not to be known now."""

    ALL = "all"
    SEEN = "seen"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """One report of an agent, as parsed from the wire."""

    inventory: Inventory
    incarnation: str = ""
    sequence: int = 0
    replicas: tuple[ReplicaReport, ...] = ()
    revision: str | None = None
    wait_s: float = 0.0
    removed_volumes: frozenset[str] = frozenset()
    """Deleted volumes whose data is gone."""
    progress: Mapping[ReplicaKey, Progress] = field(default_factory=dict[ReplicaKey, Progress])
    disk: Disk | None = None
    gpus: ToldGpus = ToldGpus.SEEN
    legacy_job: tuple[JobId, ReplicaState] | None = None
    """What an original agent says that it holds."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The answer: everything that the node should hold."""

    revision: str
    held: tuple[Held, ...]
    legacy_job: Held | None = None
    tunnels: tuple[TunnelOffer, ...] = ()
    doomed_volumes: tuple[str, ...] = ()
    """Deleted volumes whose data the agent is to delete."""
    lease_s: float = 0.0
    """How long an exclusive replica may run without contact."""


class Nodes:
    """The service behind `POST /node/{node_id}/status`, and the watch over silent nodes."""

    def __init__(
        self,
        db: Database,
        lead: Leadership,
        follower: Follower,
        clock: Callable[[], float],
        projection: Projection,
        *,
        lost_after_s: float,
        lease_s: float | None = None,
        shared: bool = False,
    ) -> None:
        self._db = db
        self._lead = lead
        self._follower = follower
        self._clock = clock
        self._projection = projection
        self._fleet = projection.fleet
        self._lost_after_s = lost_after_s
        lease_s = lease_s if lease_s is not None else lost_after_s * 2 / 3
        self.exclusivity = Exclusivity(lost_after_s, lease_s, shared=shared)
        self._joining: WeakValueDictionary[NodeId, asyncio.Lock] = WeakValueDictionary()
        self._closing = asyncio.Event()
        self.open_polls = 0
        """How many agents wait for their lists now."""

    async def status(self, node_id: NodeId, cluster_id: ClusterId, told: StatusReport) -> Assignment:
        """Take a report, wait as long as the agent is willing to, and answer with what the node should hold.

        Raises:
            Forbidden: the node belongs to another cluster than the key.
        """
        known = self._fleet.get(node_id)
        if known is None or told.revision != known.revision:
            await self._follower.catch_up()
            known = self._fleet.get(node_id)
        late = known is not None and known.is_late(told.incarnation, told.sequence)
        inventory = known.node.inventory if known is not None and late else _with_known_gpus(told, known)
        station = await self._station(node_id, cluster_id, inventory, told)
        self._seen(station)
        if told.inventory.legacy:
            return await self._legacy_status(station, told)
        if station.take_order(told.incarnation, told.sequence):
            # Only of what the node holds: an agent cannot speak about the jobs of others.
            held = {key: progress for key, progress in told.progress.items() if key in station.held}
            self._fleet.tell_live(station, held, told.disk)
            news = [r for r in told.replicas if _is_news(station, r)]
            if news:
                await self._db.write(self._record_reports, tuple(news), self._clock())
            if gone := told.removed_volumes & station.doomed.keys():
                await self._db.write(volumes.data_deleted, self._projection, station.node, gone, self._clock())
        if told.wait_s > 0 and told.revision == station.revision:
            self.open_polls += 1
            try:
                await self._wait_for_change(station, told)
            finally:
                self.open_polls -= 1
            self._seen(station)
        # A replica that is cut off from the store must not keep a node in the belief that it is in contact: the others
        # hear nothing of it, and count the lease of its exclusive replicas from when they did.
        await self._follower.be_current(self.exclusivity.stale_s)
        held = tuple(station.held[k] for k in sorted(station.held))
        return Assignment(
            station.revision,
            held,
            tunnels=tuple(station.tunnels.values()),
            doomed_volumes=tuple(sorted(station.doomed)),
            lease_s=self.exclusivity.lease_s,
        )

    async def watch(self) -> None:
        """Background service: mark silent nodes as lost, each when its time has come."""
        while True:
            await self._lead.held()
            await self.lose_silent()
            now = self._fleet.monotonic()
            due = [s.heard_at + self._lost_after_s - now for s in self._live()]
            due += [at - now for at in self.exclusivity.due(list(self._fleet.stations.values()))]
            soonest = min((wait_s for wait_s in due if wait_s > 0), default=_WATCH_EVERY_S)
            await asyncio.sleep(min(soonest + 0.01, _WATCH_EVERY_S))

    async def lose_silent(self) -> None:
        """Mark those nodes as lost that were silent for too long by now."""
        now = self._fleet.monotonic()
        for station in self._live():
            if now - station.heard_at > self._lost_after_s:
                await self._lose(station)
        certain = self.exclusivity.certain(list(self._fleet.stations.values()), now)
        if certain:
            try:
                await self._lead.write(self._record_certain, certain, self._clock())
            except LilacError as error:
                _log.warning("the end of exclusive replicas could not be written", error=str(error))

    async def touch(self) -> None:
        """Background service: write the nodes' times of life, many at once."""
        while True:
            await asyncio.sleep(min(_TOUCH_EVERY_S, self._lost_after_s / 6))
            await self.flush()

    def begin_afresh(self) -> None:
        """Give every node a full period from now on: whatever was heard of it until now, others heard it."""
        now = self._clock()
        for station in self._fleet.stations.values():
            station.last_seen = max(station.last_seen, now)
            station.heard_at = self._fleet.monotonic()

    async def flush(self) -> None:
        touched = {s.node.id: s.last_seen for s in self._fleet.stations.values() if s.touched}
        if not touched:
            return
        for node_id in touched:
            self._fleet.stations[node_id].touched = False
        try:
            await self._db.write(lambda tx: cluster_store.touch_nodes(tx.conn, touched))
        except LilacError as error:
            for node_id in touched:
                if (station := self._fleet.get(node_id)) is not None:
                    station.touched = True
            _log.warning("heartbeats could not be written", error=str(error))

    def release_polls(self) -> None:
        """Answer all waiting agents now: the process is ending."""
        self._closing.set()
        for station in self._fleet.stations.values():
            station.changed.set()

    def _live(self) -> list[Station]:
        return [s for s in self._fleet.stations.values() if s.node.state is not NodeState.LOST]

    async def _station(
        self, node_id: NodeId, cluster_id: ClusterId, inventory: Inventory, told: StatusReport
    ) -> Station:
        station = self._known(node_id, cluster_id, inventory)
        if station is not None:
            return station
        async with self._joining.setdefault(node_id, asyncio.Lock()):
            station = self._known(node_id, cluster_id, inventory)
            if station is None:
                await self._db.write(self._join, node_id, cluster_id, inventory, told, self._clock())
                station = self._fleet.get(node_id)
        if station is None:
            raise Conflict("The node was removed at this moment; report again.")
        return station

    def _known(self, node_id: NodeId, cluster_id: ClusterId, inventory: Inventory) -> Station | None:
        """The station of a node that is known to be alive and to have just this inventory."""
        station = self._fleet.get(node_id)
        if station is None:
            return None
        if station.node.cluster_id != cluster_id:
            raise _foreign(station.node)
        return station if station.node.state is not NodeState.LOST and station.node.inventory == inventory else None

    def _join(
        self,
        tx: Transaction,
        node_id: NodeId,
        cluster_id: ClusterId,
        inventory: Inventory,
        told: StatusReport,
        now: float,
    ) -> None:
        cluster_store.lock_node(tx.conn, node_id)
        known = cluster_store.get_node(tx.conn, node_id)
        if known is not None:
            if known.cluster_id != cluster_id:
                raise _foreign(known)
            # Another replica may have taken a later report of this life of the agent, or just this inventory.
            late = not cluster_store.note_report(tx.conn, node_id, told.incarnation, told.sequence)
            if known.state is not NodeState.LOST and (late or known.inventory == inventory):
                tx.after(self._put, known, now)
            else:
                self._refresh(tx, known, known.inventory if late else inventory, now)
                if not late:
                    self._fail_on_lost_gpus(tx, known, inventory, told.gpus, now)
            return
        node = Node(
            id=node_id,
            cluster_id=cluster_id,
            name=_free_name(tx, inventory.hostname or f"node-{node_id[:8]}"),
            state=NodeState.AVAILABLE,
            inventory=inventory,
            last_heartbeat=now,
            created_at=now,
            updated_at=now,
        )
        cluster_store.upsert_node(tx.conn, node)
        tx.record(_about(node, EventKind.NODE_JOINED, now))
        tx.after(self._put, node, now)

    def _refresh(self, tx: Transaction, known: Node, inventory: Inventory, now: float) -> None:
        back = known.state is NodeState.LOST
        node = known.evolve(
            inventory=inventory,
            state=(NodeState.DRAINING if known.cordoned else NodeState.AVAILABLE) if back else known.state,
            last_heartbeat=now,
            updated_at=now,
        )
        cluster_store.upsert_node(tx.conn, node)
        told = _about(node, EventKind.NODE_BACK if back else EventKind.NODE_CHANGED, now)
        changes = _changes(known.inventory, inventory)
        tx.record(replace(told, data={**told.data, **changes}))
        tx.after(self._put, node, now)

    def _fail_on_lost_gpus(self, tx: Transaction, node: Node, inventory: Inventory, gpus: ToldGpus, now: float) -> None:
        """Fail the replicas that hold a GPU of this node that is gone; all others on the node go on."""
        before = {gpu.uuid: gpu for gpu in node.inventory.gpus}
        present = {gpu.uuid: gpu for gpu in inventory.gpus}
        missing = before.keys() - present.keys() if gpus is ToldGpus.ALL else set[str]()
        gone = missing | {gpu.uuid for gpu in inventory.gpus if gpu.lost}
        if not gone:
            return
        hit = {
            replica.key: sorted(gone.intersection(replica.gpu_uuids))
            for replica in job_store.live_replicas(tx.conn, node.id)
            if not replica.stop_wanted and gone.intersection(replica.gpu_uuids)
        }
        attempts = sorted({(key.job_id, key.attempt) for key in hit})
        for attempt, before_loss in records.load_works(tx.conn, attempts).items():
            work, events = before_loss, ()
            for key in sorted(key for key in hit if (key.job_id, key.attempt) == attempt):
                uuid = hit[key][0]
                gpu = present.get(uuid) or before[uuid]
                message = f"GPU {uuid} ({gpu.model}) of node {node.name} was lost: {gpu.problem or 'it is not there'}."
                outcome = gpu_lost(work, key, message, now)
                if outcome is not None:
                    work, events = outcome.work, (*events, *outcome.events)
            if work is not before_loss:
                records.save(tx, before_loss, Outcome(work, events))
                tx.after(self._projection.take, work)

    def _put(self, node: Node, now: float) -> None:
        self._projection.put_node(node, seen=now)

    def _seen(self, station: Station) -> None:
        station.last_seen = self._clock()
        station.heard_at = self._fleet.monotonic()
        station.touched = True

    async def _wait_for_change(self, station: Station, told: StatusReport) -> None:
        longest_s = min(told.wait_s, MAX_WAIT_S, self._lost_after_s * _LONGEST_SHARE)
        deadline = asyncio.get_running_loop().time() + longest_s
        while not self._closing.is_set():
            if told.revision != station.revision:
                await self._follower.catch_up()
                if told.revision != station.revision:
                    return
            if self._fleet.get(station.node.id) is not station:
                return
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            changed = station.changed
            if told.revision != station.revision:
                continue
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                return

    def _record_reports(self, tx: Transaction, reports: Sequence[ReplicaReport], now: float) -> None:
        by_attempt: dict[tuple[JobId, int], list[ReplicaReport]] = {}
        for told in reports:
            by_attempt.setdefault((told.key.job_id, told.key.attempt), []).append(told)
        # Older attempts first: what a job became is told by its last attempt, and has to be told last.
        for key, before in records.load_works(tx.conn, sorted(by_attempt)).items():
            work, events = before, ()
            for told in by_attempt[key]:
                outcome = report(work, told, now)
                if outcome is not None:
                    work, events = outcome.work, (*events, *outcome.events)
            if work is not before:
                records.save(tx, before, Outcome(work, events))
                tx.after(self._projection.take, work)

    async def _lose(self, station: Station) -> None:
        now = self._clock()
        silent_s = round(self._fleet.monotonic() - station.heard_at, 1)
        _log.warning("node is lost", node=station.node.name, silent_s=silent_s)
        try:
            await self._lead.write(self._record_loss, station.node, now)
        except LilacError as error:
            _log.warning("the loss of a node could not be written", node=station.node.name, error=str(error))

    def _record_loss(self, tx: Transaction, node: Node, now: float) -> None:
        station = self._fleet.get(node.id)
        if station is not None and self._fleet.monotonic() - station.heard_at < self._lost_after_s:
            return
        cluster_store.lock_node(tx.conn, node.id)
        heard = cluster_store.last_heartbeat(tx.conn, node.id) if self.exclusivity.shared else None
        # Where the clock here was set back, an old time may look new: so what was read before is no news again.
        news = heard is not None and (station is None or heard != station.elsewhere_at)
        if heard is not None and news and now - heard < self._lost_after_s:
            tx.after(self._heard_elsewhere, node.id, heard, now - heard)
            return
        awake = (NodeState.AVAILABLE, NodeState.BUSY, NodeState.DRAINING)
        if not cluster_store.set_node_state(tx.conn, node.id, NodeState.LOST, expected=awake, updated_at=now):
            return
        lost = node.evolve(state=NodeState.LOST, updated_at=now)
        tx.record(_about(lost, EventKind.NODE_LOST, now))
        tx.after(self._put, lost, station.last_seen if station is not None else now)
        live = job_store.live_replicas(tx.conn, node.id)
        self._record_reports(tx, [lost_with_node(r.key, node.name, uncertain=True) for r in live], now)

    def _record_certain(self, tx: Transaction, certain: Mapping[NodeId, Sequence[ReplicaReport]], now: float) -> None:
        for node_id, reports in certain.items():
            node = cluster_store.get_node(tx.conn, node_id)
            if node is not None and node.state is NodeState.LOST:  # not heard of elsewhere at this moment
                self._record_reports(tx, reports, now)

    def _heard_elsewhere(self, node_id: NodeId, heard: float, ago_s: float) -> None:
        """Another replica heard it, by the clocks on the wall. That puts the loss off; the time by which exclusive
        replicas have certainly ended counts from the loss then, whatever those clocks say."""
        station = self._fleet.get(node_id)
        if station is not None:
            station.elsewhere_at = heard
            station.last_seen = max(station.last_seen, heard)
            station.heard_at = max(station.heard_at, self._fleet.monotonic() - max(0.0, ago_s))

    async def _legacy_status(self, station: Station, told: StatusReport) -> Assignment:
        reports = list(_legacy_reports(station, told.legacy_job))
        if reports:
            await self._db.write(self._record_reports, tuple(reports), self._clock())
        wanted = next((h for h in station.held.values() if not h.replica.stop_wanted), None)
        reported = told.legacy_job[0] if told.legacy_job is not None else None
        foreign = reported is not None and (wanted is None or wanted.replica.key.job_id != reported)
        # It must say that it is free once before it gets anything else: it ignores a job that it still holds.
        self._projection.occupy(station, foreign)
        return Assignment(station.revision, (), None if foreign else wanted)


def _foreign(node: Node) -> Forbidden:
    return Forbidden(
        f"Node {node.name} belongs to another cluster than this key. "
        "Use a key of its cluster, or give the agent a node id of its own."
    )


def _with_known_gpus(told: StatusReport, known: Station | None) -> Inventory:
    """The inventory as told; while the driver does not tell of GPUs, the known ones stay, and get nothing new."""
    if told.gpus is not ToldGpus.UNKNOWN or known is None:
        return told.inventory
    before = known.node.inventory
    gpus = tuple(gpu if gpu.lost else gpu.failed("the GPU driver does not answer") for gpu in before.gpus)
    return replace(told.inventory, gpus=gpus, gpu_manufacturer=before.gpu_manufacturer, drivers=before.drivers)


def _changes(old: Inventory, new: Inventory) -> dict[str, object]:
    """What a changed inventory means for people: amounts before and after, and the GPUs whose state differs."""
    told: dict[str, object] = {}
    for name in ("cpu_millicores", "memory_mb", "agent_version", "hostname", "disk_low"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            told[name] = {"before": before, "after": after}
    known = {gpu.uuid: gpu for gpu in old.gpus}
    present = {gpu.uuid for gpu in new.gpus}
    gpus = [_gpu_state(gpu) for gpu in new.gpus if _differs(known.get(gpu.uuid), gpu)]
    gpus += [{"uuid": uuid, "state": "removed"} for uuid in sorted(known.keys() - present)]
    return told | ({"gpus": gpus} if gpus else {})


def _gpu_state(gpu: Gpu) -> dict[str, str]:
    state = "lost" if gpu.lost else "healthy" if gpu.healthy else "unhealthy"
    return {"uuid": gpu.uuid, "state": state, **({"problem": gpu.problem} if gpu.problem else {})}


def _differs(old: Gpu | None, new: Gpu) -> bool:
    return old is None or (old.healthy, old.lost, old.problem) != (new.healthy, new.lost, new.problem)


def _is_news(station: Station, told: ReplicaReport) -> bool:
    held = station.held.get(told.key)
    if held is None:
        return False
    known = held.replica
    if known.reason is FailureReason.GPU_LOST:
        return told.state != known.state
    return told.state != known.state or (
        not is_terminal(known.state)
        and (
            told.message != known.message
            or dict(told.times) != dict(known.times)
            or (bool(told.ports) and dict(told.ports) != dict(known.ports))
        )
    )


def _legacy_reports(station: Station, says: tuple[JobId, ReplicaState] | None) -> list[ReplicaReport]:
    reports: list[ReplicaReport] = []
    for key, held in station.held.items():
        if says is not None and says[0] == key.job_id:
            failed = says[1] is ReplicaState.FAILED
            reports.append(
                ReplicaReport(
                    key=key,
                    state=says[1],
                    exit_code=0 if says[1] is ReplicaState.SUCCEEDED else None,
                    reason=FailureReason.START if failed else None,
                    message="The agent could not pull, create or start the container." if failed else None,
                )
            )
        elif held.replica.stop_wanted:
            reports.append(ReplicaReport(key=key, state=ReplicaState.STOPPED))
        elif held.replica.state is not ReplicaState.ASSIGNED:
            reports.append(
                ReplicaReport(
                    key=key,
                    state=ReplicaState.LOST,
                    reason=FailureReason.VANISHED,
                    message="The agent does not know the job any more.",
                )
            )
    return [r for r in reports if _is_news(station, r)]


def _free_name(tx: Transaction, wanted: str) -> str:
    taken = {node.name for node in cluster_store.list_nodes(tx.conn)}
    if wanted not in taken:
        return wanted
    return next(name for n in range(2, len(taken) + 3) if (name := f"{wanted}-{n}") not in taken)


def _about(node: Node, kind: EventKind, now: float) -> Event:
    return Event(
        kind=kind,
        at=now,
        node_id=node.id,
        cluster_id=node.cluster_id,
        actor=f"node:{node.name}" if kind is not EventKind.NODE_LOST else "system",
        data={
            "name": node.name,
            "state": str(node.state),
            "capacity": {
                "cpu_millicores": node.inventory.cpu_millicores,
                "memory_mb": node.inventory.memory_mb,
                "gpus": [gpu.uuid for gpu in node.inventory.gpus],
            },
        },
    )
