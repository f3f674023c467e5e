"""The election on virtual time: several candidates, one lease, and leaders that die, hang, or lose the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from lilac.control.electing import Election
from lilac.model.errors import Unavailable

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]
LEASE_S = 1.5


class Register:
    """The database as the candidates share it: an advisory lock, the epoch and the lease, by the loop's time."""

    def __init__(self) -> None:
        self.epoch = 0
        self.holder = ""
        self.expires_at = 0.0
        self.locked = True
        self.down = False
        self.lock = asyncio.Lock()
        self.may_cut_off = True
        self.sessions: dict[str, Candidate] = {}


class Candidate:
    """One replica's ballots. `hang` makes it stop where it is, as SIGSTOP does; its session stays."""

    def __init__(self, register: Register, name: str) -> None:
        self.register = register
        self.name = name
        self.reigns: list[int] = []
        self.leads = False
        self.holds_lock = False
        self.broken = False
        self.awake = asyncio.Event()
        self.awake.set()
        register.sessions[name] = self
        self.election = Election(self, LEASE_S, won=self._won, lost=self._lost)

    def _won(self, epoch: int) -> None:
        self.reigns.append(epoch)
        self.leads = True

    def _lost(self) -> None:
        self.leads = False

    async def _ask(self) -> None:
        await self.awake.wait()
        if self.register.down or self.broken:
            raise Unavailable("The database is not there.")

    def cut(self) -> None:
        """The database ends the session."""
        self.broken = True
        if self.holds_lock:
            self.holds_lock = False
            self.register.lock.release()

    async def open(self) -> None:
        await self.awake.wait()
        if self.register.down:
            raise Unavailable("The database is not there.")
        self.broken = False

    async def close(self) -> None:
        self.cut()

    async def locked(self) -> None:
        await self.register.lock.acquire()
        self.holds_lock = True

    async def holder_of_expired(self) -> str | None:
        await self._ask()
        return self.register.holder if self._now() >= self.register.expires_at else None

    async def cut_off(self, replica_id: str) -> None:
        await self._ask()
        if self.register.may_cut_off and replica_id not in ("", self.name):
            self.register.sessions[replica_id].cut()

    async def take(self, *, locked: bool) -> int | None:
        await self._ask()
        register = self.register
        if self._now() < register.expires_at and not (locked and register.locked):
            return None
        register.epoch += 1
        register.holder, register.locked, register.expires_at = self.name, locked, self._now() + LEASE_S
        return register.epoch

    async def renew(self, epoch: int, *, locked: bool) -> bool:
        await self._ask()
        if epoch != self.register.epoch:
            return False
        self.register.expires_at, self.register.locked = self._now() + LEASE_S, locked
        return True

    async def release(self, epoch: int) -> None:
        await self._ask()
        if epoch == self.register.epoch:
            self.register.expires_at, self.register.locked = 0.0, True

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def candidates(count: int, register: Register | None = None) -> AsyncIterator[list[Candidate]]:
    shared = register or Register()
    all_of_them = [Candidate(shared, f"replica-{n}") for n in range(count)]
    tasks = [asyncio.create_task(one.election.run()) for one in all_of_them]
    try:
        yield all_of_them
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def within(seconds: float, what: Callable[[], object]) -> float:
    """Wait until `what` is so; how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not what():
        assert loop.time() - began <= seconds, "it did not come to be so in time"
        await asyncio.sleep(0.01)
    return loop.time() - began


def one_leads(all_of_them: list[Candidate]) -> Candidate | None:
    leading = [one for one in all_of_them if one.leads]
    assert len(leading) <= 1
    return leading[0] if leading else None


async def test_exactly_one_of_several_leads_and_goes_on_leading() -> None:
    async with candidates(3) as all_of_them:
        await within(1, lambda: one_leads(all_of_them))
        first = one_leads(all_of_them)
        for _ in range(100):
            await asyncio.sleep(0.37)
            assert one_leads(all_of_them) is first
        assert [epoch for one in all_of_them for epoch in one.reigns] == [1]


async def test_the_end_of_the_leaders_session_lets_the_next_one_in_at_once() -> None:
    async with candidates(2) as all_of_them:
        await within(1, lambda: one_leads(all_of_them))
        first = one_leads(all_of_them)
        assert first is not None
        first.awake.clear()
        first.cut()
        (second,) = [one for one in all_of_them if one is not first]
        assert await within(LEASE_S, lambda: second.leads) <= 0.1
        assert second.reigns == [2]


@pytest.mark.parametrize("may_cut_off", [True, False])
async def test_a_leader_that_hangs_is_replaced_after_its_lease_and_stands_down_when_it_goes_on(
    may_cut_off: bool,
) -> None:
    register = Register()
    register.may_cut_off = may_cut_off
    async with candidates(2, register) as all_of_them:
        await within(1, lambda: one_leads(all_of_them))
        first = one_leads(all_of_them)
        assert first is not None
        first.awake.clear()
        (second,) = [one for one in all_of_them if one is not first]
        await within(LEASE_S + 2, lambda: second.leads)
        assert second.reigns == [2]
        first.awake.set()
        await within(LEASE_S, lambda: not first.leads)
        await asyncio.sleep(20)
        assert one_leads(all_of_them) is second, "neither the lock nor the return of the first one unseats it"
        assert register.epoch == 2


async def test_a_leader_that_cannot_renew_in_time_stands_down_by_itself() -> None:
    async with candidates(1) as (only,):
        await within(1, lambda: only.leads)
        only.awake.clear()
        await within(LEASE_S + 0.1, lambda: not only.leads)
        only.awake.set()
        await within(LEASE_S + 2, lambda: only.leads)
        assert only.reigns == [1, 2]


async def test_after_an_outage_of_the_database_one_leads_again() -> None:
    register = Register()
    async with candidates(2, register) as all_of_them:
        await within(1, lambda: one_leads(all_of_them))
        register.down = True
        for one in all_of_them:
            one.cut()
        await within(LEASE_S, lambda: one_leads(all_of_them) is None)
        await asyncio.sleep(10)
        assert one_leads(all_of_them) is None
        register.down = False
        await within(LEASE_S + 2, lambda: one_leads(all_of_them))
        assert register.epoch == 2


async def test_who_resigns_gives_the_lead_away_at_once_and_does_not_ask_again() -> None:
    async with candidates(2) as all_of_them:
        await within(1, lambda: one_leads(all_of_them))
        first = one_leads(all_of_them)
        assert first is not None
        first.election.resign()
        (second,) = [one for one in all_of_them if one is not first]
        assert await within(LEASE_S, lambda: second.leads) <= 0.1
        second.election.resign()
        await asyncio.sleep(10)
        assert one_leads(all_of_them) is None
