"""API keys: their form, whose they are, when they end, and how their use is remembered."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from sqlalchemy import select

from lilac.control.principals import PrincipalKind
from lilac.model.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from lilac.model.ids import ClusterId
from lilac.store import accounts as store
from lilac.store.tables import api_keys
from tests.unit.api.fixtures import empty_database, house
from tests.unit.api.house import ROOT, House

__all__ = ["empty_database", "house"]


async def test_a_key_has_the_known_form_and_only_its_digest_is_stored(house: House) -> None:
    ada = await house.add_user("ada")
    key, text = await house.accounts.keys.create(ada, name="laptop")
    assert re.fullmatch(r"lilac_sk_[a-zA-Z0-9]{32}", text)
    assert key.prefix == text[:15]
    rows = await house.db.read(lambda conn: [dict(row._mapping) for row in conn.execute(select(api_keys))])
    assert rows[0]["key_hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert text not in str(rows)


async def test_the_key_of_a_cluster_is_a_node_and_that_of_a_person_is_not(house: House) -> None:
    cluster = await house.add_cluster()
    node = await house.accounts.authenticate(await house.cluster_key(cluster))
    assert (node.kind, node.cluster_id, node.role) == (PrincipalKind.NODE, cluster, None)
    assert not node.is_admin
    person = await house.accounts.authenticate(await house.add_key("ada"))
    assert (person.kind, person.cluster_id) == (PrincipalKind.USER, None)
    assert person.actor == "user:ada"


async def test_a_key_ends_at_its_expiry_to_the_second(house: House) -> None:
    ada = await house.add_user("ada")
    _, text = await house.accounts.keys.create(ada, expires_at=house.clock.now + 3)
    house.clock.advance(2.9)
    await house.accounts.authenticate(text)
    house.clock.advance(0.1)
    with pytest.raises(Unauthenticated, match="expired"):
        await house.accounts.authenticate(text)


async def test_an_expiry_in_the_past_or_an_odd_name_is_refused(house: House) -> None:
    ada = await house.add_user("ada")
    with pytest.raises(InvalidInput, match="future"):
        await house.accounts.keys.create(ada, expires_at=house.clock.now)
    for name in ("a" * 101, "two\nlines"):
        with pytest.raises(InvalidInput, match="name"):
            await house.accounts.keys.create(ada, name=name)


async def test_a_deleted_key_is_refused_at_once(house: House) -> None:
    ada = await house.add_user("ada")
    key, text = await house.accounts.keys.create(ada)
    await house.accounts.authenticate(text)
    await house.accounts.keys.delete(ada, key.id)
    with pytest.raises(Unauthenticated, match="API key not found"):
        await house.accounts.authenticate(text)


async def test_nobody_deletes_the_key_of_another(house: House) -> None:
    ada, bob = await house.add_user("ada"), await house.add_user("bob")
    cluster = await house.add_cluster()
    key, text = await house.accounts.keys.create(ada)
    with pytest.raises(Forbidden):
        await house.accounts.keys.delete(bob, key.id)
    with pytest.raises(NotFound):
        await house.accounts.keys.delete_of_cluster(ROOT, cluster, key.id)
    assert (await house.accounts.authenticate(text)).username == "ada"


async def test_a_cluster_that_is_gone_gets_no_key(house: House) -> None:
    with pytest.raises(NotFound, match="Cluster not found"):
        await house.accounts.keys.create_for_cluster(ROOT, ClusterId("00000000-0000-4000-8000-000000000000"))


async def test_a_verified_key_costs_no_read_for_some_seconds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await house.add_key("ada")
    await house.accounts.authenticate(key)
    reads: list[object] = []
    read = house.db.read

    async def counted(fn: Any, *args: Any, **kwargs: Any) -> Any:
        reads.append(fn)
        return await read(fn, *args, **kwargs)

    monkeypatch.setattr(house.db, "read", counted)
    house.clock.advance(4.9)
    await house.accounts.authenticate(key)
    assert reads == []
    house.clock.advance(0.1)
    await house.accounts.authenticate(key)
    assert len(reads) == 1


async def test_a_check_that_was_under_way_during_a_change_is_not_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user("ada")
    key, text = await house.accounts.keys.create(ada)
    read = house.db.read

    async def overtaken(fn: Any, *args: Any, **kwargs: Any) -> Any:
        found = await read(fn, *args, **kwargs)
        monkeypatch.setattr(house.db, "read", read)
        await house.accounts.keys.delete(ada, key.id)
        return found

    monkeypatch.setattr(house.db, "read", overtaken)
    await house.accounts.authenticate(text)
    with pytest.raises(Unauthenticated):
        await house.accounts.authenticate(text)


async def test_the_last_use_is_written_in_batches_and_kept_when_writing_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.add_user("ada")
    _, text = await house.accounts.keys.create(ada)

    async def last_used() -> float | None:
        return (await house.accounts.keys.list(ada))[0].last_used_at

    await house.accounts.flush()
    for _ in range(3):
        house.clock.advance(1)
        await house.accounts.authenticate(text)
    used = house.clock.now
    assert await last_used() is None

    def fail(*_: object) -> None:
        raise RuntimeError("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(store, "touch_keys", fail)
        with pytest.raises(RuntimeError):
            await house.accounts.flush()
    await house.accounts.flush()
    assert await last_used() == used
