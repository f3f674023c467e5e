"""The frames of a tunnel and its windows: what is written is read back, and nothing else is taken for a frame."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.model.errors import InvalidInput
from lilac.tunnel.frames import (
    MOST_BYTES,
    WINDOW_BYTES,
    Command,
    Frame,
    Kind,
    Port,
    credit_frame,
    decode,
    error_frame,
    exit_frame,
    open_frame,
    pieces,
    read_credit,
    read_exit,
    read_opening,
    read_resize,
    resize_frame,
)
from lilac.tunnel.windows import ReceiveAccount, SendWindow

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(kind=st.sampled_from(Kind), data=st.binary(max_size=200))
def test_a_frame_is_read_back(kind: Kind, data: bytes) -> None:
    assert decode(Frame(kind, data).encoded()) == Frame(kind, data)


@given(
    argv=st.lists(words, max_size=5).map(tuple),
    tty=st.booleans(),
    rows=st.integers(0, 10_000),
    cols=st.integers(0, 10_000),
)
def test_an_opening_is_read_back(argv: tuple[str, ...], tty: bool, rows: int, cols: int) -> None:
    command = Command(argv=argv, tty=tty, rows=rows, cols=cols, term="xterm-256color")
    assert read_opening(decode(open_frame(command).encoded())) == command
    assert read_resize(decode(resize_frame(rows, cols).encoded())) == (rows, cols)


@given(number=st.integers(1, 65_535), code=st.integers(-(2**31), 2**31 - 1), credit=st.integers(0, 2**32 - 1))
def test_numbers_are_read_back(number: int, code: int, credit: int) -> None:
    assert read_opening(open_frame(Port(number))) == Port(number)
    assert read_exit(exit_frame(code)) == code
    assert read_credit(credit_frame(credit)) == credit
    assert read_exit(error_frame("No.")) == "No."


@given(message=st.binary(max_size=300))
def test_anything_is_either_a_frame_or_wrong_input(message: bytes) -> None:
    with suppress(InvalidInput):
        frame = decode(message)
        for read in (read_opening, read_exit, read_credit, read_resize):
            with suppress(InvalidInput):
                read(frame)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"argv": "ls"}', b'{"argv": ["a\\u0000b"]}', b'{"argv": [""]}', b'{"port": 0}',
     b'{"port": true}', b'{"argv": [], "rows": -1}', b'{"argv": [], "term": "x\\ny"}',
     b'{"argv": ["a\\ud800"]}', b"[" * 100_000],
)  # fmt: skip
def test_a_wrong_opening_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_opening(Frame(Kind.OPEN, data))


@given(data=st.binary(max_size=3 * MOST_BYTES))
def test_pieces_fit_and_make_the_whole(data: bytes) -> None:
    cut = pieces(data)
    assert b"".join(cut) == data
    assert all(0 < len(piece) <= MOST_BYTES for piece in cut)


@given(counts=st.lists(st.integers(0, MOST_BYTES), max_size=60))
def test_a_sender_never_has_more_than_a_window_on_the_way(counts: list[int]) -> None:
    async def play() -> None:
        window, account = SendWindow(), ReceiveAccount()
        on_the_way: list[int] = []
        uncredited = 0
        for count in counts:
            taking = asyncio.ensure_future(window.take(count))
            while True:
                await asyncio.sleep(0)
                if taking.done():
                    break
                consumed = on_the_way.pop(0)  # only a receiver that consumes can let it go on
                credit = account.consume(consumed)
                window.add(credit)
                uncredited -= credit
            on_the_way.append(count)
            uncredited += count
            assert uncredited <= WINDOW_BYTES

    asyncio.run(play())
