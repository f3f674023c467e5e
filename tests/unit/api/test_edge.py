"""What holds for every request and reply: paths, request ids, headers, limits, and errors as JSON."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from lilac.api.edge import MAX_BODY_BYTES, _normalise_path  # pyright: ignore[reportPrivateUsage]
from lilac.model.errors import TooManyRequests
from tests.unit.api.house import House, HouseSettings


@pytest.mark.parametrize("path", ["/health", "/api/health", "//health", "/api//health", "/health/", "/health?"])
async def test_a_route_is_found_at_the_root_and_under_api(nobody: httpx2.AsyncClient, path: str) -> None:
    assert (await nobody.get(f"http://lilac.test{path}")).json()["status"] == "ok"


@given(st.text(alphabet="/api.q", max_size=20))
def test_any_path_becomes_one_that_begins_with_a_single_slash(path: str) -> None:
    scope: dict[str, Any] = {"path": "/" + path}
    _normalise_path(scope)
    found = scope["path"]
    assert found.startswith("/")
    assert "//" not in found
    assert found == "/" or not found.endswith("/")


async def test_a_request_id_is_echoed_or_made(nobody: httpx2.AsyncClient) -> None:
    assert (await nobody.get("/health", headers={"X-Request-Id": "abc-1"})).headers["x-request-id"] == "abc-1"
    assert uuid.UUID((await nobody.get("/health")).headers["x-request-id"])
    odd = await nobody.get("/health", headers={"X-Request-Id": 'a"<script>'})
    assert uuid.UUID(odd.headers["x-request-id"])


async def test_replies_tell_browsers_to_be_careful(nobody: httpx2.AsyncClient) -> None:
    headers = (await nobody.get("/health")).headers
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_a_large_body_is_413_whether_declared_or_not(nobody: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b"x" * 65_536

    for content in (b"x" * (MAX_BODY_BYTES + 1), pieces()):
        reply = await nobody.post("/auth/login", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 413
        assert reply.json()["code"] == "too_large"
        assert reply.headers["x-request-id"]


async def test_an_unknown_path_is_404_as_json(nobody: httpx2.AsyncClient) -> None:
    reply = await nobody.get("/nowhere")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


async def test_a_wrong_method_is_405_and_says_the_right_ones(nobody: httpx2.AsyncClient) -> None:
    reply = await nobody.patch("/queues")
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, POST"


async def test_json_that_is_none_is_400(nobody: httpx2.AsyncClient) -> None:
    for content in (b"{", b"\xff\xfe", b"NaN", b"[" * 100_000):
        reply = await nobody.post("/auth/login", content=content, headers={"content-type": "application/json"})
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
        assert reply.json()["error"].startswith("The body is not valid JSON")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/x+json"])
async def test_json_may_be_declared_in_its_usual_ways(nobody: httpx2.AsyncClient, kind: str) -> None:
    body = b'{"username": "a", "password": "b"}'
    assert (await nobody.post("/auth/login", content=body, headers={"content-type": kind})).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
async def test_a_body_that_is_not_declared_as_json_is_415(nobody: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    reply = await nobody.post("/auth/login", content=b"{}", headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_media_type")


async def test_an_unexpected_error_tells_nothing_but_the_request_id(
    house: House, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> str:
        raise RuntimeError("the secret plan")

    monkeypatch.setattr(house.accounts, "login", fail)
    with capture_logs() as logs:
        reply = await nobody.post(
            "/auth/login", json={"username": "a", "password": "b"}, headers={"x-request-id": "r-1"}
        )
    assert reply.status_code == 500
    assert reply.json() == {"error": "Something went wrong", "code": "internal", "request_id": "r-1"}
    assert [(log["event"], log["request_id"]) for log in logs] == [("request failed", "r-1")]


async def test_facts_of_an_error_cannot_replace_its_sentence_or_code(
    house: House, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> str:
        raise TooManyRequests("Later.", error="no", code="no", retry_after_s=2.5)

    monkeypatch.setattr(house.accounts, "login", refuse)
    reply = await nobody.post("/auth/login", json={"username": "a", "password": "b"})
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "3"
    assert reply.json() == {"error": "Later.", "code": "too_many_requests", "retry_after_s": 2.5}


async def test_other_origins_are_allowed_only_if_listed(house: House) -> None:
    ask = {"Origin": "https://ui.example", "Access-Control-Request-Method": "GET"}
    async with house.client() as client:
        assert "access-control-allow-origin" not in (await client.options("/queues", headers=ask)).headers
    open_house = House(house.db, HouseSettings(cors_origins=["https://ui.example"]), house.clock)
    async with open_house.client() as client:
        reply = await client.options("/queues", headers=ask)
        assert reply.headers["access-control-allow-origin"] == "https://ui.example"
        other = await client.get("/health", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


async def test_readiness_follows_the_platform(house: House, nobody: httpx2.AsyncClient) -> None:
    assert (await nobody.get("/health/ready")).status_code == 200
    house.ready = False
    reply = await nobody.get("/health/ready")
    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert (await nobody.get("/health")).status_code == 200


async def test_the_document_names_rights_and_errors_of_every_call(nobody: httpx2.AsyncClient) -> None:
    document = (await nobody.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids)) > 40
    assert all(operation["tags"] for operation in operations)
    create = document["paths"]["/queues"]["post"]
    assert create["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}]
    assert "Needs the role admin." in create["description"]
    assert set(create["responses"]) >= {"200", "400", "401", "403", "422"}
    assert "security" not in document["paths"]["/auth/login"]["post"]


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_the_reference_page_needs_nothing_from_elsewhere(nobody: httpx2.AsyncClient, prefix: str) -> None:
    page = await nobody.get(f"{prefix}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "https://" not in page.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png", "start.js"):
        assert f"{prefix}/docs/{asset}" in page.text
        assert (await nobody.get(f"{prefix}/docs/{asset}")).status_code == 200
    assert (await nobody.get("/docs/..%2f..%2fetc")).status_code == 404
    assert (await nobody.get("/docs/other.js")).status_code == 404
