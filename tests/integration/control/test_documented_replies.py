"""What the OpenAPI document says of replies is what they are: nothing missing, nothing more, no reply without a shape.

The web interface's types are made from the document, so a field that is not in it does not exist there.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import httpx2
import pytest
from jsonschema_rs import Draft202012Validator

from lilac.api.app import create_app
from lilac.model.accounts import KeyScope
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import FakeAgent, Stand

UNTYPED = {
    "GET /plan/snapshot",  # for `lilac replay`
    "GET /metrics",
    "GET /training_jobs/{job}/logs",
    "POST /training_jobs/{job}/logs",
    "POST /training_jobs/{job}/cancel",
    "PATCH /training_jobs/{job_id}/status",
    "POST /node/{node_id}/status",
    "POST /node/{node_id}/usage",
    "POST /node/{node_id}/logs/{job_id}/{attempt}/{rank}",
}
"""Replies without a body, of another kind than JSON, and of routes that only programs of this repository call."""


@pytest.fixture
def document(stand: Stand) -> dict[str, Any]:
    return create_app(stand.platform).openapi()


def test_every_reply_has_a_shape(document: dict[str, Any]) -> None:
    untyped: set[str] = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                schema = response.get("content", {}).get("application/json", {"schema": {"$ref": ""}})["schema"]
                if status.startswith("2") and _is_vague(document, schema):
                    untyped.add(f"{method.upper()} {path}")
    assert untyped - UNTYPED == set()


def _is_vague(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether anything in it could be anything; `data` of events and free words are what they are."""
    if schema in ({}, {"type": "object"}):
        return True
    if "$ref" in schema:
        return False
    if schema.get("type") == "array":
        return _is_vague(document, schema["items"])
    return schema.get("type") == "object" and "properties" not in schema


def closed(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """A validator that takes no field which the document does not name."""
    schemas = copy.deepcopy(document["components"]["schemas"])
    for each in schemas.values():
        if "properties" in each and each.get("additionalProperties") is not True:
            each["additionalProperties"] = False
    return Draft202012Validator({**schema, "components": {"schemas": schemas}})


class Checked:
    """A client whose replies are compared with the document."""

    def __init__(self, client: httpx2.AsyncClient, document: dict[str, Any]) -> None:
        self._client = client
        self._document = document
        self.wrong: list[str] = []
        self.seen: set[str] = set()

    async def __call__(self, method: str, path: str, **more: Any) -> Any:
        reply = await self._client.request(method, path, **more)
        assert reply.status_code < 300, f"{method} {path}: {reply.status_code} {reply.text}"
        template, operation = self._operation(method, path)
        self.seen.add(f"{method} {template}")
        schema = operation["responses"][str(reply.status_code)]["content"]["application/json"]["schema"]
        for error in closed(self._document, schema).iter_errors(reply.json()):
            where = "/".join(map(str, error.instance_path))
            self.wrong.append(f"{method} {template}: {where}: {error.message}")
        return reply.json()

    def _operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        path = path.partition("?")[0]
        candidates = sorted(self._document["paths"], key=lambda template: template.count("{"))
        for template in candidates:
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in self._document["paths"][template]:
                return template, self._document["paths"][template][method.lower()]
        raise AssertionError(f"the document does not know {method} {path}")


async def test_real_replies_are_of_the_documented_shapes(
    stand: Stand, client: Clients, document: dict[str, Any]
) -> None:
    root = await stand.admin()
    call = Checked(await client(root), document)
    agent = FakeAgent(stand, cpu=4000, gpus=2)
    await agent.beat()
    running = await _submit(call, "running", gpus={"count": 1, "model": None, "memory_gb": None}, time_limit_s=600)
    await agent.run_until_running()
    giant = await _submit(call, "giant", cpu=64_000)
    later = await _submit(call, "later", cpu=4000, after=[{"job_id": "running", "condition": "any"}])
    array = await _submit(call, "many", cpu=4000, array="0-9%3", labels={"team": "a"})
    await stand.settle()
    now = stand.clock.now
    stand.platform.usage.take(
        agent.node_id, stand.cluster_id, _sent([{"at": now, "cpu_millicores": 100, "memory_mb": 10}], running, now)
    )
    await stand.platform.usage.flush(everything=True)

    body = {"jobs": [_body("one"), _body("two")]}
    await call("POST", "/training_jobs/bulk", json=body)
    await call("POST", "/training_jobs/cancel", json={"jobs": ["one", "nowhere"]})
    await call("POST", "/training_jobs/one/retry")
    await call("PATCH", "/training_jobs/two", json={"priority": 3})
    for job in (running, giant, later, array, "many[7]"):
        await call("GET", f"/training_jobs/{job}")
        await call("GET", f"/training_jobs/{job}/explain")
    for path in ("events", "usage", "wait?timeout_s=0"):
        await call("GET", f"/training_jobs/{running}/{path}")
    await call("GET", f"/training_jobs/{array}/elements")
    await call("POST", "/what-if", json={"submit": _body("asked", cpu=2000), "cancel": ["two"]})
    for path in (
        "/training_jobs", "/training_jobs/summary", "/nodes", "/nodes/node-1", "/nodes/node-1/events",
        "/nodes/node-1/jobs", "/nodes/node-1/usage", "/queues", "/queues/default", "/queues/default/jobs",
        "/queues/default/line", "/clusters", "/clusters/default", "/clusters/default/info", "/clusters/default/nodes",
        "/clusters/default/jobs", "/clusters/default/usage", "/clusters/default/api-keys", "/events", "/plan",
        "/replicas", "/users", "/users/ada", "/users/ada/api-keys", "/account/details", "/account/api-keys",
        "/auth/policy", "/auth/session", "/overview", "/attention", "/secrets", "/volumes",
        "/health", "/health/ready", "/version",
    ):  # fmt: skip
        await call("GET", path)
    await call("POST", "/account/api-keys", json={"name": "k", "scope": KeyScope.READ})
    await call("PUT", "/secrets/token", json={"value": "x"})
    await call("POST", "/volumes", json={"name": "data"})
    await call("GET", "/volumes/data")
    await call("GET", "/secrets")
    await call("POST", "/clusters", json={"cluster_name": "west"})
    await call("POST", "/queues", json={"name": "night", "priority": 3, "cluster_targets": ["west"]})
    await call("PATCH", "/queues/night", json={"limits": {"gpus": 3}})
    await call("POST", "/queues/night/pause")
    await call("POST", "/nodes/node-1/drain", json={"deadline_s": 600})
    await call("PATCH", "/nodes/node-1", json={"labels": {"rack": "a"}})
    await call("POST", "/users", json={"username": "eve", "password": "a long password"})
    await call("PATCH", "/users/eve", json={"role": "viewer"})
    assert call.wrong == []
    listed = {f"{m.upper()} {p}" for p, operations in document["paths"].items() for m in operations if m == "get"}
    assert listed - call.seen - UNTYPED == {"GET /auth/logout"}


def _body(name: str, *, cpu: int = 1000, gpus: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "definition": "debian:12",
        "queue_id": "default",
        "resource_requirements": {"cpu_millicores": cpu, "memory_mb": 100, "gpus": gpus},
        **more,
    }


async def _submit(call: Checked, name: str, **more: Any) -> str:
    return (await call("POST", "/training_jobs", json=_body(name, **more)))["id"]


def _sent(node: list[dict[str, Any]], job: str, now: float) -> Any:
    from lilac.api.schemas.usage import read_usage

    replica = {"job_id": job, "attempt": 1, "rank": 0, "at": now, "cpu_millicores": 50, "memory_mb": 5}
    return read_usage({"node": node, "replicas": [replica]})
