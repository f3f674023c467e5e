"""Secrets in output: masked byte by byte, however the output is cut into chunks and whenever it comes."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from lilac.agent.masking import Mask


def shipped(mask: Mask, pieces: list[bytes], limit: int) -> bytes:
    """What leaves the machine when the output grows by these pieces and is read in chunks."""
    output, sent = b"", b""
    for number, piece in enumerate(pieces, start=1):
        output += piece
        final = number == len(pieces)
        while chunk := mask.read(lambda at, n: output[at : at + n], len(sent), limit, final=final):  # noqa: B023
            sent += chunk
    return sent


def test_each_byte_becomes_an_asterisk_in_all_lines_of_a_value() -> None:
    mask = Mask(["hunter2!", "-----BEGIN\r\nabcdef\nend"])
    assert mask.apply(b"x hunter2! y\nabcdef\n-----BEGIN\nend\n") == b"x ******** y\n******\n**********\nend\n"
    assert mask.text("it said hunter2!") == "it said ********"


def test_short_values_are_left_alone() -> None:
    assert not Mask(["abc", "a\nb"])
    assert Mask(["abc", "a\nb"]).apply(b"abc") == b"abc"


def test_overlapping_values_are_hidden_whole() -> None:
    assert Mask(["abcd", "cdef"]).apply(b"abcdef-aaaa") == b"******-aaaa"
    assert Mask(["aaaa"]).apply(b"aaaaaa") == b"******"


def test_a_long_value_in_its_like_takes_no_longer_than_output_of_that_length() -> None:
    value, output = "ab" * 32_000, b"ab" * 500_000
    begun_at = time.perf_counter()
    assert Mask([value]).apply(b"b" + output + b"b") == b"b" + b"*" * len(output) + b"b"
    assert Mask([value]).read(lambda at, n: output[at : at + n], 0, 1 << 20, final=False).strip(b"*") == b""
    assert time.perf_counter() - begun_at < 20  # minutes, if each byte were to take the length of the value


def test_output_that_may_still_become_a_value_is_held_back_until_it_is_clear() -> None:
    mask, output = Mask(["password"]), b"say pass"
    read = lambda at, n: output[at : at + n]  # noqa: E731
    assert mask.read(read, 0, 100, final=False) == b"say "
    assert mask.read(read, 0, 100, final=True) == b"say pass"


@given(
    values=st.lists(st.text("ab", min_size=4, max_size=7), min_size=1, max_size=3),
    pieces=st.lists(st.binary(max_size=12).map(lambda b: bytes(97 + x % 3 for x in b)), min_size=1, max_size=8),
    limit=st.integers(1, 16),
)
def test_chunks_say_together_what_the_whole_says(values: list[str], pieces: list[bytes], limit: int) -> None:
    mask = Mask(values)
    assert shipped(mask, pieces, limit) == mask.apply(b"".join(pieces))


@given(
    before=st.binary(max_size=40), after=st.binary(max_size=40), value=st.text("xyz", min_size=4, max_size=9),
    limit=st.integers(9, 20),
)  # fmt: skip
def test_a_value_is_hidden_also_where_what_was_shipped_is_gone(
    before: bytes, after: bytes, value: str, limit: int
) -> None:
    """The spool gives the shipped part back to the file system: there it reads as zeros."""
    mask, output, sent = Mask([value]), before + value.encode() + after, b""
    while True:
        punched = bytes(len(sent)) + output[len(sent) :]
        chunk = mask.read(lambda at, n: punched[at : at + n], len(sent), limit, final=True)  # noqa: B023
        if not chunk:
            break
        sent += chunk
    assert len(sent) == len(output)
    assert value.encode() not in sent
