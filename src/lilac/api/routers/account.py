"""The caller's own profile, password and API keys."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.routers.sessions import hand_over
from lilac.api.schemas.accounts import KeyShape, NewKeyBody, NewKeyShape, OwnProfileShape, PasswordBody, TokenShape
from lilac.api.wire import key_to_wire, profile_to_wire
from lilac.control.keys import NewKey
from lilac.control.times import from_rfc3339, rfc3339
from lilac.model.accounts import KeyScope
from lilac.model.ids import KeyId, parse_uuid

routes = router("account")

KEY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "name": {"type": ["string", "null"]},
                        "expires_at": {"type": ["string", "null"], "format": "date-time"},
                        "scope": {"type": ["string", "null"], "enum": [*KeyScope, None]},
                    },
                }
            }
        },
    }
}


@routes.get("/account/details", operation_id="getOwnAccount", response_model=OwnProfileShape)
async def details(request: Request, caller: Caller) -> Response:
    """Who am I?"""
    profile = profile_to_wire(await request.app.state.platform.accounts.profile(caller))
    return Json({**profile, "scope": caller.scope})


@routes.post("/account/password", operation_id="changeOwnPassword", response_model=TokenShape)
async def change_password(request: Request, caller: Caller, body: PasswordBody) -> Response:
    """Set a new password. Every login token and every browser's session from before is void; the reply holds a
    new token, and a browser that calls gets new cookies."""
    accounts = request.app.state.platform.accounts
    token = await accounts.change_password(caller, body.old_password, body.new_password)
    reply = Json({"access_token": token, "token_type": "Bearer"})
    signed_in = await accounts.web.keep(caller)
    return reply if signed_in is None else hand_over(reply, request, signed_in)


@routes.get("/account/api-keys", operation_id="listOwnKeys", response_model=list[KeyShape])
async def list_keys(request: Request, caller: Caller) -> Response:
    keys = await request.app.state.platform.accounts.keys.list(caller)
    return Json([key_to_wire(key) for key in keys])


@routes.post("/account/api-keys", operation_id="createOwnKey", response_model=NewKeyShape, openapi_extra=KEY_BODY)
async def create_key(request: Request, caller: Caller) -> Response:
    """Make a key that acts with the caller's role, as far as its `scope` goes: `read`, `submit` (and read), or `admin`
    (all that the caller may; the default). Its text is shown only in this reply."""
    wanted = await read_key_body(request)
    return Json(new_key_to_wire(await request.app.state.platform.accounts.keys.create(caller, **wanted)))


@routes.delete("/account/api-keys/{key_id}", operation_id="deleteOwnKey", response_class=Response)
async def delete_key(request: Request, caller: Caller, key_id: str) -> Response:
    await request.app.state.platform.accounts.keys.delete(caller, KeyId(parse_uuid(key_id) or key_id))
    return nothing()


async def read_key_body(request: Request) -> dict[str, Any]:
    """Name, expiry and scope of a new key. The body is optional and may be anything that is not a JSON object."""
    content = await request.body()
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        return {}
    try:
        body = NewKeyBody.model_validate(parsed)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from None
    return {
        "name": body.name or "",
        "expires_at": from_rfc3339(body.expires_at) if body.expires_at is not None else None,
        "scope": body.scope or KeyScope.ADMIN,
    }


def new_key_to_wire(new: NewKey) -> dict[str, Any]:
    return {
        "id": new.key.id,
        "prefix": new.key.prefix,
        "key": new.text,
        "created_at": rfc3339(new.key.created_at),
        "name": new.key.name,
        "expires_at": rfc3339(new.key.expires_at),
        "scope": new.key.scope,
    }
