"""Shipping against a control plane that refuses, forgets and goes away; and the spool's bound."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lilac.agent.control_plane import Ack
from lilac.agent.shipping import Shipper
from lilac.agent.spool import Spool
from lilac.agent.watching import FileWatch
from lilac.model.errors import LogGap, NotFound, Unavailable
from lilac.model.ids import JobId, ReplicaKey

KEY = ReplicaKey(JobId("j"), 1, 0)


class Store:
    """Keeps output as the protocol says; `away` calls fail first."""

    def __init__(self, have: bytes = b"", *, away: int = 0, known: bool = True) -> None:
        self.data = bytearray(have)
        self.ended = asyncio.Event()
        self.away = away
        self.known = known
        self.calls = 0

    async def append(self, key: ReplicaKey, offset: int, data: bytes, *, end: bool) -> Ack:
        self.calls += 1
        if self.away > 0:
            self.away -= 1
            raise Unavailable("away")
        if not self.known:
            raise NotFound("unknown")
        if offset > len(self.data):
            raise LogGap("gap", offset=len(self.data))
        self.data += data[len(self.data) - offset :]
        if end:
            self.ended.set()
        return Ack(len(self.data))


async def shipped(store: Store, path: Path, *, offset: int | None) -> None:
    done = asyncio.Event()
    shipper = Shipper(store, lambda key: done.set())
    await shipper.open()
    shipper.add(KEY, path, offset=offset, watch=True)
    shipper.finish(KEY)
    async with asyncio.timeout(10):
        await done.wait()
    await shipper.close()


@pytest.mark.parametrize("offset", [None, 0, 3, 6])
@pytest.mark.parametrize("have", [b"", b"abc", b"abcdef"])
async def test_output_arrives_once_wherever_either_side_stands(tmp_path: Path, offset: int | None, have: bytes) -> None:
    (tmp_path / "output").write_bytes(b"abcdef")
    store = Store(have)
    await shipped(store, tmp_path / "output", offset=offset)
    assert bytes(store.data) == b"abcdef"
    assert store.ended.is_set()


async def test_a_server_that_is_away_gets_it_later(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"abc")
    store = Store(away=2)
    await shipped(store, tmp_path / "output", offset=0)
    assert bytes(store.data) == b"abc"


async def test_output_that_nobody_knows_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"abc")
    store = Store(known=False)
    await shipped(store, tmp_path / "output", offset=0)
    assert store.calls == 1


async def test_a_replica_without_output_still_tells_its_end(tmp_path: Path) -> None:
    store = Store()
    await shipped(store, tmp_path / "output", offset=0)
    assert store.ended.is_set()


@pytest.mark.parametrize("poll", [False, True])
async def test_a_growing_file_is_seen(tmp_path: Path, poll: bool) -> None:
    watch = FileWatch(poll=poll)
    await watch.open()
    path = tmp_path / "output"
    path.touch()
    seen = asyncio.Event()
    watch.add(path, seen.set)
    with path.open("ab") as file:
        file.write(b"x")
    async with asyncio.timeout(5):
        await seen.wait()
    watch.remove(path)
    await watch.close()


def test_space_of_stored_output_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"x" * 100_000)
    spool = Spool(path, freed_at_once=4096)
    before = path.stat().st_blocks
    spool.bound(90_000, cut=True)
    assert path.stat().st_size == 100_000
    assert path.stat().st_blocks < before
    assert spool.read(90_000, 20_000) == b"x" * 10_000


def test_output_that_outgrows_the_limit_is_cut_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"a" * 3_000_000)
    spool = Spool(path, limit_bytes=1 << 20, freed_at_once=4096)
    spool.bound(10, cut=True)
    whole = spool.read(0, 10**7) + spool.read(10 + (1 << 20), 10**7)
    assert whole.startswith(b"a" * (10 + (1 << 20)) + b"\n[lilac: the output was cut here")
    assert spool.size == len(whole)
    with path.open("ab") as file:
        file.write(b"b" * 1_000_000)
    spool.bound(10, cut=True)
    assert path.stat().st_blocks * 512 < 2 << 20
    again = Spool(path, limit_bytes=1 << 20)
    assert again.size == len(whole)
    assert again.read(again.size - 5, 100) == whole[-5:]


def test_what_the_agent_writes_itself_is_not_cut_but_has_no_room(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"a" * 3_000_000)
    spool = Spool(path, limit_bytes=1 << 20)
    spool.bound(0, cut=False)
    assert spool.size == 3_000_000
    assert not spool.has_room(0)
    assert spool.has_room(2_500_000)
