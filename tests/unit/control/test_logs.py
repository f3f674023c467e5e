"""The output of replicas is stored once, in order, within its bounds, and can be followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lilac.control.logs import SEGMENT_BYTES, DirectoryLogs
from lilac.model.errors import LogGap, NotFound
from lilac.model.ids import JobId, ReplicaKey

KEY = ReplicaKey(JobId("ab000000-0000-4000-8000-000000000001"), 1, 0)


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[DirectoryLogs]:
    store = DirectoryLogs(tmp_path, head_bytes=2 * SEGMENT_BYTES, tail_bytes=2 * SEGMENT_BYTES)
    yield store
    await store.close()


async def test_a_repeated_chunk_is_stored_once(logs: DirectoryLogs) -> None:
    assert await logs.append(KEY, 0, b"hello ") == 6
    assert await logs.append(KEY, 0, b"hello ") == 6
    assert await logs.append(KEY, 3, b"lo world") == 11
    assert await logs.read(KEY, 0, 100) == b"hello world"


async def test_a_gap_is_refused_with_the_offset_to_go_on_from(logs: DirectoryLogs) -> None:
    await logs.append(KEY, 0, b"abc")
    with pytest.raises(LogGap) as refused:
        await logs.append(KEY, 5, b"x")
    assert refused.value.details["offset"] == 3


async def test_nothing_is_added_after_the_end_and_whoever_has_more_is_told_to_stop(logs: DirectoryLogs) -> None:
    """An agent of a node that was lost comes back with more: told "stored up to here" it would go on for ever."""
    await logs.append(KEY, 0, b"abc", end=True)
    assert await logs.append(KEY, 1, b"bc", end=True) == 3
    with pytest.raises(NotFound, match="has ended at byte 3"):
        await logs.append(KEY, 3, b"more")
    assert await logs.read(KEY, 0, 10) == b"abc"


async def test_a_follower_gets_what_is_there_and_what_comes_until_the_end(logs: DirectoryLogs) -> None:
    await logs.append(KEY, 0, b"one ")
    got: list[bytes] = []
    first = asyncio.Event()

    async def follow() -> None:
        async for chunk in logs.follow(KEY):
            got.append(chunk)
            first.set()

    follower = asyncio.create_task(follow())
    await first.wait()
    await logs.append(KEY, 4, b"two ")
    await logs.append(KEY, 8, b"three", end=True)
    await asyncio.wait_for(follower, 10)
    assert b"".join(got) == b"one two three"


async def test_a_follower_of_what_is_complete_ends(logs: DirectoryLogs) -> None:
    await logs.end(KEY)
    assert [chunk async for chunk in logs.follow(KEY)] == []


async def test_followers_end_when_the_server_stops(logs: DirectoryLogs) -> None:
    follower = asyncio.create_task(anext(logs.follow(KEY), None))
    await asyncio.sleep(0)
    logs.release_followers()
    assert await asyncio.wait_for(follower, 10) is None


async def test_what_was_stored_is_there_after_a_restart(logs: DirectoryLogs, tmp_path: Path) -> None:
    await logs.append(KEY, 0, b"x" * (SEGMENT_BYTES + 10))
    again = DirectoryLogs(tmp_path, head_bytes=SEGMENT_BYTES, tail_bytes=SEGMENT_BYTES)
    try:
        assert await again.size(KEY) == SEGMENT_BYTES + 10
        assert await again.append(KEY, SEGMENT_BYTES + 10, b"y", end=True) == SEGMENT_BYTES + 11
        assert await again.read(KEY, SEGMENT_BYTES + 9, 10) == b"xy"
    finally:
        await again.close()


async def test_head_and_tail_stay_and_the_reader_is_told_what_is_left_out(logs: DirectoryLogs) -> None:
    block = bytes(SEGMENT_BYTES)
    for n in range(10):
        await logs.append(KEY, n * SEGMENT_BYTES, block)
    await logs.append(KEY, 10 * SEGMENT_BYTES, b"the end", end=True)
    got = b"".join([chunk async for chunk in logs.follow(KEY)])
    assert b"bytes of output were not kept" in got
    assert got.endswith(b"the end")
    assert got.startswith(block)
    assert 4 * SEGMENT_BYTES <= len(got) <= 6 * SEGMENT_BYTES
    assert await logs.size(KEY) == 10 * SEGMENT_BYTES + 7


async def test_who_counts_bytes_is_told_exactly_how_many_were_not_kept(logs: DirectoryLogs) -> None:
    for n in range(10):
        await logs.append(KEY, n * SEGMENT_BYTES, bytes(SEGMENT_BYTES))
    await logs.append(KEY, 10 * SEGMENT_BYTES, b"the end", end=True)
    at = sum([len(chunk) async for chunk in logs.follow(KEY, exact=True)])
    assert at == 2 * SEGMENT_BYTES
    assert await logs.read(KEY, at, 100) == b""
    gap = await logs.left_out(KEY, at)
    assert gap == await logs.left_out(KEY, at + SEGMENT_BYTES + 5)
    assert gap is not None
    assert gap[0] == at
    at = gap[1]
    assert await logs.left_out(KEY, at) is None
    rest = b"".join([chunk async for chunk in logs.follow(KEY, at, exact=True)])
    assert at + len(rest) == await logs.size(KEY)
    assert rest.endswith(b"the end")


async def test_all_that_is_kept_comes_with_a_line_for_what_is_not_and_ends_though_more_may_come(
    logs: DirectoryLogs,
) -> None:
    for n in range(10):
        await logs.append(KEY, n * SEGMENT_BYTES, bytes(SEGMENT_BYTES))
    await logs.append(KEY, 10 * SEGMENT_BYTES, b"the end")
    assert not await logs.is_complete(KEY)
    got = b"".join([chunk async for chunk in logs.everything(KEY)])
    assert got.count(b"bytes of output were not kept") == 1
    assert got.endswith(b"the end")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=12))
async def test_chunks_that_overlap_in_any_way_give_the_bytes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, pieces: list[tuple[int, int]]
) -> None:
    store = DirectoryLogs(tmp_path_factory.mktemp("logs"), head_bytes=SEGMENT_BYTES, tail_bytes=SEGMENT_BYTES)
    try:
        known = 0
        for start, length in pieces:
            start = min(start, len(whole))
            chunk = whole[start : start + length]
            if start > known:
                with pytest.raises(LogGap):
                    await store.append(KEY, start, chunk)
            else:
                known = await store.append(KEY, start, chunk)
        await store.append(KEY, 0, whole)
        assert await store.read(KEY, 0, 1000) == whole
    finally:
        await store.close()


async def test_what_several_replicas_add_to_the_end_at_once_is_all_there(tmp_path: Path) -> None:
    stores = [DirectoryLogs(tmp_path, head_bytes=1 << 21, tail_bytes=1 << 21, shared=True) for _ in range(4)]
    texts = [[f"{n} {number}\n".encode() for number in range(100)] for n in range(len(stores))]

    async def add(store: DirectoryLogs, own: list[bytes]) -> None:
        for text in own:
            await store.append(KEY, None, text)

    await asyncio.gather(*(add(store, own) for store, own in zip(stores, texts, strict=True)))
    stored = (await stores[0].read(KEY, 0, 1 << 20)).splitlines(keepends=True)
    assert sorted(stored) == sorted(text for own in texts for text in own)
    for n, own in enumerate(texts):
        assert [text for text in stored if text.startswith(b"%d " % n)] == own, "each one's in its order"
    for store in stores:
        await store.close()
