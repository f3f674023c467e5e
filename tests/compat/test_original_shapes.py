"""Programs written for the original API: its flows, shapes and error bodies, at the root and under /api.

Sections 1.4 to 1.7 of the wire contract. Objects may have more keys than the original's, never fewer; what the
original serves without a credential wants one here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from lilac.model.accounts import Role
from tests.unit.api.house import PASSWORD, House

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@pytest.fixture(params=["", "/api"])
async def web(request: pytest.FixtureRequest, house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """The original's web pages: signed in as an administrator, by the flow that they use."""
    await house.add_user("ada", Role.ADMIN)
    async with house.client() as client:
        client.base_url = httpx2.URL(f"http://lilac.test{request.param}/")
        token = (await client.post("auth/login", json={"username": "ada", "password": PASSWORD})).json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        yield client


async def test_login_answers_with_a_bearer_token(house: House) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        reply = await client.post("/auth/login", json={"username": "ada", "password": PASSWORD, "remember": True})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json()) == {"access_token", "token_type"}
    assert reply.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("username", ["ada", "nobody"])
async def test_a_failed_login_says_invalid_credentials(house: House, username: str) -> None:
    await house.add_user("ada")
    async with house.client() as client:
        reply = await client.post("/auth/login", json={"username": username, "password": "wrong"})
    assert reply.status_code == 401
    assert reply.json()["error"] == "Invalid credentials"


async def test_signing_up_gives_an_id_a_conflict_or_forbidden(house: House) -> None:
    body: dict[str, Any] = {"username": "bob", "password": PASSWORD, "first_name": None}
    async with house.client() as client:
        refused = await client.post("/auth/signup", json=body)
        assert refused.status_code == 403
        assert refused.json()["error"].startswith("Forbidden")
        house.settings.allow_sign_up = True
        made = await client.post("/auth/signup", json=body)
        assert (made.status_code, set(made.json())) == (200, {"user_id"})
        assert uuid.UUID(made.json()["user_id"]).version == 4
        again = await client.post("/auth/signup", json=body)
        assert (again.status_code, again.json()["error"]) == (409, "User already exists")


async def test_logging_out_leads_to_the_start_page(web: httpx2.AsyncClient) -> None:
    reply = await web.get("auth/logout")
    assert (reply.status_code, reply.headers["location"]) == (303, "/")


async def test_the_own_account_has_all_keys(web: httpx2.AsyncClient) -> None:
    details = (await web.get("account/details?")).json()
    assert details == {
        "user_id": details["user_id"],
        "username": "ada",
        "first_name": None,
        "last_name": None,
        "role": "admin",
        "scope": "admin",
    }
    del details["scope"]  # of the login, not of the account
    same = (await web.get(f"users/{details['user_id']}")).json()
    assert {key: same[key] for key in details} == details


async def test_another_account_is_forbidden(house: House) -> None:
    other = await house.add_user("bob")
    async with house.client(await house.add_key("carl")) as client:
        assert (await client.get(f"/users/{other.user_id}")).status_code == 403
        assert (await client.get(f"/users/{uuid.uuid4()}")).status_code == 403


async def test_keys_are_made_shown_once_listed_bare_and_deleted(web: httpx2.AsyncClient) -> None:
    made = await web.post("account/api-keys", json={})
    assert made.status_code == 200
    assert made.headers["content-type"] == "application/json"
    assert set(made.json()) >= {"id", "prefix", "key", "created_at"}
    assert re.fullmatch(r"lilac_sk_[a-zA-Z0-9]{32}", made.json()["key"])
    listed = (await web.get("account/api-keys")).json()
    assert isinstance(listed, list)
    assert set(listed[0]) >= {"id", "prefix", "created_at", "last_used_at", "expires_at"}
    assert (listed[0]["last_used_at"], listed[0]["expires_at"]) == (None, None)
    assert TIME.fullmatch(listed[0]["created_at"])
    gone = await web.delete(f"account/api-keys/{made.json()['id']}")
    assert (gone.status_code, gone.content, gone.headers["content-length"]) == (200, b"", "0")
    again = await web.delete(f"account/api-keys/{made.json()['id']}")
    assert again.status_code == 403


@pytest.mark.parametrize(
    ("content", "kind"), [(b"", ""), (b"{}", "application/json"), (b"anything", "text/plain"), (b"[]", "")]
)
async def test_the_body_of_a_key_request_may_be_anything(house: House, content: bytes, kind: str) -> None:
    async with house.client(await house.add_key("ada", Role.ADMIN)) as client:
        headers = {"content-type": kind} if kind else {}
        reply = await client.post("/account/api-keys", content=content, headers=headers)
    assert reply.status_code == 200


async def test_a_key_request_may_have_a_name_and_an_expiry(web: httpx2.AsyncClient) -> None:
    made = await web.post("account/api-keys", json={"name": "laptop", "expires_at": "2036-01-01T00:00:00Z"})
    assert (made.json()["name"], made.json()["expires_at"]) == ("laptop", "2036-01-01T00:00:00Z")
    for wrong in ({"expires_at": "tomorrow"}, {"expires_at": "2006-01-01T00:00:00Z"}, {"name": 5}):
        reply = await web.post("account/api-keys", json=wrong)
        assert (reply.status_code, reply.json()["field"]) == (422, next(iter(wrong)))


async def test_clusters_are_made_listed_and_shown(web: httpx2.AsyncClient) -> None:
    made = await web.post("clusters", json={"cluster_name": "east"})
    assert (made.status_code, set(made.json())) == (200, {"cluster_id"})
    cluster = made.json()["cluster_id"]
    shown = (await web.get(f"clusters/{cluster}")).json()
    assert shown == {"cluster_id": cluster, "cluster_name": "east", "cluster_description": None}
    assert (await web.get("clusters")).json() == {
        "clusters": [{**shown, "total_nodes": 0, "busy_nodes": 0, "total_running_jobs": 0}]
    }
    info = (await web.get(f"clusters/{cluster}/info")).json()
    assert TIME.fullmatch(info.pop("created_at"))
    assert TIME.fullmatch(info.pop("updated_at"))
    assert info == {
        **shown,
        "total_nodes": 0,
        "busy_nodes": 0,
        "memory_info": {"total_memory_mb": 0, "used_memory_mb": 0},
        "cpu_info": {"total_millicores": 0, "used_millicores": 0},
        "gpu_info": {"total_gpus": 0, "used_gpus": 0},
        "job_info": {"total_running_jobs": 0},
    }
    assert (await web.get(f"clusters/{cluster}/nodes")).json() == {"cluster_nodes": []}
    assert (await web.get(f"clusters/{cluster}/jobs")).json() == {"cluster_jobs": []}
    gone = await web.delete(f"clusters/{cluster}")
    assert (gone.status_code, gone.content) == (200, b"")


async def test_an_unknown_cluster_is_not_found(web: httpx2.AsyncClient) -> None:
    for path in (f"clusters/{uuid.uuid4()}", f"clusters/{uuid.uuid4()}/info"):
        reply = await web.get(path)
        assert reply.status_code == 404
        assert reply.json()["error"].startswith("Cluster not found")


async def test_keys_of_a_cluster(web: httpx2.AsyncClient) -> None:
    cluster = (await web.post("clusters", json={"cluster_name": "east"})).json()["cluster_id"]
    made = (await web.post(f"clusters/{cluster}/api-keys", json={})).json()
    assert made["prefix"] == made["key"][:15]
    listed = (await web.get(f"clusters/{cluster}/api-keys")).json()
    assert set(listed[0]) >= {"id", "cluster_id", "prefix", "created_at", "last_used_at", "expires_at"}
    assert listed[0]["cluster_id"] == cluster
    gone = await web.delete(f"clusters/{cluster}/api-keys/{made['id']}")
    assert (gone.status_code, gone.content) == (200, b"")
    assert (await web.delete(f"clusters/{cluster}/api-keys/{made['id']}")).status_code == 404
    assert (await web.post(f"clusters/{uuid.uuid4()}/api-keys", json={})).status_code == 404


async def test_a_node_has_the_original_fields(house: House, web: httpx2.AsyncClient) -> None:
    east = await house.add_cluster()
    with_gpus, without = await house.add_node(east), await house.add_node(east, "cpu-1", gpus=0)
    node = (await web.get(f"nodes/{with_gpus}")).json()
    assert node["id"] == with_gpus
    assert node["cluster_id"] == east
    assert node["node_status"] == "available"
    assert TIME.fullmatch(node["last_heartbeat"])
    assert node["memory_mb"] == 64_000
    assert node["cpu"] == {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 16_000}
    assert node["gpu"] == {"manufacturer": "Nvidia", "model": "NVIDIA H100 80GB HBM3", "count": 2, "memory_mb": 81_559}
    assert (await web.get(f"nodes/{without}")).json()["gpu"] is None
    listed = (await web.get(f"clusters/{east}/nodes")).json()["cluster_nodes"]
    assert {one["id"] for one in listed} == {with_gpus, without}
    assert (await web.get(f"nodes/{uuid.uuid4()}")).status_code == 404


async def test_queues_are_a_bare_list_by_ascending_priority(house: House, web: httpx2.AsyncClient) -> None:
    east, west = await house.add_cluster("east"), await house.add_cluster("west")
    for name, priority in (("later", 7), ("first", -1), ("second", 3)):
        made = await web.post("queues", json={"name": name, "priority": priority, "cluster_targets": [west, east]})
        assert made.status_code == 200
        assert set(made.json()) >= {"id", "name", "priority", "cluster_targets"}
    queues = (await web.get("queues?")).json()
    assert [queue["name"] for queue in queues] == ["first", "second", "later"]
    assert queues[0]["cluster_targets"] == [west, east]
    path = f"queues/{queues[0]['id']}"
    assert (await web.get(path)).json() == queues[0]
    echoed = await web.put(path, json={"name": "renamed", "priority": 2, "cluster_targets": [east]})
    assert (echoed.status_code, echoed.json()["name"], echoed.json()["cluster_targets"]) == (200, "renamed", [east])
    assert (await web.get(f"{path}/jobs")).json() == {"jobs": []}
    gone = await web.delete(path)
    assert (gone.status_code, gone.content) == (200, b"")
    missing = await web.get(path)
    assert missing.status_code == 404
    assert missing.json()["error"].startswith("Queue not found")


async def test_numbers_of_queues_are_whole_and_of_32_bits(web: httpx2.AsyncClient) -> None:
    for priority in (1.5, "1", 2**31, None, True):
        reply = await web.post("queues", json={"name": "q", "priority": priority, "cluster_targets": []})
        assert (reply.status_code, reply.json()["field"]) == (422, "priority")
    assert (
        await web.post("queues", json={"name": "q", "priority": -(2**31), "cluster_targets": []})
    ).status_code == 200


async def test_what_the_original_left_open_wants_a_credential(house: House) -> None:
    async with house.client() as client:
        for method, path in (
            ("GET", "/queues"),
            ("POST", "/queues"),
            ("DELETE", f"/queues/{uuid.uuid4()}"),
            ("PATCH", f"/training_jobs/{uuid.uuid4()}/status"),
            ("POST", f"/training_jobs/{uuid.uuid4()}/logs"),
        ):
            reply = await client.request(method, path, json={})
            assert reply.status_code == 401
            assert reply.json()["error"].startswith("Missing Authorization header")


async def test_no_cookie_is_ever_set(web: httpx2.AsyncClient) -> None:
    for path in ("account/details", "auth/logout", "health"):
        assert "set-cookie" not in (await web.get(path)).headers
