"""Agents in the simulation: the real reporting and the real decisions, on a machine that is only played.

`Agent` speaks by `lilac.agent.reporting` and decides by `lilac.agent.reconciling`, both as they are; in place of
engine and journal it has a `Machine`, in place of HTTP a `Line`. It may die at any moment and be started again.
`OriginalAgent` behaves as the wire contract says of the original program: one job at a time, a heartbeat every 30 s,
no word about exit codes, and nothing remembered over a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

import orjson

from lilac.agent import reporting
from lilac.agent.backoff import Backoff
from lilac.agent.control_plane import Ack
from lilac.agent.leases import RENEWALS_PER_LEASE
from lilac.agent.node import FEATURES
from lilac.agent.reconciling import HeldView, Remove, Start, Stop, TellLost, TellStopped, decide
from lilac.agent.wire import Assignment, Reply, parse_reply
from lilac.api.routers.node import _check_holder
from lilac.api.schemas.node import read_report, write_legacy_reply, write_reply
from lilac.control.platform import Platform
from lilac.model.errors import Forbidden, LilacError, LogGap, NotFound, Unavailable
from lilac.model.ids import ClusterId, JobId, NodeId, ReplicaKey
from lilac.model.states import FailureReason, ReplicaState
from tests.sim.machine import Machine, Work, output_of
from tests.sim.network import Line
from tests.sim.plane import Unreachable

_PATIENCE_S = 30.0
_HEARTBEAT_S = 30.0


class Agent:
    """One node with one of our agents."""

    def __init__(self, machine: Machine, line: Line, cluster_id: ClusterId, rng: Random) -> None:
        self.machine = machine
        self.line = line
        self.cluster_id = cluster_id
        self.rng = rng
        self.node_id = NodeId(str(uuid.uuid4()))
        self.slow_s = 0.0
        """How long it takes to act on a list."""
        self._life: asyncio.Task[None] | None = None
        self._shipping: dict[ReplicaKey, asyncio.Task[None]] = {}
        self._reporter: reporting.Reporter | None = None
        self._listed: Reply | None = None
        self._contact_at = 0.0

    @property
    def alive(self) -> bool:
        return self._life is not None

    def start(self) -> None:
        """A new life, which adopts what it finds on the machine."""
        if self._life is not None:
            return
        self._listed, self._contact_at = None, 0.0
        self._reporter = reporting.Reporter(
            self,
            inventory=self._inventory,
            replicas=self._reports,
            apply=self._apply,
            longest_wait_s=self._longest_wait_s,
            contacted=self._contacted,
        )
        self.machine.changed = self._changed
        for work in self.machine.disk.values():
            self._ship(work)
        self._life = asyncio.ensure_future(self._reporter.run())

    def die(self) -> None:
        """`kill -9` of the agent: what it started runs on."""
        if self._life is None:
            return
        self.machine.changed = lambda: None
        for task in (self._life, *self._shipping.values()):
            task.cancel()
        self._shipping.clear()
        self._life = None

    async def status(self, report: Mapping[str, Any]) -> Reply:
        """The one call, as `lilac.agent.control_plane.ControlPlane` makes it."""
        body = orjson.dumps(report)

        async def request(platform: Platform) -> bytes:
            told = read_report(orjson.loads(body))
            answer = await platform.nodes.status(self.node_id, self.cluster_id, told)
            return orjson.dumps(write_reply(answer, {}))

        answer = await self._call(request, float(report["wait_s"]) + _PATIENCE_S)
        return parse_reply(orjson.loads(answer))

    async def append(self, key: ReplicaKey, offset: int, data: bytes, *, end: bool) -> Ack:
        async def request(platform: Platform) -> int:
            await _check_holder(platform, self.node_id, key, self.cluster_id)
            return await platform.logs.append(key, offset, data, end=end)

        return Ack(await self._call(request, _PATIENCE_S))

    async def _call(self, request: Callable[[Platform], Awaitable[Any]], timeout_s: float) -> Any:
        try:
            return await self.line.call(request, timeout_s)
        except Unreachable:
            raise Unavailable("The control plane cannot be reached.") from None
        except (LogGap, NotFound, Forbidden):
            raise
        except LilacError as error:
            raise Unavailable(f"The control plane answered: {error}") from None

    def _contacted(self, sent_at: float) -> None:
        """As `lilac.agent.leases`: a lease counts from when a report was sent that was answered."""
        self._contact_at = max(self._contact_at, sent_at)
        for work in self.machine.disk.values():
            work.lease_until = max(work.lease_until, self._contact_at + work.assignment.lease_s)

    def _longest_wait_s(self) -> float:
        leases = [work.assignment.lease_s for work in self.machine.disk.values() if work.assignment.exclusive]
        return min(leases, default=math.inf) / RENEWALS_PER_LEASE

    def _changed(self) -> None:
        assert self._reporter is not None
        self._reporter.changed()
        self._tidy()

    async def _inventory(self) -> Mapping[str, Any]:
        machine = self.machine
        return {
            "memory_info": machine.memory,
            "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": machine.cpu},
            "gpu_info": None,
            "job_info": None,
            "agent_version": "sim",
            "hostname": machine.name,
            "runtimes": ["docker"],
            "features": [str(feature) for feature in FEATURES],
            "labels": {},
            "gpus": [{"uuid": uuid, "model": "H100", "memory_mb": 80_000, "healthy": True} for uuid in machine.gpus],
        }

    def _reports(self) -> list[dict[str, Any]]:
        return [work.report() for work in self.machine.disk.values()]

    async def _apply(self, reply: Reply) -> None:
        if self.slow_s:
            await asyncio.sleep(self.rng.uniform(0, self.slow_s))
        self._listed = reply
        disk = self.machine.disk
        for action in decide(reply.replicas, {key: _view(work) for key, work in disk.items()}):
            match action:
                case Start(assignment):
                    self.machine.start(assignment, contact_at=self._contact_at)
                    self._ship(disk[assignment.key])
                case TellLost(assignment):
                    self._ghost(assignment, ReplicaState.LOST, FailureReason.VANISHED)
                case TellStopped(assignment):
                    self._ghost(assignment, ReplicaState.STOPPED, None)
                case Stop(key):
                    disk[key].stopping.set()
                case Remove(key):
                    del disk[key]

    def _ghost(self, assignment: Assignment, state: ReplicaState, reason: FailureReason | None) -> None:
        self.machine.disk[assignment.key] = Work(assignment, state, reason=reason, shipped=True)
        self._changed()

    def _tidy(self) -> None:
        """Remove what ended, was shipped, and is not listed any more."""
        if self._listed is None:
            return
        for action in decide(self._listed.replicas, {k: _view(w) for k, w in self.machine.disk.items()}):
            if isinstance(action, Remove):
                del self.machine.disk[action.key]

    def _ship(self, work: Work) -> None:
        if not work.shipped:
            self._shipping[work.key] = asyncio.ensure_future(self._ship_all(work))

    async def _ship_all(self, work: Work) -> None:
        offset, backoff = 0, Backoff(rng=self.rng)
        while True:
            end = work.ended
            data = work.output[offset : offset + 64]
            last = end and offset + len(data) == len(work.output)
            if not data and not last:
                await asyncio.sleep(2.0)
                continue
            try:
                ack = await self.append(work.key, offset, data, end=last)
            except LogGap as gap:
                offset = int(gap.details["offset"])
            except NotFound:
                break
            except LilacError:
                await asyncio.sleep(backoff.next_s())
            else:
                backoff.reset()
                offset = ack.offset
                if last:
                    self.machine.witness.has_shipped(work.key, offset)
                    break
        work.shipped = True
        self._shipping.pop(work.key, None)
        self._tidy()


def _view(work: Work) -> HeldView:
    return HeldView(ended=work.ended, stopping=work.stopping.is_set(), shipped=work.shipped)


@contextlib.contextmanager
def as_of_the_seed(rng: Random) -> Iterator[None]:
    """Has the agents' waiting follow from the seed, and their steady clock from the loop."""
    with (
        patch.object(reporting, "Backoff", lambda: Backoff(rng=rng)),
        patch.object(reporting, "boot_clock", lambda: asyncio.get_running_loop().time()),
    ):
        yield


@dataclass
class OriginalAgent:
    """One node with the original program."""

    machine: Machine
    line: Line
    cluster_id: ClusterId
    node_id: NodeId = field(default_factory=lambda: NodeId(str(uuid.uuid4())))
    job: str | None = None
    status: str = "running"
    _life: asyncio.Task[None] | None = None
    _container: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        return self._life is not None

    def start(self) -> None:
        if self._life is None:
            self._life = asyncio.ensure_future(self._beat_for_ever())

    def die(self, *, new_id: bool = False) -> None:
        """Nothing is remembered; the container that it watched is of no use to anybody any more."""
        if self._life is None:
            return
        self._life.cancel()
        self._life = None
        self._abort()
        self.job = None
        if new_id:
            self.node_id = NodeId(str(uuid.uuid4()))

    async def _beat_for_ever(self) -> None:
        while True:
            self._news.clear()
            with contextlib.suppress(Unreachable, LilacError):
                self._act(await self._beat())
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _beat(self) -> dict[str, Any] | None:
        gpus = len(self.machine.gpus)
        gpu = {"manufacturer": "Nvidia", "model": "H100", "count": gpus, "memory_mb": 81_559}
        body = orjson.dumps(
            {
                "memory_info": self.machine.memory,
                "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": self.machine.cpu},
                "gpu_info": gpu if gpus else None,
                "job_info": {"current_job_id": self.job, "status": self.status} if self.job else None,
            }
        )

        async def request(platform: Platform) -> bytes:
            told = read_report(orjson.loads(body))
            return orjson.dumps(write_legacy_reply(await platform.nodes.status(self.node_id, self.cluster_id, told)))

        return orjson.loads(await self.line.call(request, 120))["assigned_job"]

    def _act(self, assigned: dict[str, Any] | None) -> None:
        wanted = assigned["id"] if assigned else None
        if wanted == self.job:
            return
        self._abort()
        self.job, self.status = wanted, "running"
        if wanted is not None:
            self._container = asyncio.ensure_future(self._run(wanted))
            self._news.set()

    def _abort(self) -> None:
        if self._container is not None:
            self._container.cancel()
            self._container = None

    async def _run(self, job_id: str) -> None:
        key = ReplicaKey(JobId(job_id), 0, 0)
        self.machine.witness.begins(self.machine.name, key, ())
        try:
            await asyncio.sleep(self.machine.rng.uniform(1, 60))
        finally:
            self.machine.witness.ends(self.machine.name, key)
        ending = self.machine.rng.choice(["succeeded", "succeeded", "failed", None])
        if ending is not None:  # else a container that failed: the original never tells
            self.status = ending
            self._news.set()


__all__ = ["Agent", "OriginalAgent", "as_of_the_seed", "output_of"]
