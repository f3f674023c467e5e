"""When an exclusive replica on a silent node has certainly ended, and what a job waits for until then.

The agent of an exclusive replica ends it when it could not reach the control plane for the lease; the replica is gone
when lease and grace period are over. Both count from the agent's last contact, which is never later than what the
control plane saw. So `lost_after + lease + grace` after the last contact nothing of it can run any more; until then the
replica counts as alive and its job gets no new attempt (`Projection.alive`).

Which clock: the silence is counted by this process, with a clock that nobody can set and that never runs faster than
the time that passes on the node (it stands still while this machine sleeps). A clock on the wall that jumps forward
would make any silence long enough, and one that is ahead of another replica's would do the same at every takeover. So
times of the wall are never subtracted to learn how long a node was silent; they are only shown.

* What this process heard itself it knows to the moment: `Station.heard_at`. A process that has just started, or that
  has just become the leader, counts from that moment, which is later than the truth: it waits longer than it must.
* What another replica heard it does not know to the moment. But a node that is lost comes back by any contact, with
  whichever replica, as soon as that replica knows of the loss; and a replica that has not heard of it for a third of
  `lost_after` answers no agent (`Nodes.status`). So the last contact is at most that third after the loss, and from
  there lease and grace count.

What is left to clocks on the wall: whether another replica heard a node lately enough for it not to be lost. A mistake
there ends attempts too early in the books, but starts no exclusive job anew before its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lilac.control.fleet import Fleet, Held, Station
from lilac.control.projection import Projection
from lilac.model.ids import JobId, NodeId
from lilac.model.jobs import ReplicaReport
from lilac.model.lifecycle import lost_with_node
from lilac.model.states import NodeState
from lilac.scheduling import Reason, ReasonCode
from lilac.scheduling.wording import span


@dataclass(frozen=True, slots=True)
class Exclusivity:
    """How long is certain."""

    lost_after_s: float
    lease_s: float
    shared: bool = False
    """Whether other replicas of the control plane hear nodes too."""

    @property
    def stale_s(self) -> float:
        """For how long a replica may answer agents without having heard of what the others wrote."""
        return self.lost_after_s / 3

    def gone_at(self, station: Station, held: Held) -> float:
        """When a replica that its node does not report any more has certainly ended, by the fleet's own clock."""
        certain = station.heard_at + self.lost_after_s
        if self.shared and station.lost_at is not None:
            certain = max(certain, station.lost_at + self.stale_s)
        return certain + self.lease_s + held.spec.grace_s

    def due(self, stations: list[Station]) -> Iterator[float]:
        """When the next certainties come, by the same clock."""
        for station in _silent(stations):
            for held in station.held.values():
                if held.spec.exclusive:
                    yield self.gone_at(station, held)

    def certain(self, stations: list[Station], now: float) -> dict[NodeId, list[ReplicaReport]]:
        """By silent node its exclusive replicas that have certainly ended by now (by the same clock), as lost."""
        found: dict[NodeId, list[ReplicaReport]] = {}
        for station in _silent(stations):
            for key, held in station.held.items():
                if held.spec.exclusive and self.gone_at(station, held) <= now:
                    found.setdefault(station.node.id, []).append(lost_with_node(key, station.node.name))
        return found

    def reason(self, projection: Projection, job_id: JobId, now: float) -> Reason | None:
        """Why an exclusive job that was queued again does not start yet; None if nothing of it can run any more."""
        alive = sorted(projection.alive(job_id))
        if not alive:
            return None
        parts = dict.fromkeys(self._sentence(projection.fleet, node_id, job_id, now) for _, node_id in alive)
        ends = [self._gone_at(projection.fleet, node_id, job_id, now) for _, node_id in alive]
        latest = max((at for at in ends if at is not None), default=None)
        return Reason(
            code=ReasonCode.PREVIOUS_ATTEMPT,
            message=f"is exclusive, and its attempt {alive[0][0].attempt} may still run {' and '.join(parts)}",
            expected_start=latest,
        )

    def _sentence(self, fleet: Fleet, node_id: NodeId, job_id: JobId, now: float) -> str:
        station = fleet.get(node_id)
        name = station.node.name if station is not None else "a node that is not known any more"
        gone_at = self._gone_at(fleet, node_id, job_id, now)
        if station is None or gone_at is None:
            return f"on {name}, where it is being stopped"
        silent = span(max(0.0, now - station.last_seen))
        return (
            f"on {name}, which has been silent for {silent}; it has certainly ended in {span(max(0.0, gone_at - now))}"
        )

    def _gone_at(self, fleet: Fleet, node_id: NodeId, job_id: JobId, now: float) -> float | None:
        """That moment as the clock on the wall will show it, if nobody sets it meanwhile."""
        station = fleet.get(node_id)
        if station is None or station.node.state is not NodeState.LOST:
            return None
        ends = [self.gone_at(station, held) for key, held in station.held.items() if key.job_id == job_id]
        return now + max(ends) - fleet.monotonic() if ends else None


def _silent(stations: list[Station]) -> Iterator[Station]:
    return (station for station in stations if station.node.state is NodeState.LOST)
