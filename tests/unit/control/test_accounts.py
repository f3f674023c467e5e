"""People: the first administrator, logins that are held back, tokens and what voids them, roles and passwords."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from lilac.control.accounts import Accounts, NewUser
from lilac.control.passwords import Passwords
from lilac.control.principals import Principal
from lilac.control.throttling import MAX_WAIT_S, Throttle, wait_after
from lilac.control.tokens import Tokens
from lilac.model.accounts import Role
from lilac.model.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LilacError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from lilac.model.events import Event, EventKind
from lilac.model.ids import UserId
from lilac.store import accounts as store
from lilac.store import events as event_store
from lilac.store.database import Database
from tests.unit.api.fixtures import empty_database, house
from tests.unit.api.house import NOW, PASSWORD, ROOT, SECRET, Clock, House, HouseSettings

__all__ = ["empty_database", "house"]


async def history(house: House) -> list[Event]:
    return await house.db.read(lambda conn: event_store.list_events(conn, limit=1000))


async def test_the_first_start_makes_an_administrator_and_later_ones_do_not(house: House) -> None:
    made = await house.accounts.bootstrap()
    assert made is not None
    assert made.username == "admin"
    assert len(made.password) >= 20
    principal = await house.accounts.authenticate(await house.accounts.login(*made))
    assert principal.is_admin
    assert await house.accounts.bootstrap("another one") is None


async def test_of_servers_that_start_at_once_one_makes_the_administrator(empty_database: Path, tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    shutil.copyfile(empty_database, path)
    databases = [Database.open(f"sqlite:///{path}") for _ in range(3)]
    for db in databases:
        await db.start()
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    servers = [Accounts(db, Clock(), SECRET, HouseSettings(), passwords=passwords) for db in databases]
    made = await asyncio.gather(*(server.bootstrap("pass word 1") for server in servers))
    users = await databases[0].read(store.list_users)
    for db in databases:
        await db.close()
    passwords.close()
    assert len([one for one in made if one is not None]) == 1
    assert [user.username for user in users] == ["admin"]


async def test_the_first_password_must_be_a_usable_one(house: House) -> None:
    with pytest.raises(InvalidInput, match="admin_password must be at least 8"):
        await house.accounts.bootstrap("short")


async def test_wrong_passwords_and_unknown_names_are_answered_alike(house: House) -> None:
    await house.add_user("ada")

    async def outcomes(username: str) -> list[str]:
        said: list[str] = []
        for _ in range(6):
            try:
                await house.accounts.login(username, "wrong")
            except LilacError as error:
                said.append(str(error))
        return said

    known, unknown = await outcomes("ada"), await outcomes("eve")
    assert known == unknown
    assert known[:3] == ["Invalid credentials"] * 3
    assert known[3].startswith("Too many failed logins")


async def test_each_failure_after_the_free_ones_doubles_the_wait(house: House) -> None:
    await house.add_user("ada")
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")
    waits: list[int] = []
    for _ in range(12):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")
        with pytest.raises(TooManyRequests) as refused:
            await house.accounts.login("ada", "wrong")
        waits.append(refused.value.details["retry_after_s"])
        house.clock.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_failures_of_long_ago_are_forgotten(house: House) -> None:
    await house.add_user("ada")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")
    house.clock.advance(3600)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")
    assert await house.accounts.login("ada", PASSWORD)


async def test_while_held_back_even_the_right_password_is_refused_and_later_it_clears_the_count(house: House) -> None:
    await house.add_user("ada")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")
    with pytest.raises(TooManyRequests):
        await house.accounts.login("ada", PASSWORD)
    house.clock.advance(1)
    await house.accounts.login("ada", PASSWORD)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await house.accounts.login("ada", "wrong")


async def test_guesses_at_the_same_time_gain_nothing(house: House) -> None:
    await house.add_user("ada")
    guesses = [house.accounts.login("ada", f"guess {n}") for n in range(20)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, Unauthenticated) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 17


async def test_an_address_that_tries_many_names_is_held_back_and_others_are_not(house: House) -> None:
    await house.add_user("ada")
    for n in range(12):
        with pytest.raises(Unauthenticated):
            await house.accounts.login(f"name{n}", "wrong", address="10.9.9.9")
    with pytest.raises(TooManyRequests):
        await house.accounts.login("ada", PASSWORD, address="10.9.9.9")
    assert await house.accounts.login("ada", PASSWORD, address="10.0.0.2")


async def test_a_flood_of_logins_is_answered_with_later(house: House) -> None:
    logins = [house.accounts.login(f"name{n}", "wrong") for n in range(80)]
    outcomes = await asyncio.gather(*logins, return_exceptions=True)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds <= {Unauthenticated, Unavailable}
    assert Unauthenticated in kinds


async def test_a_hash_of_older_parameters_is_renewed_at_the_next_login(house: House) -> None:
    user = await house.add_user("ada")
    older = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    assert user.user_id is not None
    user_id = user.user_id
    await house.db.write(lambda tx: store.update_user(tx.conn, user_id, password_hash=older))
    token = await house.accounts.login("ada", PASSWORD)
    found = await house.db.read(store.credentials, "ada")
    assert found is not None
    assert "m=8,t=1" in found[1]
    assert (await house.accounts.authenticate(token)).username == "ada"


async def test_a_token_ends_with_its_lifetime(house: House) -> None:
    await house.add_user("ada")
    token = await house.accounts.login("ada", PASSWORD)
    house.clock.advance(21_598)
    assert (await house.accounts.authenticate(token)).username == "ada"
    house.clock.advance(2)
    with pytest.raises(Unauthenticated, match="expired"):
        await house.accounts.authenticate(token)


async def test_a_token_has_the_documented_claims(house: House) -> None:
    user = await house.add_user("ada")
    token = await house.accounts.login("ada", PASSWORD)
    decoded = jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert decoded.claims["sub"] == user.user_id
    assert decoded.claims["iat"] == int(NOW)
    assert decoded.claims["exp"] == int(NOW) + 21_600
    assert uuid.UUID(decoded.claims["jti"])


async def test_changing_the_password_voids_all_tokens_from_before(house: House) -> None:
    ada = await house.add_user("ada")
    before = await house.accounts.login("ada", PASSWORD)
    await house.accounts.authenticate(before)
    after = await house.accounts.change_password(ada, PASSWORD, "another password")
    with pytest.raises(Unauthenticated, match="password was changed"):
        await house.accounts.authenticate(before)
    assert (await house.accounts.authenticate(after)).username == "ada"
    with pytest.raises(Unauthenticated):
        await house.accounts.login("ada", PASSWORD)


async def test_a_password_is_changed_only_by_who_knows_the_old_one(house: House) -> None:
    ada = await house.add_user("ada")
    for _ in range(3):
        with pytest.raises(Forbidden, match="old_password is wrong"):
            await house.accounts.change_password(ada, "guess", "another password")
    with pytest.raises(TooManyRequests):
        await house.accounts.change_password(ada, PASSWORD, "another password")


async def test_disabling_an_account_ends_its_tokens_and_keys_at_once(house: House) -> None:
    ada = await house.add_user("ada")
    token, key = await house.accounts.login("ada", PASSWORD), await house.key_of(ada)
    await house.accounts.authenticate(token)
    await house.accounts.authenticate(key)
    await house.accounts.change_user(ROOT, "ada", disabled=True)
    for credential in (token, key):
        with pytest.raises(Unauthenticated, match="disabled"):
            await house.accounts.authenticate(credential)
    with pytest.raises(Unauthenticated, match="Invalid credentials"):
        await house.accounts.login("ada", PASSWORD)
    await house.accounts.change_user(ROOT, "ada", disabled=False)
    assert await house.accounts.login("ada", PASSWORD)


async def test_a_change_of_role_takes_effect_at_once(house: House) -> None:
    key = await house.add_key("ada")
    assert (await house.accounts.authenticate(key)).role is Role.MEMBER
    await house.accounts.change_user(ROOT, "ada", role=Role.VIEWER)
    assert (await house.accounts.authenticate(key)).role is Role.VIEWER


async def test_a_change_by_another_server_takes_effect_within_seconds(house: House) -> None:
    key = await house.add_key("ada")
    await house.accounts.authenticate(key)
    await house.open_accounts().change_user(ROOT, "ada", role=Role.VIEWER)
    house.clock.advance(5)
    assert (await house.accounts.authenticate(key)).role is Role.VIEWER


async def test_the_last_administrator_stays(house: House) -> None:
    await house.add_user("ada", Role.ADMIN)
    with pytest.raises(Conflict, match="last administrator"):
        await house.accounts.change_user(ROOT, "ada", role=Role.MEMBER)
    with pytest.raises(Conflict, match="last administrator"):
        await house.accounts.change_user(ROOT, "ada", disabled=True)
    await house.add_user("bob", Role.ADMIN)
    assert (await house.accounts.change_user(ROOT, "ada", role=Role.MEMBER)).role is Role.MEMBER
    with pytest.raises(Conflict):
        await house.accounts.change_user(ROOT, "bob", disabled=True)


async def test_signing_up_follows_the_settings(house: House) -> None:
    new = NewUser(username="ada", password=PASSWORD, role=Role.ADMIN)
    with pytest.raises(Forbidden, match="sign-up is disabled"):
        await house.accounts.sign_up(new)
    house.settings.allow_sign_up = True
    house.settings.allowed_usernames = ["bob"]
    with pytest.raises(Forbidden, match="this name"):
        await house.accounts.sign_up(new)
    house.settings.allowed_usernames = ["ada"]
    assert (await house.accounts.sign_up(new)).role is Role.MEMBER
    with pytest.raises(Conflict, match="User already exists"):
        await house.accounts.sign_up(new)


async def test_one_name_makes_one_account_also_when_asked_twice_at_once(house: House) -> None:
    new = NewUser(username="ada", password=PASSWORD)
    outcomes = await asyncio.gather(*(house.accounts.create_user(ROOT, new) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3


@pytest.mark.parametrize(
    "username",
    ["", "a", "a b", "-ada", "a" * 65, "ada\n", "ädä", "../x", "a:b", "00000000-0000-4000-8000-00000000000a"],
)
async def test_names_that_could_mislead_are_refused(house: House, username: str) -> None:
    with pytest.raises(InvalidInput):
        await house.accounts.create_user(ROOT, NewUser(username=username, password=PASSWORD))
    with pytest.raises(Unauthenticated):
        await house.accounts.login(username, PASSWORD)


async def test_people_look_at_their_own_account_and_administrators_at_any(house: House) -> None:
    ada, bob = await house.add_user("ada"), await house.add_user("bob", Role.ADMIN)
    assert ada.user_id is not None
    assert (await house.accounts.find_user(ada, ada.user_id)).username == "ada"
    assert (await house.accounts.find_user(bob, "ada")).id == ada.user_id
    for ref in ("bob", str(uuid.uuid4()), "nobody"):
        with pytest.raises(Forbidden):
            await house.accounts.find_user(ada, ref)
    with pytest.raises(NotFound):
        await house.accounts.find_user(bob, "nobody")


async def test_the_history_tells_every_change_and_no_secret(house: House) -> None:
    ada = await house.add_user("ada")
    key = await house.key_of(ada)
    await house.accounts.change_user(ROOT, "ada", password="a new password", role=Role.VIEWER)
    await house.accounts.change_password(ada, "a new password", "yet another one")
    keys = await house.accounts.keys.list(ada)
    await house.accounts.keys.delete(ada, keys[0].id)
    events = await history(house)
    assert [(event.kind, event.actor) for event in events] == [
        (EventKind.USER_CREATED, "user:root"),
        (EventKind.KEY_CREATED, "user:ada"),
        (EventKind.USER_CHANGED, "user:root"),
        (EventKind.USER_CHANGED, "user:ada"),
        (EventKind.KEY_DELETED, "user:ada"),
    ]
    assert {event.user_id for event in events} == {ada.user_id}
    assert events[2].data["changed"] == ["password", "role"]
    told = str(events)
    for secret in (PASSWORD, "a new password", "yet another one", key, "argon2"):
        assert secret not in told


def test_a_secret_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 32 bytes"):
        Tokens(b"short", 60)


def test_tokens_of_another_secret_algorithm_or_shape_are_refused() -> None:
    tokens, user = Tokens(SECRET, 60), UserId(str(uuid.uuid4()))
    key = OctKey.import_key(SECRET)
    good = tokens.issue(user, "hash", NOW)
    assert tokens.read(good, NOW).user_id == user
    claims = {"sub": user, "exp": int(NOW) + 60}
    header, _, signature = good.split(".")
    bad = [
        Tokens(b"y" * 64, 60).issue(user, "hash", NOW),
        jwt.encode({"alg": "HS512"}, claims, key, algorithms=["HS512"]),
        jwt.encode({"alg": "HS256"}, {**claims, "exp": "never"}, key),
        jwt.encode({"alg": "HS256"}, {"exp": int(NOW) + 60}, key),
        jwt.encode({"alg": "HS256"}, {**claims, "sub": "ada"}, key),
        "eyJhbGciOiJub25lIn0." + good.split(".")[1] + ".",
        f"{header}.e30.{signature}",
    ]
    for token in bad:
        with pytest.raises(Unauthenticated):
            tokens.read(token, NOW)


@given(st.text(max_size=80))
def test_any_text_is_refused_as_a_token_without_a_fault(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Tokens(SECRET, 60).read(text, NOW)


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_the_wait_never_shrinks_with_failures_and_has_an_end(failures: int, free: int) -> None:
    assert 0 <= wait_after(failures, free) <= wait_after(failures + 1, free) <= MAX_WAIT_S
    assert wait_after(free - 1, free) == 0


def test_a_throttle_forgets_the_oldest_names_first_and_old_failures() -> None:
    throttle = Throttle(1, capacity=2)
    for name in ("a", "b", "c"):
        throttle.begin(name, 0)
    assert throttle.wait_s("a", 0) == 0
    assert throttle.wait_s("c", 0) == 1
    throttle.begin("c", 4000)
    assert throttle.wait_s("c", 4000) == 1
    throttle.forgive("c")
    assert throttle.wait_s("c", 4000) == 0


def test_nobody_owns_a_thing_without_an_owner(house: House) -> None:
    member = Principal(kind=ROOT.kind, user_id=UserId("u"), username="u", role=Role.MEMBER)
    assert member.may_change(UserId("u"))
    assert not member.may_change(None)
    assert not member.may_change(UserId("v"))
    assert ROOT.may_change(None)
