"""Two replicas of the control plane on one PostgreSQL, in this process, under seeded random work and faults.

Every call goes to either of them at random. After each step the memory of both must be what a fresh start would build,
and the rows must hold what the invariants ask, whoever led.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lilac.control import rebuilding
from lilac.control.leadership import NotLeading
from lilac.control.platform import Platform
from lilac.control.settings import Settings
from lilac.control.submitting import Order
from lilac.model.arrays import parse_array
from lilac.model.errors import Unavailable
from lilac.model.jobs import DependencyCondition
from lilac.model.states import Hold, JobState, is_terminal
from lilac.model.surroundings import VolumeMount
from lilac.store import leases
from lilac.store.database import Transaction
from lilac.store.listing import JobFilter
from tests.fixtures.invariants import wrong_memory, wrong_rows
from tests.fixtures.postgres import PostgresServer
from tests.integration.control.stand import PASSWORD, ROOT, Clock, FakeAgent, Stand
from tests.integration.control.test_random_faults import World, _finish

STEPS = 100


class PairWorld(World):
    """More that may happen: arrays, and jobs that wait for others."""

    def __init__(self, stand: PairStand, seed: int) -> None:
        super().__init__(stand, seed)
        # An original agent names no order of its reports, and is meant for one address.
        self.steps = [step for step in self.steps if step[1] != self.beat_as_original]
        self.steps += [(6, self.submit_array), (6, self.submit_after)]

    async def submit_array(self) -> None:
        indices, limit = parse_array(self.random.choice(["0-3", "0-9%2", "1,5"]))
        order = Order(spec=self.stand.spec(cpu=500), indices=indices, running_limit=limit)
        await self.stand.platform.jobs.submitting.submit(self.stand.user, order)

    async def submit_after(self) -> None:
        jobs = await self.stand.platform.jobs.list(ROOT, JobFilter(), limit=5)
        wanted = [(job.id, self.random.choice(list(DependencyCondition))) for job in jobs[:2]]
        order = Order(spec=self.stand.spec(cpu=500), after=tuple(wanted))
        await self.stand.platform.jobs.submitting.submit(self.stand.user, order)


@dataclass
class VolumeAgent(FakeAgent):
    removed: list[str] = field(default_factory=list)

    def body(self, wait_s: float = 0) -> dict[str, Any]:
        return super().body(wait_s) | {"features": ["volumes"], "removed_volumes": self.removed}


class PairStand(Stand):
    """A stand whose `platform` is one of two replicas, another one each time it is asked for."""

    def __init__(self, directory: Path, url: str, seed: int = 0) -> None:
        self.clock = Clock()
        self.random = random.Random(seed)
        self._settings = [
            Settings(
                data_dir=directory / name,
                log_dir=directory / "logs",
                admin_password=PASSWORD,
                database_url=url,
                replica_name=name,
            )
            for name in ("one", "two")
        ]
        self.both = [Platform(settings, self.clock) for settings in self._settings]

    @property
    def platform(self) -> Platform:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.random.choice(self.both)

    @property
    def leaders(self) -> list[Platform]:
        return [platform for platform in self.both if platform.lead.leads]

    async def start(self) -> None:
        await self.both[0].start()
        await self.both[1].start()
        await self.leader()
        self.cluster_id = (await self.platform.directory.cluster("default")).id
        self.queue_id = self.platform.jobs.queue("default").id
        self.user = await self.add_user("ada")

    async def stop(self) -> None:
        for platform in self.both:
            await platform.stop()

    async def leader(self) -> Platform:
        async with asyncio.timeout(20):
            waits = [asyncio.ensure_future(platform.lead.held()) for platform in self.both]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        return self.leaders[0]

    async def restart(self) -> None:
        """One of the two ends in order and is started anew."""
        place = self.random.randrange(2)
        await self.both[place].stop()
        await self.leader()
        self.both[place] = Platform(self._settings[place], self.clock)
        await self.both[place].start()

    async def settle(self) -> None:
        for _ in range(2):
            for platform in self.both:
                await platform.follower.catch_up()
            await (await self.leader()).settling.settle()
            await (await self.leader()).loop.settled()
        for platform in self.both:
            await platform.follower.catch_up()

    async def pass_time(self, seconds: float) -> None:
        for platform in self.both:
            await platform.nodes.flush()
        self.clock.now += seconds
        leader = await self.leader()
        await leader.nodes.lose_silent()
        await leader.deadlines.end_due()
        await leader.pauses.end_due()
        await self.settle()

    async def check(self) -> None:
        found: list[str] = []
        for platform in self.both:
            await self._look(platform, found)
        assert not found, "\n".join(found)

    @staticmethod
    async def _look(platform: Platform, found: list[str]) -> None:
        wrong: list[str] = []

        def look(tx: Transaction) -> None:
            wrong.clear()
            wrong.extend(wrong_rows(tx.conn))
            stored = rebuilding.load(tx.conn)
            tx.after(lambda: wrong.extend(wrong_memory(platform.projection, stored)))

        await platform.db.write(look)
        found += [f"{platform.settings.replica_name}: {each}" for each in wrong]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_the_memory_of_both_is_what_is_stored_whatever_happens(
    postgres_server: PostgresServer, tmp_path: Path, seed: int
) -> None:
    stand = PairStand(tmp_path, postgres_server.create_database(), seed)
    await stand.start()
    try:
        world = PairWorld(stand, seed)
        done: list[str] = []
        for _ in range(STEPS):
            done.append(await world.step())
            await stand.settle()
            try:
                await stand.check()
            except AssertionError as wrong:
                raise AssertionError(f"after {done[-5:]} (step {len(done)} of seed {seed}):\n{wrong}") from None
        await _finish(world)
        await stand.check()
        for job in await stand.platform.jobs.list(ROOT, JobFilter(states=(JobState.QUEUED,))):
            if job.held is Hold.DEPENDENCY:
                others = [await stand.job(each.job_id) for each in job.spec.after]
                assert any(not is_terminal(other.state) for other in others), f"{job.id} waits for what has ended"
    finally:
        await stand.stop()


async def test_what_a_deposed_leader_wants_to_write_is_refused(postgres_server: PostgresServer, tmp_path: Path) -> None:
    stand = PairStand(tmp_path, postgres_server.create_database())
    await stand.start()
    try:
        leader = await stand.leader()
        other = next(platform for platform in stand.both if platform is not leader)
        epoch = leader.lead.epoch

        def raise_epoch(tx: Transaction) -> None:
            assert leases.still_leads(tx.conn, epoch)
            tx.conn.execute(leases.leadership.update().values(epoch=epoch + 1, holder="somebody else"))

        await other.db.write(raise_epoch)
        leader.lead.begin(epoch)  # it does not know yet
        with pytest.raises(NotLeading):
            await leader.lead.write(lambda tx: pytest.fail("this must not be written"))
    finally:
        await stand.stop()


async def test_a_replica_that_is_cut_off_from_the_store_does_not_pass_for_a_contact(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = PairStand(tmp_path, postgres_server.create_database())
    await stand.start()
    both = list(stand.both)
    try:
        stand.both = both[1:]
        agent = FakeAgent(stand)
        await agent.beat()
        await agent.beat()

        async def cut_off(*args: object) -> None:
            raise Unavailable("The database is not there.")

        with monkeypatch.context() as patch:
            patch.setattr(both[1].db, "write", cut_off)
            await agent.beat()  # it was current a moment ago
            patch.setattr(both[1].follower, "_current_at", float("-inf"))
            with pytest.raises(Unavailable):
                await agent.beat()
        stand.both = both[:1]
        await agent.beat()
    finally:
        stand.both = both
        await stand.stop()


async def test_no_list_is_older_than_what_another_replica_has_answered(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    stand = PairStand(tmp_path, postgres_server.create_database())
    await stand.start()
    try:
        one, two = stand.both
        agent = FakeAgent(stand)
        stand.both = [one]
        await agent.beat()
        await two.follower.catch_up()
        two.follower.wake = lambda: None  # it hears nothing from now on, and has to ask
        for _ in range(10):
            stand.both = [one]
            await stand.submit()
            stand.both = [one, two]
            await (await stand.leader()).loop.settled()
            stand.both = [one]
            await agent.beat()
            agent.become("running")
            await agent.beat()
            running = dict(agent.held)
            assert running
            stand.both = [two]
            await agent.beat()
            assert agent.held.keys() == running.keys(), "what it was told by the one still holds at the other"
            agent.become("succeeded", exit_code=0)
            await agent.beat()
            await agent.beat()
            stand.both = [one]
            await agent.beat()
            assert not agent.held, "what ended does not come back"
    finally:
        stand.both = [one, two]
        await stand.stop()


async def test_a_deleted_volume_is_told_and_forgotten_by_whichever_replica(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    stand = PairStand(tmp_path, postgres_server.create_database())
    await stand.start()
    try:
        agent = VolumeAgent(stand)
        await agent.beat()
        await stand.submit(volumes=(VolumeMount(name="models", path="/models"),))
        await agent.run_until_running()
        agent.become("succeeded", exit_code=0)
        await agent.beat()
        await agent.beat()
        one, two = both = list(stand.both)
        (shown,) = await two.volumes.list(stand.user)
        await one.volumes.delete(stand.user, "models")
        stand.both = [two]
        await two.follower.catch_up()
        await agent.beat()
        assert agent.reply["removed_volumes"] == [shown.volume.id]
        agent.removed = [shown.volume.id]
        await agent.beat()
        assert agent.reply["removed_volumes"] == []
        stand.both = [one]
        agent.removed = []
        await one.follower.catch_up()
        await agent.beat()
        assert agent.reply["removed_volumes"] == []
        stand.both = both
        await stand.check()
    finally:
        await stand.stop()
