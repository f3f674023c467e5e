"""A browser's sign-in: cookies that scripts cannot read, good for the server's own pages only, over when it ends."""

from __future__ import annotations

from contextlib import suppress
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest

from lilac.api.cookies import cookie
from lilac.model.accounts import KeyScope, Role
from lilac.store import web_sessions as store
from lilac.store.tables import web_sessions
from tests.unit.api.house import PASSWORD, House

OWN = {"X-Requested-With": "lilac"}
OTHER_PASSWORD = "another horse"


async def sign_in(client: httpx2.AsyncClient, username: str = "ada", *, root: str = "") -> httpx2.Response:
    body = {"username": username, "password": PASSWORD}
    return await client.post(f"{root}/auth/session", json=body, headers=OWN)


def morsels(reply: httpx2.Response) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for line in reply.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


@pytest.mark.parametrize(("scheme", "secure"), [("http", ""), ("https", True)])
@pytest.mark.parametrize("root", ["", "/api"])
async def test_signing_in_sets_two_cookies_that_scripts_and_other_sites_do_not_get(
    house: House, scheme: str, secure: bool, root: str
) -> None:
    ada = await house.add_user("ada")
    async with house.client() as client:
        client.base_url = httpx2.URL(f"{scheme}://lilac.test")
        reply = await sign_in(client, root=root)
    assert reply.status_code == 200
    assert reply.json() == {
        "user_id": ada.user_id,
        "username": "ada",
        "first_name": None,
        "last_name": None,
        "role": "member",
        "scope": "admin",
        "expires_at": "2025-11-24T16:15:00Z",
        "session_ends_at": "2025-12-08T16:00:00.123456Z",
    }
    set_ones = morsels(reply)
    assert {name: (m["path"], m["max-age"]) for name, m in set_ones.items()} == {
        "lilac_session": ("/", "900"),
        "lilac_refresh": (f"{root}/auth/session", str(14 * 86_400)),
    }
    for morsel in set_ones.values():
        assert (morsel["httponly"], morsel["samesite"], morsel["secure"]) == (True, "strict", secure)
        assert morsel.value not in reply.text


async def test_a_signed_in_browser_may_what_its_person_may(house: House) -> None:
    await house.add_user("ada", Role.ADMIN)
    async with house.client() as client:
        await sign_in(client)
        assert (await client.get("/users")).status_code == 200
        who = (await client.get("/auth/session")).json()
        assert (who["username"], who["role"], who["scope"]) == ("ada", "admin", "admin")
        assert who["session_ends_at"] == "2025-12-08T16:00:00.123456Z"
        made = await client.post("/clusters", json={"cluster_name": "east"}, headers=OWN)
        assert made.status_code == 200


async def test_who_is_not_signed_in_is_told_so(house: House) -> None:
    async with house.client() as client:
        assert (await client.get("/auth/session")).status_code == 401
        reply = await client.post("/auth/session/refresh", headers=OWN)
        assert reply.status_code == 401
        assert reply.json()["error"] == "There is no session to renew: sign in."


async def test_wrong_passwords_are_held_back_as_for_other_logins(house: House) -> None:
    await house.add_user("ada")
    body = {"username": "ada", "password": "wrong"}
    async with house.client() as client:
        said = [(await client.post("/auth/session", json=body, headers=OWN)).status_code for _ in range(2)]
        said += [(await client.post("/auth/login", json=body)).status_code]
        refused = await sign_in(client)
    assert said == [401, 401, 401]
    assert refused.status_code == 429
    assert "set-cookie" not in refused.headers


PAGES = [
    # from where, a call that changes something, one that does not
    ({}, False, True),
    ({"X-Requested-With": "lilac"}, True, True),
    ({"X-Requested-With": "XMLHttpRequest"}, False, True),
    ({"Origin": "http://lilac.test"}, True, True),
    ({"Origin": "https://LILAC.test:443"}, True, True),  # a proxy has taken the TLS off
    ({"Origin": "http://lilac.test:80"}, True, True),
    ({"Origin": "http://lilac.test:81"}, False, False),
    ({"Origin": "http://evil.test"}, False, False),
    ({"Origin": "http://lilac.test.evil.test"}, False, False),
    ({"Origin": "null"}, False, False),
    ({"Origin": "http://["}, False, False),
    ({"Sec-Fetch-Site": "same-origin"}, True, True),
    ({"Sec-Fetch-Site": "none"}, False, True),
    ({"Sec-Fetch-Site": "same-site"}, False, False),
    ({"Sec-Fetch-Site": "cross-site"}, False, False),
    ({"Sec-Fetch-Site": "cross-site", "X-Requested-With": "lilac", "Origin": "http://lilac.test"}, False, False),
]


@pytest.mark.parametrize(("headers", "may_change", "may_read"), PAGES)
async def test_cookies_count_for_the_servers_own_pages_only(
    house: House, headers: dict[str, str], may_change: bool, may_read: bool
) -> None:
    await house.add_user("ada", Role.ADMIN)
    async with house.client() as client:
        client.base_url = httpx2.URL("http://lilac.test")
        await sign_in(client)
        read = await client.get("/clusters", headers=headers)
        changed = await client.post("/clusters", json={"cluster_name": "east"}, headers=headers)
        bare = await client.post("/auth/session/refresh", headers=headers)
        again = await client.post("/auth/session", json={"username": "ada", "password": PASSWORD}, headers=headers)
        out = await client.delete("/auth/session", headers=headers)
    assert read.status_code == (200 if may_read else 403)
    expected = 200 if may_change else 403
    assert [reply.status_code for reply in (changed, bare, again, out)] == [expected] * 4
    if not may_change:
        assert changed.json()["code"] == "forbidden"
        assert "pages of this server only" in changed.json()["error"]
        assert "set-cookie" not in again.headers


async def test_the_authorization_header_outweighs_the_cookie(house: House) -> None:
    await house.add_user("ada")
    key = await house.add_key("eve")
    async with house.client() as client:
        await sign_in(client)
        foreign = {"Sec-Fetch-Site": "cross-site"}
        for header in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
            who = await client.get("/account/details", headers={**header, **foreign})
            assert who.json()["username"] == "eve"
        wrong = await client.get("/account/details", headers={"Authorization": "Bearer lilac_sk_no"})
        assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("origin", "admitted"), [(None, False), ("http://lilac.test", True), ("http://evil.test", False)]
)
async def test_a_websocket_is_opened_by_the_servers_own_pages_only(
    house: House, origin: str | None, admitted: bool
) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        await sign_in(client)
        jar = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = [(b"host", b"lilac.test"), (b"cookie", jar.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/training_jobs/x/exec",
        "raw_path": b"/training_jobs/x/exec",
        "query_string": b"",
        "headers": headers,
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    with suppress(AttributeError):  # let in: the stand-in has no jobs
        await house.app(scope, receive, send)
    assert [message["status"] for message in sent[:1]] == ([] if admitted else [403])


async def test_a_session_is_renewed_after_its_login_token_has_expired(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        first = morsels(await sign_in(client))
        house.clock.advance(901)
        assert (await client.get("/auth/session")).status_code == 401
        reply = await client.post("/auth/session/refresh", headers=OWN)
        assert (reply.status_code, reply.json()["username"]) == (200, "ada")
        second = morsels(reply)
        assert second["lilac_refresh"].value == first["lilac_refresh"].value
        assert second["lilac_session"].value != first["lilac_session"].value
        assert reply.json()["session_ends_at"] == "2025-12-08T16:15:01.123456Z"
        assert (await client.get("/auth/session")).status_code == 200


async def test_a_session_that_was_away_for_too_long_is_over_and_its_cookies_go(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        await sign_in(client)
        house.clock.advance(13 * 86_400)
        assert (await client.post("/auth/session/refresh", headers=OWN)).status_code == 200
        house.clock.advance(14 * 86_400)
        reply = await client.post("/auth/session/refresh", headers=OWN)
        assert reply.status_code == 401
        assert {m["max-age"] for m in morsels(reply).values()} == {"0"}
        assert not list(client.cookies)


async def test_signing_out_ends_the_session_also_for_whoever_has_copied_its_cookies(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client, house.client() as thief:
        stolen = {name: m.value for name, m in morsels(await sign_in(client)).items()}
        copied = {**OWN, "Cookie": "; ".join(f"{name}={value}" for name, value in stolen.items())}
        bearer = {"Authorization": f"Bearer {stolen['lilac_session']}"}
        assert (await thief.get("/auth/session", headers=copied)).status_code == 200
        reply = await client.delete("/auth/session", headers=OWN)
        assert (reply.status_code, reply.content) == (200, b"")
        assert not list(client.cookies)
        assert (await thief.get("/auth/session", headers=copied)).status_code == 401
        assert (await thief.get("/auth/session", headers=bearer)).status_code == 401
        assert (await thief.post("/auth/session/refresh", headers=copied)).status_code == 401
        assert (await client.delete("/auth/session", headers=OWN)).status_code == 200


async def test_other_sessions_outlive_a_sign_out(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as one, house.client() as other:
        await sign_in(one)
        await sign_in(other)
        await one.delete("/auth/session", headers=OWN)
        house.clock.advance(901)
        assert (await other.post("/auth/session/refresh", headers=OWN)).status_code == 200


@pytest.mark.parametrize("root", ["", "/api"])
async def test_a_changed_password_ends_every_session_but_the_one_that_changed_it(house: House, root: str) -> None:
    await house.add_user("ada")
    async with house.client() as one, house.client() as other:
        before = morsels(await sign_in(one, root=root))
        await sign_in(other, root=root)
        body = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
        reply = await one.post(f"{root}/account/password", json=body, headers=OWN)
        assert reply.status_code == 200
        assert morsels(reply)["lilac_refresh"].value != before["lilac_refresh"].value
        assert (await one.get(f"{root}/auth/session")).status_code == 200
        assert (await one.post(f"{root}/auth/session/refresh", headers=OWN)).status_code == 200
        assert (await other.get(f"{root}/auth/session")).status_code == 401
        refused = await other.post(f"{root}/auth/session/refresh", headers=OWN)
        assert (refused.status_code, refused.json()["error"]) == (
            401,
            "Invalid session: the password was changed since; sign in again.",
        )
        old = {**OWN, "Cookie": f"lilac_refresh={before['lilac_refresh'].value}"}
        async with house.client() as thief:
            assert (await thief.post("/auth/session/refresh", headers=old)).status_code == 401


async def test_a_password_changed_by_key_sets_no_cookies(house: House) -> None:
    ada = await house.add_user("ada")
    async with house.client(await house.key_of(ada)) as client:
        body = {"old_password": PASSWORD, "new_password": OTHER_PASSWORD}
        reply = await client.post("/account/password", json=body)
    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers


async def test_disabled_and_deleted_accounts_have_no_sessions(house: House, admin: httpx2.AsyncClient) -> None:
    await house.add_user("eve")
    async with house.client() as client:
        await sign_in(client, "eve")
        await admin.patch("/users/eve", json={"disabled": True})
        assert (await client.get("/auth/session")).status_code == 401
        refused = await client.post("/auth/session/refresh", headers=OWN)
        assert (refused.status_code, refused.json()["error"][:24]) == (401, "The account eve is disab")
    await admin.patch("/users/eve", json={"disabled": False})
    async with house.client() as client:
        await sign_in(client, "eve")
        assert (await admin.delete("/users/eve")).status_code == 200
        assert (await client.get("/auth/session")).status_code == 401
        assert (await client.post("/auth/session/refresh", headers=OWN)).status_code == 401
    assert await _count(house) == 0


async def test_sessions_that_ended_are_forgotten_at_the_next_sign_in(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        await sign_in(client)
        await sign_in(client)
        assert await _count(house) == 2
        house.clock.advance(15 * 86_400)
        await sign_in(client)
    assert await _count(house) == 1


async def test_what_is_stored_of_a_session_renews_nothing(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        secret = morsels(await sign_in(client))["lilac_refresh"].value
    rows = await house.db.read(lambda conn: [tuple(row) for row in conn.execute(web_sessions.select())])
    assert secret not in str(rows)
    assert await house.db.read(store.find_session, secret) is None


async def test_keys_tell_their_scope_and_end_by_the_same_route(house: House) -> None:
    ada = await house.add_user("ada")
    ends = house.clock.now + 60
    key = await house.accounts.keys.create(ada, scope=KeyScope.READ, expires_at=ends)
    async with house.client(key.text) as client:
        who = (await client.get("/auth/session")).json()
    assert (who["scope"], who["expires_at"], who["session_ends_at"]) == ("read", "2025-11-24T16:01:00.123456Z", None)


async def test_the_policy_tells_strangers_how_to_begin(house: House, nobody: httpx2.AsyncClient) -> None:
    await house.accounts.bootstrap(PASSWORD)
    told = (await nobody.get("/api/auth/policy")).json()
    assert told["first_run"] is True
    assert "lilac server password admin" in told.pop("hint")
    assert told == {
        "sign_up": False,
        "sign_up_names": False,
        "first_run": True,
        "first_administrator": "admin",
        "password_min_length": 8,
        "password_max_length": 1024,
    }
    await house.add_user("ada")
    house.settings.allow_sign_up, house.settings.allowed_usernames = True, ["eve"]
    told = (await nobody.get("/auth/policy")).json()
    assert (told["first_run"], told["hint"], told["sign_up"], told["sign_up_names"]) == (False, None, True, True)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"a=b; lilac_session=tok.en-1; c=d", "tok.en-1"),
        (b"lilac_session=", None),
        (b"xlilac_session=1", None),
        (b"lilac_session", None),
        (b"\xff\xfe=;;;lilac_session", None),
    ],
)
def test_a_cookie_is_found_among_others(header: bytes, value: str | None) -> None:
    assert cookie({"headers": [(b"cookie", header)]}, "lilac_session") == value


async def _count(house: House) -> int:
    return await house.db.read(lambda conn: len(conn.execute(web_sessions.select()).all()))
