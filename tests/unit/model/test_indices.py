"""Sets of array indices behave like sets, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.model.arrays import array_of, element_id, parse_array
from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId
from lilac.model.indices import IndexSet

INDICES = st.sets(st.integers(0, 40), max_size=30)


@given(INDICES, INDICES, st.integers(0, 45), st.integers(-1, 41))
def test_index_sets_are_sets(one: set[int], other: set[int], count: int, index: int) -> None:
    a, b = IndexSet.of(one), IndexSet.of(other)
    assert list(a) == sorted(one)
    assert len(a) == len(one)
    assert set(a | b) == one | other
    assert set(a - b) == one - other
    assert a - b == IndexSet.of(one - other)
    assert a | b == IndexSet.of(one | other)
    assert list(a.first(count)) == sorted(one)[:count]
    assert list(a.after(index)) == [each for each in sorted(one) if each > index]
    assert (index in a) is (index in one)
    assert not one or IndexSet.parse(str(a), most=100) == a


@pytest.mark.parametrize(
    ("text", "indices", "limit"),
    [
        ("0-9999", [*range(10_000)], None),
        ("1,3,5-9", [1, 3, 5, 6, 7, 8, 9], None),
        ("0-99%10", [*range(100)], 10),
        ("0-99%" + " " * 13 + "10 ", [*range(100)], 10),
        (" 7 , 5-6 ", [5, 6, 7], None),
        ("0-20:5", [0, 5, 10, 15, 20], None),
        ("3-5,4-8", [3, 4, 5, 6, 7, 8], None),
    ],
)
def test_arrays_are_written_as_people_do(text: str, indices: list[int], limit: int | None) -> None:
    found, running = parse_array(text)
    assert (list(found), running) == (indices, limit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1-",
        "5-3",
        "1,,2",
        "-1",
        "0-9%0",
        "0-9%",
        "0-9%x",
        "0-4294967295",
        "0-1000000",
        "0-9:0",
        "\u0663",
        "0-9%" + " " * 13,
        "0-4000000:400",
        ",".join(str(2 * n) for n in range(10_001)),
    ],
)
def test_what_is_no_array_is_refused_with_the_field(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_array(text)
    assert caught.value.details["field"] == "array"


@given(st.uuids(), st.integers(0, 2**32 - 2))
def test_an_elements_id_names_its_array_and_index(some: object, index: int) -> None:
    array_id = JobId(str(some)[:-8] + "00000000")
    assert array_of(element_id(array_id, index)) == (array_id, index)
    assert array_of(array_id) is None
