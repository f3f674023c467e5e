"""The guard in front of every route, and what handlers get from it.

A route of `Guarded` finds its rule in the table of `rights`, and before anything of the body is read it takes the
credential, asks the accounts who that is, and checks the rule. Handlers take the outcome as a `Caller`.

Credentials: `Authorization: Bearer <login token or API key>` or `X-API-Key: <API key or token>`, alike on all routes;
without either the cookie of a signed-in browser, where it counts (see `cookies`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketState

from lilac.api import cookies
from lilac.api.errors import render
from lilac.api.rights import RULES, Rule, check
from lilac.control.principals import Principal
from lilac.model.errors import LilacError, Unauthenticated

PRINCIPAL = "lilac.principal"
METRICS_PATH = "/metrics"
_MISSING = (
    "Missing Authorization header: send a login token or an API key as "
    "'Authorization: Bearer …' or an API key as 'X-API-Key: …'."
)


SocketHandler = Callable[[WebSocket], Coroutine[Any, Any, None]]


class JsonRequest(Request):
    """A request whose JSON is read by orjson, once."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class Guarded(APIRoute):
    """A route that lets nobody in against its rule."""

    @property
    def rules(self) -> dict[str, Rule | None]:
        """The rule of each method; None where the table has none."""
        return {method: RULES.get((method, self.path)) for method in sorted(self.methods or ())}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        rules = {method: rule for method, rule in self.rules.items() if rule is not None}
        reads_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            rule = rules[request.scope["method"]]
            if rule is not Rule.PUBLIC:
                await _admit(request.scope, rule)
            if reads_json:
                request = JsonRequest(request.scope, request.receive)
                _check_content_type(request)
            return await handler(request)

        return guarded


class GuardedSocket(WebSocketRoute):
    """A WebSocket that lets nobody in against its rule. A refusal is an ordinary reply, before any upgrade."""

    def __init__(self, path: str, handler: SocketHandler) -> None:
        super().__init__(path, self._guarded, name=handler.__name__)
        self._handler = handler

    @property
    def rules(self) -> dict[str, Rule | None]:
        return {"WS": RULES.get(("WS", self.path))}

    async def _guarded(self, socket: WebSocket) -> None:
        try:
            rule = self.rules["WS"]
            assert rule is not None, "checked when the application was put together"
            if rule is not Rule.PUBLIC:
                await _admit(socket.scope, rule)
            await self._handler(socket)
        except LilacError as error:
            if socket.application_state is WebSocketState.CONNECTING:
                await socket.send_denial_response(render(error))
            elif socket.application_state is WebSocketState.CONNECTED:
                await socket.close(1011, str(error)[:100])


def router(*tags: str) -> APIRouter:
    """A router whose routes are guarded. All routers of the API are made by this."""
    return APIRouter(tags=list(tags), route_class=Guarded, redirect_slashes=False)


async def current(request: Request) -> Principal:
    """The caller, as the guard found it."""
    principal = request.scope.get(PRINCIPAL)
    if principal is None:
        raise Unauthenticated(_MISSING)
    return principal


def socket(routes: APIRouter, path: str) -> Callable[[SocketHandler], SocketHandler]:
    """Decorate the handler of a guarded WebSocket of this router."""

    def add(handler: SocketHandler) -> SocketHandler:
        routes.routes.append(GuardedSocket(path, handler))
        return handler

    return add


def principal_of(socket: WebSocket) -> Principal:
    """Who opened a guarded WebSocket."""
    return socket.scope[PRINCIPAL]


Caller = Annotated[Principal, Depends(current)]
"""For handlers: `async def handler(caller: Caller)`."""


def credential_of(scope: Scope) -> str:
    """The credential of a request.

    Raises:
        Unauthenticated: there is none.
        Forbidden: it is a cookie, and the call is not one of this server's own pages.
    """
    key: str | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credential = value.decode("latin-1").strip().partition(" ")
            credential = credential.strip()
            if scheme.lower() != "bearer" or not credential:
                raise Unauthenticated(_MISSING)
            return credential
        if name == b"x-api-key":
            key = value.decode("latin-1").strip()
    if key:
        return key
    token = cookies.cookie(scope, cookies.SESSION)
    if token is None:
        raise Unauthenticated(_MISSING)
    cookies.check_own_page(scope)
    return token


async def _admit(scope: Scope, rule: Rule) -> None:
    if scope["path"] == METRICS_PATH and _metrics_are_open(scope):
        return
    accounts = scope["app"].state.platform.accounts
    principal = await accounts.authenticate(credential_of(scope))
    check(rule, principal)
    scope[PRINCIPAL] = principal


def _metrics_are_open(scope: Scope) -> bool:
    """Whether the settings let this caller read the metrics without a credential."""
    match getattr(scope["app"].state.platform.settings, "metrics_access", "viewer"):
        case "public":
            return True
        case "loopback":
            with suppress(ValueError):
                return ip_address((scope.get("client") or ("", 0))[0]).is_loopback
    return False


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return
    if not given and request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return
    instead = f", not {given!r}" if given else ""
    raise HTTPException(415, f"The body must be JSON: send 'Content-Type: application/json'{instead}.")
