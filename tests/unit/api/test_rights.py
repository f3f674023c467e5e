"""Who may call what: the table covers every route, and every route obeys it, for every kind of caller."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
from fastapi import APIRouter
from starlette.responses import Response
from structlog.testing import capture_logs

from lilac.api.app import create_app
from lilac.api.auth import Guarded, GuardedSocket, router
from lilac.api.rights import RULES, Rule, allows
from lilac.control.principals import Principal, PrincipalKind
from lilac.model.accounts import KeyScope, Role
from lilac.model.ids import UserId
from tests.unit.api.house import House

CALLERS = ("nobody", "viewer", "member", "admin", "node")
MAY = {
    Rule.PUBLIC: {"nobody", "viewer", "member", "admin", "node"},
    Rule.ACCOUNT: {"viewer", "member", "admin"},
    Rule.VIEWER: {"viewer", "member", "admin"},
    Rule.MEMBER: {"member", "admin"},
    Rule.ADMIN: {"admin"},
    Rule.NODE: {"node"},
}


def test_every_route_of_the_application_is_guarded_and_has_a_rule(house: House) -> None:
    for route in house.app.routes:
        assert isinstance(route, Guarded | GuardedSocket), route
        for method, rule in route.rules.items():
            assert rule is not None, f"{method} {route.path}"


def test_every_rule_of_the_table_belongs_to_a_route(house: House) -> None:
    routes = {(m, r.path) for r in house.app.routes if isinstance(r, Guarded | GuardedSocket) for m in r.rules}
    assert set(RULES) - routes == set()


def test_an_application_with_a_route_without_a_rule_does_not_start(house: House) -> None:
    forgotten = router("jobs")

    @forgotten.get("/forgotten")
    async def handler() -> Response:
        return Response()

    with pytest.raises(RuntimeError, match="GET /forgotten has no rule"):
        create_app(house, routers=[forgotten])


def test_an_application_with_an_unguarded_route_does_not_start(house: House) -> None:
    plain = APIRouter()
    plain.add_api_route("/version", lambda: None)
    with pytest.raises(RuntimeError, match="not guarded"):
        create_app(house, routers=[plain])


@pytest.mark.parametrize("rule", list(Rule))
def test_the_table_of_rules_and_roles_is_the_documented_one(rule: Rule) -> None:
    principals: dict[str, Principal | None] = {"nobody": None, "node": Principal(kind=PrincipalKind.NODE)}
    for role in Role:
        principals[role.value] = Principal(kind=PrincipalKind.USER, role=role)
    assert {name for name in CALLERS if allows(rule, principals[name])} == MAY[rule]


async def test_every_route_lets_in_exactly_whom_its_rule_allows(house: House) -> None:
    cluster = await house.add_cluster()
    keys = {role.value: await house.add_key(f"{role}-person", role) for role in Role}
    credentials = {"nobody": None, "node": await house.cluster_key(cluster), **keys}
    wrong: list[str] = []
    for caller, credential in credentials.items():
        async with house.client(credential) as client, quiet():
            for (method, template), rule in RULES.items():
                status = await _status(client, method, template)
                admitted = status not in (401, 403)
                if refuses_by_itself(rule, template):
                    continue
                own_refusal = method == "DELETE" and template.startswith("/account/api-keys")
                if caller not in MAY[rule] and admitted:
                    wrong.append(f"{caller} got {status} from {method} {template}")
                elif caller in MAY[rule] and not admitted and not own_refusal and template != "/users/{user}":
                    wrong.append(f"{caller} was refused {method} {template} with {status}")
                elif caller == "nobody" and rule is not Rule.PUBLIC and status != 401:
                    wrong.append(f"nobody got {status} from {method} {template}")
    assert wrong == []


def refuses_by_itself(rule: Rule, template: str) -> bool:
    """Among the public routes, signing in and up refuse by themselves, and say so alike."""
    return rule is Rule.PUBLIC and template.startswith(("/auth/login", "/auth/signup", "/auth/session"))


@asynccontextmanager
async def quiet() -> AsyncIterator[None]:
    """The stand-in has no jobs: what gets so far fails there, and the log of it is not wanted."""
    with capture_logs():
        yield


async def _status(client: httpx2.AsyncClient, method: str, template: str) -> int:
    """The status of a call that can do no harm: ids that nobody has, a body that is not valid anywhere."""
    path = re.sub(r"\{\w+\}", "00000000-0000-4000-8000-000000000000", template)
    if method == "WS":
        return await _socket_status(client, path)
    content = b"[]" if method in ("POST", "PUT", "PATCH") else None
    headers = {"content-type": "application/json"} if content else {}
    return (await client.request(method, path, content=content, headers=headers)).status_code


async def _socket_status(client: httpx2.AsyncClient, path: str) -> int:
    """What opening a WebSocket is answered with: 101, or the status of the refusal."""
    transport = client._transport
    assert isinstance(transport, httpx2.ASGITransport)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"} if not sent else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.lower(), v) for k, v in client.headers.raw],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    with suppress(AttributeError):  # let in, where the stand-in has no jobs and no tunnels
        await transport.app(scope, receive, send)  # type: ignore[operator]
    first = sent[0] if sent else {"type": "let in"}
    return int(str(first["status"])) if first["type"] == "websocket.http.response.start" else 101


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_the_credential_is_checked_before_the_body_is_read(house: House, prefix: str) -> None:
    async with house.client() as client:
        reply = await client.post(f"{prefix}/queues", content=b"{not json", headers={"content-type": "text/plain"})
    assert reply.status_code == 401


async def test_refusals_say_what_is_missing(house: House) -> None:
    cluster = await house.add_cluster()
    async with house.client(await house.cluster_key(cluster)) as node:
        reply = await node.get("/queues")
    assert reply.status_code == 403
    assert reply.json()["code"] == "forbidden"
    assert "cluster's key" in reply.json()["error"]
    async with house.client(await house.add_key("vi", Role.VIEWER)) as viewer:
        reply = await viewer.post("/queues", json={})
    assert reply.json()["error"] == "Forbidden: this needs the role admin; vi is viewer."


async def test_every_route_obeys_the_scope_of_a_key(house: House) -> None:
    admin = await house.add_user("boss", Role.ADMIN)
    may = {
        KeyScope.READ: {Rule.PUBLIC, Rule.VIEWER},
        KeyScope.SUBMIT: {Rule.PUBLIC, Rule.VIEWER, Rule.MEMBER},
        KeyScope.ADMIN: set(Rule) - {Rule.NODE},
    }
    wrong: list[str] = []
    for scope, allowed in may.items():
        key = (await house.accounts.keys.create(admin, scope=scope)).text
        async with house.client(key) as client, quiet():
            for (method, template), rule in RULES.items():
                if refuses_by_itself(rule, template) or template == "/users/{user}":
                    continue
                own_refusal = method == "DELETE" and template.startswith("/account/api-keys")
                refused = await _status(client, method, template) in (401, 403)
                if refused is (rule in allowed) and not (own_refusal and rule in allowed):
                    wrong.append(f"a key of scope {scope}: {method} {template} {'refused' if refused else 'let in'}")
    assert wrong == []


async def test_a_key_of_less_cannot_make_itself_one_of_more(house: House) -> None:
    ada = await house.add_user("ada")
    key = (await house.accounts.keys.create(ada, scope=KeyScope.SUBMIT)).text
    async with house.client(key) as client:
        assert (await client.get("/account/details")).json()["scope"] == "submit"
        reply = await client.post("/account/api-keys", json={"scope": "admin"})
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    assert "scope admin; the key used has scope submit" in reply.json()["error"]


def test_a_key_of_scope_submit_changes_only_its_holders_work_also_an_administrators() -> None:
    def person(role: Role, scope: KeyScope) -> Principal:
        return Principal(kind=PrincipalKind.USER, user_id=UserId("me"), role=role, scope=scope)

    mine, other = UserId("me"), UserId("other")
    assert [person(Role.ADMIN, KeyScope.SUBMIT).may_change(of) for of in (mine, other, None)] == [True, False, False]
    assert [person(Role.ADMIN, KeyScope.ADMIN).may_change(of) for of in (mine, other, None)] == [True, True, True]
    assert [person(Role.MEMBER, KeyScope.SUBMIT).may_change(of) for of in (mine, other)] == [True, False]
    assert not person(Role.MEMBER, KeyScope.READ).may_change(mine)
    assert not person(Role.VIEWER, KeyScope.ADMIN).may_change(mine)
