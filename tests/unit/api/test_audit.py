"""The history as an audit: who did what, from where, when; and taking accounts and keys away."""

from __future__ import annotations

from lilac.model.accounts import Role
from tests.unit.api.fixtures import empty_database, house
from tests.unit.api.house import PASSWORD, House

__all__ = ["empty_database", "house"]


async def test_logins_are_in_the_history_good_and_bad_but_no_password_and_no_strangers_name(house: House) -> None:
    ada = await house.add_user("ada")
    boss = await house.add_key("boss", Role.ADMIN)
    async with house.client(address="10.1.2.3") as client:
        await client.post("/auth/login", json={"username": "ada", "password": "wrong horse battery"})
        await client.post("/auth/login", json={"username": "correct-horse", "password": "x"})
        await client.post("/auth/login", json={"username": "ada", "password": PASSWORD})
    async with house.client(boss) as client:
        found = (await client.get("/events", params={"kind": "user.logged_in,user.login_failed"})).json()["events"]
    assert [(e["kind"], e["actor"], e["user_id"], e["data"]["address"]) for e in found] == [
        ("user.login_failed", "system", ada.user_id, "10.1.2.3"),
        ("user.logged_in", "user:ada", ada.user_id, "10.1.2.3"),
    ]
    assert "horse" not in str(found)


async def test_the_history_is_filtered_by_actor_time_and_person(house: House) -> None:
    boss = await house.add_user("boss", Role.ADMIN)
    key = await house.key_of(boss)
    async with house.client(key) as client:
        await client.post("/clusters", json={"cluster_name": "west"})
        house.clock.advance(100)
        await client.post("/clusters", json={"cluster_name": "east"})

        async def kinds(**params: str) -> list[str]:
            return [e["kind"] for e in (await client.get("/events", params=params)).json()["events"]]

        assert await kinds(actor="user:boss") == ["key.created", "cluster.created", "cluster.created"]
        assert await kinds(user_id=str(boss.user_id)) == ["user.created", "key.created"]
        later = (await client.get("/events", params={"actor": "user:boss"})).json()["events"][-1]["at"]
        assert await kinds(actor="user:boss", since=later) == ["cluster.created"]
        assert await kinds(actor="user:boss", until=later) == ["key.created", "cluster.created"]
        reply = await client.get("/events", params={"since": "yesterday"})
    assert (reply.status_code, reply.json()["field"]) == (422, "since")


async def test_an_account_is_deleted_with_its_keys_but_not_the_last_administrator(house: House) -> None:
    key, boss = await house.add_key("ada"), await house.add_key("boss", Role.ADMIN)
    async with house.client(boss) as client:
        refused = await client.delete("/users/boss")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert (await client.delete("/users/ada")).status_code == 200
        assert (await client.get("/users/ada")).status_code == 404
        assert (await client.get("/events", params={"kind": "user.deleted"})).json()["events"][0][
            "actor"
        ] == "user:boss"
    async with house.client(key) as client:
        assert (await client.get("/account/details")).status_code == 401


async def test_an_administrator_sees_and_takes_away_the_keys_of_others(house: House) -> None:
    ada = await house.add_user("ada")
    made, text = await house.accounts.keys.create(ada, name="laptop")
    async with house.client(await house.add_key("boss", Role.ADMIN)) as client:
        listed = (await client.get("/users/ada/api-keys")).json()
        assert [(k["id"], k["name"], k["scope"]) for k in listed] == [(made.id, "laptop", "admin")]
        assert text not in str(listed)
        assert (await client.delete(f"/users/ada/api-keys/{made.id}")).status_code == 200
        assert (await client.delete(f"/users/ada/api-keys/{made.id}")).status_code == 404
    async with house.client(text) as client:
        assert (await client.get("/account/details")).status_code == 401


async def test_names_of_a_person_can_be_changed(house: House) -> None:
    await house.add_user("ada")
    async with house.client(await house.add_key("boss", Role.ADMIN)) as client:
        changed = await client.patch("/users/ada", json={"first_name": "Ada", "last_name": "Lovelace"})
        assert (changed.json()["first_name"], changed.json()["last_name"]) == ("Ada", "Lovelace")
        assert (await client.patch("/users/ada", json={"first_name": "two\nlines"})).status_code == 422
