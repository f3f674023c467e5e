"""Odd, huge, malformed and hostile input, by every route: an error with a sentence, never a 5xx, and nothing broken."""

from __future__ import annotations

import itertools
import json
import random
import re
import uuid
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from lilac.api.rights import RULES
from lilac.control.principals import Principal
from lilac.model.accounts import Role
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import FakeAgent, Stand

ODD_TEXT = (
    "", " ", "%00", "a%00b", "%FF%FE", "%ED%A0%80", "..", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "'; DROP TABLE jobs; --",
    "%F0%9F%92%A9", "x" * 3000, "-1", "0", str(2**31), str(2**63), str(2**64), "9" * 400, "1e999", "nan", "null", "{}",
    "\u0663\u0664", "{" + str(uuid.uuid4()) + "}", "urn:uuid:" + str(uuid.uuid4()), str(uuid.uuid4()),
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**64 - 1, -(2**63), 1.5, 1e300, "", "\0", "a\0b", "x" * 5000,
    "\ud7ff\ufffe", [], [[]], [None], {}, {"": {}}, {"\0": "\0"}, "nan", [{"count": -1}], "\u202e", ["\0"],
)  # fmt: skip
QUERIES = ("limit", "after", "offset", "attempt", "rank", "status", "id", "name", "queue_id", "owner", "kind", "job_id",
           "node_id", "timeout_s", "end", "follow")  # fmt: skip


@pytest.fixture
async def root(stand: Stand, client: Clients) -> httpx2.AsyncClient:
    return await client(await stand.add_user("root2", Role.ADMIN))


@pytest.fixture
async def node(stand: Stand, client: Clients) -> httpx2.AsyncClient:
    someone = Principal(kind=stand.user.kind, username="root", role=Role.ADMIN)
    return await client((await stand.platform.accounts.keys.create_for_cluster(someone, stand.cluster_id)).text)


def sound(reply: httpx2.Response) -> None:
    """A good answer to whatever was asked."""
    where = f"{reply.request.method} {str(reply.request.url)[:200]}: {reply.status_code} {reply.text[:300]}"
    assert reply.status_code < 500, where
    if reply.status_code >= 400:
        body = reply.json()
        assert isinstance(body["error"], str), where
        assert len(body["error"]) > 8, where
        assert isinstance(body["code"], str), where
        assert "Traceback" not in reply.text, where


async def test_odd_paths_and_queries(stand: Stand, root: httpx2.AsyncClient, node: httpx2.AsyncClient) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    known = {"job": job, "job_id": job, "node": agent.node_id, "node_id": agent.node_id, "cluster": "default",
             "queue": "default", "attempt": "1", "rank": "0", "user": "ada"}  # fmt: skip
    for method, template in RULES:
        if template in ("/auth/logout", "/docs/{asset}") or method == "DELETE":
            continue
        names = re.findall(r"{(\w+)}", template)
        for odd, name in itertools.product(ODD_TEXT, names):
            filled = {**{n: known.get(n, "x") for n in names}, name: odd}
            path = template.format(**filled)
            for caller in (root, node):
                sound(await caller.request(method, f"{path}?offset=0&timeout_s=0", json={}))
    filled = {"job": job, "node": agent.node_id, "cluster": "default", "queue": "default", "user": "ada", "asset": "x"}
    for (method, template), odd in itertools.product(RULES, ODD_TEXT):
        if method == "GET" and template.startswith(("/training_jobs", "/events")):
            for name in QUERIES:
                if not (name == "follow" or (template == "/training_jobs/{job}/wait" and odd in ODD_TEXT[-6:])):
                    query = f"{name}={odd}" + ("&timeout_s=0" if template.endswith("/wait") else "")
                    sound(await root.get(f"{template.format(**filled)}?{query}"))
    for name, odd in itertools.product(("offset", "end"), ODD_TEXT):
        path = f"/node/{agent.node_id}/logs/{job}/1/0?{name}={odd}"
        sound(await node.post(path, content=b"x", headers={"content-type": "application/octet-stream"}))
    await stand.check()


async def test_odd_bodies(stand: Stand, root: httpx2.AsyncClient) -> None:
    job = await stand.submit()
    good: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/training_jobs"): {
            "name": "n", "definition": "d", "queue_id": "default", "command": ["a"], "env": {"A": "b"},
            "working_dir": "/", "runtime": "docker", "kind": "batch", "size": {"min": 1, "max": 1}, "priority": 0,
            "time_limit_s": 5, "grace_s": 1, "max_retries": 1, "node_selector": {"a": "b"}, "labels": {"a": "b"},
            "strict": False,
            "resource_requirements": {"cpu_millicores": 1, "memory_mb": 1,
                                      "gpus": {"count": 1, "model": "H100", "memory_gb": 80}},
        },
        ("POST", "/queues"): {"name": "q", "priority": 1, "cluster_targets": ["default"], "paused": False},
        ("POST", "/clusters"): {"cluster_name": "c", "cluster_description": "d"},
        ("POST", "/users"): {"username": "u1", "password": "12345678", "role": "member", "first_name": "a"},
        ("PATCH", "/users/ada"): {"role": "member", "disabled": False, "password": "12345678"},
        ("POST", "/account/api-keys"): {"name": "k", "expires_at": "2100-01-01T00:00:00Z"},
        ("POST", f"/training_jobs/{job}/logs"): {"logs": "x"},
        ("PATCH", f"/training_jobs/{job}/status"): {"status": "running"},
        ("POST", "/auth/login"): {"username": "nobody", "password": "x"},
    }  # fmt: skip
    for (method, path), body in good.items():
        for field, odd in itertools.product(_fields(body), ODD_VALUES):
            if path in ("/users", "/users/ada", "/auth/login") and odd not in ("\0", None, 2**64 - 1, [], "a\0b"):
                continue  # hashing passwords is slow
            sound(await root.request(method, path, content=orjson.dumps(_with(body, field, odd)), headers=JSON))
    await stand.settle()
    await stand.check()


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'"x"', b"1", b"NaN", b'{"name": NaN}', b'{"name": 1e999}', b"\xff\xfe", b'"\\ud800"',
     b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"name": "a", "name": 5}', b"\0", b"\xef\xbb\xbf{}",
     b'{"name": "\xff"}', b"x" * (3 << 20)],
)  # fmt: skip
async def test_bodies_that_are_no_objects(
    stand: Stand, root: httpx2.AsyncClient, node: httpx2.AsyncClient, content: bytes
) -> None:
    for path in ("/training_jobs", "/queues", "/clusters", "/users", "/auth/login", "/account/api-keys"):
        sound(await root.post(path, content=content, headers=JSON))
    sound(await node.post(f"/node/{uuid.uuid4()}/status", content=content, headers=JSON))
    await stand.check()


@pytest.mark.parametrize("original", [False, True])
async def test_odd_reports_of_agents(stand: Stand, node: httpx2.AsyncClient, original: bool) -> None:
    agent = FakeAgent(stand, gpus=2)
    await agent.beat()
    job = await stand.submit(gpus=1)
    await agent.run_until_running()
    body = {**agent.body(), "labels": {"a": "b"}, "agent_version": "1", "replicas": [_replica(job)]}
    body["gpu_info"] = {"manufacturer": "Nvidia", "model": "H100", "count": 1, "memory_mb": 1}
    if original:
        body["job_info"] = {"current_job_id": job, "status": "running"}
        del body["protocol"]
    path = f"/node/{uuid.uuid4() if original else agent.node_id}/status"
    for field, odd in itertools.product(_fields(body), ODD_VALUES):
        if field == ("wait_s",) or field == ("protocol",):
            continue
        reply = await node.post(path, content=orjson.dumps(_with(body, field, odd)), headers=JSON)
        sound(reply)
    await stand.settle()


async def test_the_largest_gang_is_planned_like_any_other(stand: Stand, root: httpx2.AsyncClient) -> None:
    job = await stand.submit(size=10_000, cpu=1, memory=1)
    agent = FakeAgent(stand, cpu=9_999, memory=20_000)
    await agent.beat()
    assert await stand.state(job) == "queued"
    for path in (f"/training_jobs/{job}", f"/training_jobs/{job}/explain"):
        reply = await root.get(path)
        assert reply.status_code == 200


async def test_random_json_everywhere(stand: Stand, root: httpx2.AsyncClient, node: httpx2.AsyncClient) -> None:
    pick = random.Random(7)
    words = ["name", "env", "gpus", "count", "replicas", "job_id", "state", "size", "times", "cpu_info", "memory_info"]

    def value(depth: int) -> Any:
        kind = pick.randrange(8 if depth < 3 else 6)
        if kind < 6:
            return pick.choice(ODD_VALUES)
        if kind == 6:
            return [value(depth + 1) for _ in range(pick.randrange(3))]
        return {pick.choice(words): value(depth + 1) for _ in range(pick.randrange(4))}

    for _ in range(150):
        content = orjson.dumps({"protocol": 1, **{pick.choice(words): value(0) for _ in range(4)}})
        sound(await node.post(f"/node/{uuid.uuid4()}/status", content=content, headers=JSON))
        sound(await root.post("/training_jobs", content=content, headers=JSON))
    await stand.check()


async def test_secrets_are_in_no_log_and_in_no_history(
    stand: Stand, client: Clients, root: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    password, secret = "a-very-secret-password", "a-very-secret-value"
    await root.post("/users", json={"username": "carl", "password": password})
    token = (await root.post("/auth/login", json={"username": "carl", "password": password})).json()["access_token"]
    carl = await client(token)
    key = (await carl.post("/account/api-keys", json={})).json()["key"]
    body = {"name": "n", "definition": "d", "queue_id": "default", "env": {"TOKEN": secret},
            "resource_requirements": {"cpu_millicores": 1, "memory_mb": 1}}  # fmt: skip
    assert (await carl.post("/training_jobs", json=body)).status_code == 201
    for wrong in (
        {**body, "env": {"TOKEN": 5, "OTHER": secret}},
        {**body, "env": secret},
        {**body, "env": {secret: 5}},
    ):
        reply = await carl.post("/training_jobs", json=wrong)
        assert reply.status_code == 422
        assert secret not in reply.text or wrong["env"] == {secret: 5}
    await root.post("/auth/login", json={"username": "carl", "password": password + "x"})
    await root.get("/queues", headers={"Authorization": f"Bearer {key[:-1]}"})
    told = capfd.readouterr()
    events = (await root.get("/events?after=0&limit=1000")).text
    for text in (told.out, told.err, events):
        for hidden in (password, secret, key, token):
            assert hidden not in text


def _replica(job: str) -> dict[str, Any]:
    times = {"received": 1.0, "started": 2.0}
    return {"job_id": job, "attempt": 1, "rank": 0, "state": "running", "exit_code": None, "reason": None,
            "message": None, "times": times}  # fmt: skip


def _fields(body: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all fields, at any depth."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [path for name, value in inner for path in ((*at, name), *_fields(value, (*at, name)))]


def _with(body: Any, field: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(body))
    part = copy
    for name in field[:-1]:
        part = part[name]
    part[field[-1]] = value
    return copy
