"""How a credential travels, and what is said of one that is missing or not valid."""

from __future__ import annotations

import pytest

from lilac.api.auth import credential_of
from lilac.model.accounts import Role
from lilac.model.errors import Unauthenticated
from tests.unit.api.house import PASSWORD, House


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(house: House, scheme: str) -> None:
    key = await house.add_key("ada")
    async with house.client() as client:
        reply = await client.get("/account/details", headers={"Authorization": f"{scheme} {key}"})
    assert reply.status_code == 200


async def test_a_key_may_come_in_its_own_header(house: House) -> None:
    key = await house.add_key("ada")
    async with house.client() as client:
        reply = await client.get("/account/details", headers={"X-API-Key": key})
    assert reply.json()["username"] == "ada"


async def test_a_login_token_is_good_wherever_a_key_is(house: House) -> None:
    await house.add_user("ada", Role.ADMIN)
    async with house.client() as client:
        token = (await client.post("/auth/login", json={"username": "ada", "password": PASSWORD})).json()
        headers = {"Authorization": f"{token['token_type']} {token['access_token']}"}
        assert (await client.get("/clusters", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "begins"),
    [
        ({}, "Missing Authorization header"),
        ({"Authorization": "Basic YTpi"}, "Missing Authorization header"),
        ({"Authorization": "Bearer"}, "Missing Authorization header"),
        ({"Authorization": "Bearer not.a.token"}, "Invalid token"),
        ({"Authorization": "Bearer \xe9\xe8"}, "Invalid token"),
        ({"X-API-Key": "lilac_sk_" + "a" * 32}, "API key not found"),
    ],
)
async def test_what_is_not_valid_is_401_with_the_reason(house: House, headers: dict[str, str], begins: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with house.client() as client:
        reply = await client.get("/queues", headers=raw)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json()["code"] == "unauthenticated"
    assert reply.json()["error"].startswith(begins)


def test_authorization_wins_over_the_other_header() -> None:
    scope = {"headers": [(b"x-api-key", b"one"), (b"authorization", b"Bearer two")]}
    assert credential_of(scope) == "two"


def test_an_empty_key_is_no_credential() -> None:
    with pytest.raises(Unauthenticated):
        credential_of({"headers": [(b"x-api-key", b"  ")]})
