"""Signing a browser in and out, by cookies; programs use `/auth/login` or an API key."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from lilac.api import cookies
from lilac.api.auth import Caller, router
from lilac.api.errors import render
from lilac.api.replies import Json, nothing
from lilac.api.schemas.accounts import LoginBody, PolicyShape, SessionShape
from lilac.api.wire import profile_to_wire
from lilac.control.passwords import MAX_LENGTH, MIN_LENGTH
from lilac.control.times import rfc3339
from lilac.control.web_sessions import SignedIn
from lilac.model.accounts import KeyScope
from lilac.model.errors import Unauthenticated

routes = router("auth")


@routes.post("/auth/session", operation_id="openSession", response_model=SessionShape)
async def open_session(request: Request, body: LoginBody) -> Response:
    """Sign a browser in with name and password: sets the cookies `lilac_session`, good for minutes and for every call
    of this server's own pages, and `lilac_refresh`, which renews it. Neither can be read by scripts."""
    cookies.check_own_page(request.scope)
    address = request.client.host if request.client is not None else None
    accounts = request.app.state.platform.accounts
    return _reply(request, await accounts.open_session(body.username, body.password, address=address))


@routes.post("/auth/session/refresh", operation_id="renewSession", response_model=SessionShape)
async def renew_session(request: Request) -> Response:
    """Renew the cookie `lilac_session` by `lilac_refresh`, before or after it has expired."""
    cookies.check_own_page(request.scope)
    secret = cookies.cookie(request.scope, cookies.REFRESH)
    try:
        if secret is None:
            raise Unauthenticated("There is no session to renew: sign in.")
        return _reply(request, await request.app.state.platform.accounts.web.renew(secret))
    except Unauthenticated as error:
        reply = render(error)
        cookies.clear_cookies(reply, request.scope)
        return reply


@routes.delete("/auth/session", operation_id="closeSession", response_class=Response)
async def close_session(request: Request) -> Response:
    """Sign the browser out: the session is over at once, here and wherever its cookies may have been copied to."""
    cookies.check_own_page(request.scope)
    accounts = request.app.state.platform.accounts
    token, secret = (cookies.cookie(request.scope, name) for name in (cookies.SESSION, cookies.REFRESH))
    principal = None
    if token is not None:
        try:
            principal = await accounts.authenticate(token)
        except Unauthenticated:
            principal = None
    if principal is not None or secret is not None:
        await accounts.web.close(secret=secret, principal=principal)
    reply = nothing()
    cookies.clear_cookies(reply, request.scope)
    return reply


@routes.get("/auth/session", operation_id="getSession", response_model=SessionShape)
async def get_session(request: Request, caller: Caller) -> Response:
    """Who am I, and until when is the credential of this call good?"""
    accounts = request.app.state.platform.accounts
    return Json(
        {
            **profile_to_wire(await accounts.profile(caller)),
            "scope": caller.scope,
            "expires_at": rfc3339(caller.expires_at),
            "session_ends_at": rfc3339(await accounts.web.ends_at(caller)),
        }
    )


@routes.get("/auth/policy", operation_id="getSignInPolicy", response_model=PolicyShape)
async def policy(request: Request) -> Response:
    """What a page for signing in has to know before anybody has signed in."""
    return Json({**await request.app.state.platform.accounts.policy(), **_PASSWORDS})


_PASSWORDS = {"password_min_length": MIN_LENGTH, "password_max_length": MAX_LENGTH}


def hand_over(response: Response, request: Request, signed_in: SignedIn) -> Response:
    """The same response, with the cookies of a session."""
    cookies.set_cookies(response, request.scope, signed_in, request.app.state.platform.clock())
    return response


def _reply(request: Request, signed_in: SignedIn) -> Response:
    body: dict[str, Any] = {
        **profile_to_wire(signed_in.user),
        "scope": KeyScope.ADMIN,
        "expires_at": rfc3339(signed_in.expires_at),
        "session_ends_at": rfc3339(signed_in.ends_at),
    }
    return hand_over(Json(body), request, signed_in)
