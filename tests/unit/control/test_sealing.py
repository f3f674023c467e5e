"""Sealing of secrets: what opens, what does not, and how a key is replaced."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lilac.control.sealing import Sealed, Sealer, key_id, load_sealer
from lilac.model.errors import InvalidInput, Unavailable

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def test_a_value_opens_only_with_its_key_and_in_its_place() -> None:
    sealed = Sealer([OLD]).seal("hunter2", "row-1")
    assert "hunter2" not in base64.b64decode(sealed.text).decode("latin1")
    assert Sealer([OLD]).open(sealed, "row-1") == "hunter2"
    with pytest.raises(Unavailable, match="holds something else"):
        Sealer([OLD]).open(sealed, "row-2")
    with pytest.raises(Unavailable, match=f"key {key_id(OLD)}.*secrets_key"):
        Sealer([NEW]).open(sealed, "row-1")


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    before = Sealer([OLD]).seal("hunter2", "row")
    sealer = load_sealer(f"{NEW.hex()}, {base64.b64encode(OLD).decode()}", Path("/nowhere"))
    assert sealer.open(before, "row") == "hunter2"
    assert sealer.seal("x", "row").key_id == key_id(NEW)
    assert sealer.seal("x", "row") != sealer.seal("x", "row")
    assert NEW.hex() not in repr(sealer)


def test_a_key_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secrets.key"
    first = load_sealer(None, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_sealer(None, path).active == first.active


@pytest.mark.parametrize("text", ["abc", "00" * 31, ","])
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_sealer(text, Path("/nowhere"))
    assert "32" in str(refused.value)
    assert text == "," or text not in str(refused.value)


def test_a_sealed_text_that_was_tampered_with_does_not_open() -> None:
    sealed = Sealer([OLD]).seal("hunter2", "row")
    data = bytearray(base64.b64decode(sealed.text))
    data[-1] ^= 1
    with pytest.raises(Unavailable):
        Sealer([OLD]).open(Sealed(sealed.key_id, base64.b64encode(bytes(data)).decode()), "row")
