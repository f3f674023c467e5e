"""The scheduling loop: wake, plan, apply; no clock ticks.

It sleeps until something changed (a job came, a replica ended, a node or a queue changed), plans on the board as it
is then, and writes the decisions in guarded transactions: a job that is not waiting any more, or a node that cannot
take work any more, drops out there, and the board, which hears of that change as of every other, is planned again.
While a transaction is written, further changes collect, so a burst of submissions is planned in few passes.

Invariant: only this loop starts attempts, so between plan and apply nothing can take what the plan gave away. Where the
control plane has several replicas, only the leader's loop plans, and what it writes is fenced (`leadership`); on the
others `plan_in_force` works out on demand what the leader will most likely decide, for explanations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from lilac.control import records, room_making
from lilac.control.elements import NewElements
from lilac.control.leadership import Leadership, NotLeading
from lilac.control.projection import Projection
from lilac.model.errors import LilacError
from lilac.model.ids import NodeId
from lilac.model.lifecycle import start
from lilac.model.states import JobState, NodeState
from lilac.model.volumes import volumes_of
from lilac.scheduling import Plan, Policy, Start, plan
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store import volumes as volume_store
from lilac.store.database import Transaction

LIVE_POLICY = Policy(growth=True, preemption=True)
"""How the control plane plans. Only jobs that are elastic or preemptible ever make room, for queues that let them."""
_STARTS_PER_TRANSACTION = 256
_log = structlog.get_logger("lilac.loop")


class SchedulingLoop:
    """A background service; `wake` may be called from the event loop's thread at any time."""

    def __init__(self, lead: Leadership, clock: Callable[[], float]) -> None:
        self._lead = lead
        self._clock = clock
        self._changed = asyncio.Event()
        self._asked = 0
        self._answered = 0
        self._passed = asyncio.Event()
        """Set when a pass ends, and replaced; whoever waits holds the old one."""
        self.projection: Projection | None = None
        self.last_plan: Plan | None = None
        self.last_planned_at: float | None = None
        self.passes = 0
        self.on_planned: Callable[[float], None] = lambda seconds: None
        """Told of every pass how long deciding took."""

    def wake(self) -> None:
        self._asked += 1
        self._changed.set()

    async def settled(self) -> None:
        """Wait until everything that is known now was planned and written. What comes meanwhile is not waited for."""
        asked = self._asked
        while self._answered < asked:
            await self._passed.wait()

    async def run(self) -> None:
        """Plan whenever something changed, for ever."""
        while True:
            await self._wait()
            self._changed.clear()
            asked = self._asked
            try:
                if self._lead.leads:
                    await self._pass()
                else:
                    self.last_plan = None
                self._answered = asked
                self._passed.set()
                self._passed = asyncio.Event()
            except NotLeading:
                await asyncio.sleep(0.05)  # word of it is on its way
                self.wake()
            except LilacError as error:
                _log.warning("a scheduling pass could not be written and is tried again", error=str(error))
                await asyncio.sleep(0.5)
                self.wake()

    async def _wait(self) -> None:
        """Wait for a change, or until a waiting job may have come nearer to its turn by its queue's ageing."""
        assert self.projection is not None
        try:
            async with asyncio.timeout(self.projection.ageing_step_s()):
                await self._changed.wait()
        except TimeoutError:
            pass

    def plan_in_force(self) -> Plan | None:
        """The last plan; of a replica that does not lead, what it would plan now."""
        if self.last_plan is None and not self._lead.leads and self.projection is not None:
            self.last_plan = plan(self.projection.board.snapshot(), self._clock(), LIVE_POLICY)
        return self.last_plan

    async def _pass(self) -> None:
        assert self.projection is not None
        now = self._clock()
        self.passes += 1
        begun_at = time.perf_counter()
        decided = plan(self.projection.board.snapshot(), now, LIVE_POLICY)
        self.on_planned(time.perf_counter() - begun_at)
        self.last_plan, self.last_planned_at = decided, now
        for first in range(0, len(decided.starts), _STARTS_PER_TRANSACTION):
            chunk = decided.starts[first : first + _STARTS_PER_TRANSACTION]
            applied = await self._lead.write(self._apply, chunk, now, self._clock())
            if applied < len(chunk):
                self.wake()
        if decided.shrinks or decided.preemptions or decided.grows:
            await self._lead.write(room_making.apply, self.projection, decided, self._clock())

    def _apply(self, tx: Transaction, starts: Sequence[Start], planned_at: float, now: float) -> int:
        assert self.projection is not None
        jobs = job_store.get_jobs(tx.conn, [s.job_id for s in starts])
        elements = NewElements(tx.conn, [s.job_id for s in starts if s.job_id not in jobs])
        places = {p.node_id for s in starts for p in s.placements}
        usable = self._usable(tx, places)
        applied = 0
        for one in starts:
            job = jobs.get(one.job_id) or elements.get(one.job_id)
            if job is None or job.state is not JobState.QUEUED or self.projection.alive(job.id):
                continue
            if not all(p.node_id in usable and usable[p.node_id].issuperset(p.gpu_uuids) for p in one.placements):
                continue
            if (volumes := volumes_of(job.spec)) and not self._settle(tx, volumes, one, now):
                continue
            outcome = start(
                job, [(p.rank, p.node_id, p.gpu_uuids) for p in one.placements], planned_at=planned_at, now=now
            )
            if one.job_id in elements:
                elements.start(outcome)
                applied += 1
            elif records.save_start(tx, job, outcome):
                tx.after(self.projection.take, outcome.work)
                applied += 1
        elements.save(tx, self.projection, now)
        return applied

    def _settle(self, tx: Transaction, volumes: Sequence[str], one: Start, now: float) -> bool:
        """Give the volumes of a job their place, where they have none. False if one is elsewhere: another job of
        this very plan was the first."""
        assert self.projection is not None
        node_id = one.placements[0].node_id
        elsewhere = volume_store.settle(tx.conn, volumes, node_id, now)
        for volume_id, place in elsewhere.items():
            tx.after(self.projection.settle, (volume_id,), place)
        return not elsewhere

    @staticmethod
    def _usable(tx: Transaction, node_ids: set[NodeId]) -> dict[NodeId, frozenset[str]]:
        """The nodes that take work, each with its healthy GPUs."""
        able = (NodeState.AVAILABLE, NodeState.BUSY)
        return {
            node.id: frozenset(gpu.uuid for gpu in node.inventory.gpus if gpu.healthy)
            for node in cluster_store.get_nodes(tx.conn, node_ids).values()
            if node.state in able
        }
