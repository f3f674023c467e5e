"""What needs a person: things that will not come right by themselves, each with the reason, as far as one may see them.

Nothing is stored for this; it is read off what is in memory: the nodes and their GPUs, the last plan's reasons, the
queues. Only keys that expire are asked of the database. The reasons of jobs that can never run are worked out for all
callers together, at most every few seconds, however many pages ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from lilac.control.jobs import Jobs
from lilac.control.loop import SchedulingLoop
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.control.times import rfc3339
from lilac.model.accounts import ApiKey, Role
from lilac.model.arrays import array_of
from lilac.model.clusters import Node
from lilac.model.ids import JobId, QueueId, UserId
from lilac.model.states import NodeState
from lilac.scheduling import Reason, ReasonCode
from lilac.store import accounts as account_store
from lilac.store.database import Database

NEVER = frozenset({ReasonCode.NEVER_FITS, ReasonCode.NO_NODES, ReasonCode.NO_QUEUE})
LOW_DISK_MB = 5 * 1024
"""Agents pull no image below their own floor, by default 2 GB: this is told before."""
KEY_ENDS_WITHIN_S = 7 * 86_400.0
MOST_LISTED = 100
_MOST_SHAPES = 200
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stuck:
    """Waiting jobs of one owner that ask for the same, and can never run."""

    first: JobId
    jobs: int
    owner_id: UserId | None
    queue_id: QueueId
    reason: Reason


class Attention:
    """The service behind `/attention`."""

    def __init__(
        self, db: Database, clock: Callable[[], float], projection: Projection, loop: SchedulingLoop, jobs: Jobs
    ) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._loop = loop
        self._jobs = jobs
        self._stuck: list[_Stuck] = []
        self._looked_at = float("-inf")

    async def for_person(self, principal: Principal) -> dict[str, Any]:
        """All that needs somebody, of what the caller may see: of jobs members see their own, of keys everybody."""
        stuck = [each for each in self._stuck_jobs() if _sees(principal, each.owner_id)]
        told: dict[str, Any] = {
            "lost_nodes": [_lost(node) for node in self._nodes() if node.state is NodeState.LOST],
            "unhealthy_gpus": list(self._unhealthy_gpus()),
            "low_disks": list(self._low_disks()),
            "stuck_jobs": [await self._told(each) for each in stuck[:MOST_LISTED]],
            "paused_queues": [
                {"id": queue.id, "name": queue.name, "waiting_jobs": waiting}
                for queue in sorted(self._projection.queues.values(), key=lambda queue: queue.name)
                if queue.paused and (waiting := self._projection.board.waiting_in(queue.id))
            ],
            "expiring_keys": await self._expiring_keys(principal),
        }
        total = sum(map(len, told.values())) + max(0, len(stuck) - MOST_LISTED)
        return {"at": rfc3339(self._clock()), "total": total, **told}

    def _nodes(self) -> list[Node]:
        return sorted((s.node for s in self._projection.fleet.stations.values()), key=lambda node: (node.name, node.id))

    def _unhealthy_gpus(self) -> Iterator[dict[str, Any]]:
        for node in self._nodes():
            if node.state is not NodeState.LOST:
                for gpu in node.inventory.gpus:
                    if not gpu.healthy:
                        facts = {"uuid": gpu.uuid, "model": gpu.model, "lost": gpu.lost, "problem": gpu.problem}
                        yield {"node_id": node.id, "node_name": node.name, **facts}

    def _low_disks(self) -> Iterator[dict[str, Any]]:
        for node in self._nodes():
            disk = self._projection.fleet.disk(node.id)
            if disk is not None and node.state is not NodeState.LOST and disk.free_mb < LOW_DISK_MB:
                facts = {"free_mb": disk.free_mb, "total_mb": disk.total_mb}
                yield {"node_id": node.id, "node_name": node.name, **facts}

    def _stuck_jobs(self) -> list[_Stuck]:
        """Of everybody, as of a moment ago."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self._stuck = list(self._look_for_stuck_jobs())
        return self._stuck

    def _look_for_stuck_jobs(self) -> Iterator[_Stuck]:
        decided = self._loop.plan_in_force()
        if decided is None:
            return
        waiting = self._projection.board.snapshot().waiting
        for _, shape in zip(range(_MOST_SHAPES), decided.blocked, strict=False):
            reason = decided.blocked[shape]
            if reason.code not in NEVER:
                continue
            for group in waiting.groups(shape.queue_id):
                if group.shape == shape and (turn := group.turn(0)) is not None:
                    yield _Stuck(
                        first=turn[2],
                        jobs=len(group),
                        owner_id=group.owner_id,
                        queue_id=shape.queue_id,
                        reason=reason,
                    )

    async def _told(self, stuck: _Stuck) -> dict[str, Any]:
        name = (await self._jobs.names_of([stuck.first])).get(stuck.first)
        of_array = array_of(stuck.first) if name is None else None
        line = self._projection.arrays.lines.get(of_array[0]) if of_array is not None else None
        owners = await self._jobs.owners_of({stuck.owner_id} if stuck.owner_id is not None else set())
        queue = self._projection.queues.get(stuck.queue_id)
        return {
            "job_id": stuck.first if line is None else line.array.id,
            "job_name": name if line is None else line.array.spec.name,
            "jobs": stuck.jobs if line is None else len(line.array.waiting),
            "owner": owners.get(stuck.owner_id) if stuck.owner_id is not None else None,
            "queue_id": stuck.queue_id,
            "queue_name": queue.name if queue is not None else None,
            "code": str(stuck.reason.code),
            "message": stuck.reason.message,
        }

    async def _expiring_keys(self, principal: Principal) -> list[dict[str, Any]]:
        """The caller's own keys that end soon or ended lately; administrators are told of clusters' keys too."""
        found = await self._db.read(_keys_ending_about, self._clock(), principal)
        return [
            {
                "id": key.id,
                "name": key.name,
                "prefix": key.prefix,
                "cluster_id": key.cluster_id,
                "expires_at": rfc3339(key.expires_at),
            }
            for key in sorted(found, key=lambda key: key.expires_at or 0.0)
        ]


def _sees(principal: Principal, owner_id: UserId | None) -> bool:
    return principal.role is not Role.MEMBER or owner_id == principal.user_id


def _lost(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "cluster_id": node.cluster_id,
        "last_heartbeat": rfc3339(node.last_heartbeat),
    }


def _keys_ending_about(conn: Connection, now: float, principal: Principal) -> list[ApiKey]:
    own = account_store.list_keys(conn, user_id=principal.user_id) if principal.user_id is not None else []
    others = [key for key in account_store.list_keys(conn) if key.cluster_id is not None] if principal.is_admin else []
    return [
        key for key in (*own, *others) if key.expires_at is not None and abs(key.expires_at - now) < KEY_ENDS_WITHIN_S
    ]
