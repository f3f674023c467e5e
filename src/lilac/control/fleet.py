"""What every node should hold now, in memory: the desired lists that the agents' long polls wait on.

The store is the truth; this is its projection, rebuilt at start from the live replicas and kept up by the callbacks
of committed transactions, which come in commit order. Nothing here decides anything.

The revision of a list is a digest of its content, not a counter: it means the same after a restart, so an agent that
comes back with the revision it knew gets a new list only if something really changed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from lilac.model.clusters import Node
from lilac.model.ids import JobId, NodeId, ReplicaKey
from lilac.model.jobs import JobSpec, Replica
from lilac.model.states import NodeState, is_terminal

_FORMER_LIVES = 8


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a node's engine, as its agent last told."""

    total_mb: int
    free_mb: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long step of a replica is, as its agent last told: `total` is None while nobody knows."""

    step: str
    done: int
    total: int | None


@dataclass(slots=True)
class Held:
    """One replica that a node holds or should hold, with all that the agent needs to run it."""

    replica: Replica
    spec: JobSpec
    world_size: int
    stop_reason: str | None = None
    """Why it is to stop, in one word, where it is."""

    @property
    def desired(self) -> str:
        return "stop" if self.replica.stop_wanted else "run"


@dataclass(frozen=True, slots=True)
class TunnelOffer:
    """A tunnel into a replica that the node's agent is asked to dial."""

    id: str
    key: ReplicaKey
    url: str
    """Address of the server where the person waits; empty for the one that the agent speaks to."""


@dataclass(slots=True)
class Station:
    """One node as the control plane deals with it."""

    node: Node
    last_seen: float
    """When the node was last heard, by the clock on the wall: for people, and for the store."""
    heard_at: float = 0.0
    """When this process last heard it itself, or first knew of it, by a clock that nobody can set."""
    elsewhere_at: float | None = None
    """When another replica heard it, as the store told when that last counted."""
    lost_at: float | None = None
    """Since when this process knows that it is lost, by the same clock."""
    held: dict[ReplicaKey, Held] = field(default_factory=dict[ReplicaKey, Held])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    incarnation: str = ""
    sequence: int = -1
    former: deque[str] = field(default_factory=lambda: deque[str](maxlen=_FORMER_LIVES))
    """Earlier lives of the agent, whose last calls may still be under way."""
    touched: bool = False
    """Whether `last_seen` is newer than what the store has."""
    occupied: bool = False
    """Whether an original agent still holds something else than its assignment."""
    disk: Disk | None = None
    progressing: frozenset[ReplicaKey] = frozenset()
    """The replicas here of which `Fleet` knows some progress."""
    tunnels: dict[str, TunnelOffer] = field(default_factory=dict[str, TunnelOffer])
    doomed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ids and names of the deleted volumes whose data the agent is to delete."""
    _revision: str | None = None

    @property
    def revision(self) -> str:
        if self._revision is None:
            lines = sorted(f"{key} {held.desired}" for key, held in self.held.items())
            lines += sorted(f"tunnel {tunnel_id}" for tunnel_id in self.tunnels)
            lines += sorted(f"volume {volume_id}" for volume_id in self.doomed)
            self._revision = blake2b("\n".join(lines).encode(), digest_size=12).hexdigest()
        return self._revision

    def offer(self, offer: TunnelOffer) -> None:
        """Ask the agent to dial a tunnel."""
        self.tunnels[offer.id] = offer
        self._tell()

    def withdraw(self, tunnel_id: str) -> None:
        """The tunnel was dialled, or is wanted no more. What waits for the list to change need not hear of that."""
        if self.tunnels.pop(tunnel_id, None) is not None:
            self._revision = None

    def doom(self, volumes: Mapping[str, str]) -> None:
        """From now on these are the volumes whose data is to be deleted."""
        if self.doomed != volumes:
            self.doomed = dict(volumes)
            self._tell()

    def is_late(self, incarnation: str, sequence: int) -> bool:
        """Whether the agent has said something newer than the report of these numbers."""
        if incarnation == self.incarnation:
            return sequence < self.sequence
        return incarnation in self.former

    def take_order(self, incarnation: str, sequence: int) -> bool:
        """Note the numbers of a report. False if it is late."""
        if self.is_late(incarnation, sequence):
            return False
        if self.incarnation not in ("", incarnation):
            self.former.append(self.incarnation)
        self.incarnation, self.sequence = incarnation, sequence
        return True

    def put(self, replica: Replica, spec: JobSpec, world_size: int, stop_reason: str | None = None) -> bool:
        """Take in a replica as it is now; one that ended leaves the list. Whether it was on the list before."""
        key = replica.key
        known = self.held.get(key)
        if is_terminal(replica.state):
            if known is None:
                return False
            del self.held[key]
        elif known is not None:
            stop_is_new = known.replica.stop_wanted != replica.stop_wanted
            known.replica, known.world_size = replica, world_size
            known.stop_reason = stop_reason if replica.stop_wanted else None
            if not stop_is_new:
                return True
        else:
            self.held[key] = Held(replica, spec, world_size, stop_reason if replica.stop_wanted else None)
        self._tell()
        return known is not None

    def _tell(self) -> None:
        """Let everybody who waits for a change of the list go on."""
        self._revision = None
        self.changed.set()
        self.changed = asyncio.Event()


class Fleet:
    """All nodes by id."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self.stations: dict[NodeId, Station] = {}
        self._progress: dict[JobId, dict[ReplicaKey, Progress]] = {}

    def get(self, node_id: NodeId) -> Station | None:
        return self.stations.get(node_id)

    def put_node(self, node: Node, *, seen: float) -> Station:
        station = self.stations.get(node.id)
        if station is None:
            station = self.stations[node.id] = Station(node, seen, self.monotonic())
        else:
            station.node = node
        if node.state is not NodeState.LOST:
            station.lost_at = None
        elif station.lost_at is None:
            station.lost_at = self.monotonic()
        return station

    def drop_node(self, node_id: NodeId) -> None:
        station = self.stations.pop(node_id, None)
        if station is not None:
            self.tell_live(station, {}, None)
            station.changed.set()

    def put_replica(self, replica: Replica, spec: JobSpec, world_size: int, stop_reason: str | None = None) -> bool:
        """Take in a replica as it is now. Whether its node had it on the list before."""
        station = self.stations.get(replica.node_id)
        return station is not None and station.put(replica, spec, world_size, stop_reason)

    def tell_live(self, station: Station, progress: Mapping[ReplicaKey, Progress], disk: Disk | None) -> None:
        """Take in what a report says about this moment only: it is kept in memory, and lost with it."""
        station.disk = disk
        for key in station.progressing - progress.keys():
            if (of_job := self._progress.get(key.job_id)) is not None:
                of_job.pop(key, None)
                if not of_job:
                    del self._progress[key.job_id]
        for key, told in progress.items():
            self._progress.setdefault(key.job_id, {})[key] = told
        station.progressing = frozenset(progress)

    def progress(self, job_id: JobId, attempt: int) -> Progress | None:
        """How far the replicas of this attempt are together in what they do before they run."""
        told = [p for key, p in self._progress.get(job_id, {}).items() if key.attempt == attempt]
        if not told:
            return None
        totals = [p.total for p in told if p.total is not None]
        return Progress(told[0].step, sum(p.done for p in told), sum(totals) if len(totals) == len(told) else None)

    def disk(self, node_id: NodeId) -> Disk | None:
        station = self.stations.get(node_id)
        return station.disk if station is not None else None

    def node_name(self, node_id: NodeId | None) -> str | None:
        station = self.stations.get(node_id) if node_id is not None else None
        return station.node.name if station is not None else None
