"""Secrets that jobs name. Nothing here ever replies with a value."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.schemas.secrets import SecretBody, SecretShape, SecretsShape
from lilac.control.secrets import KnownSecret
from lilac.control.times import rfc3339

routes = router("secrets")


@routes.get("/secrets", operation_id="listSecrets", response_model=SecretsShape)
async def list_secrets(request: Request, caller: Caller) -> Response:
    """The names of one's own secrets and of the shared ones."""
    found = await request.app.state.platform.secrets.list(caller)
    return Json({"secrets": [_shown(secret) for secret in found]})


@routes.put("/secrets/{name}", operation_id="setSecret", response_model=SecretShape)
async def set_secret(request: Request, caller: Caller, name: str, body: SecretBody) -> Response:
    """Keep a value under this name, instead of the one before. It counts for attempts that start from now on."""
    kept = await request.app.state.platform.secrets.put(caller, name, body.value, shared=body.shared)
    return Json(_shown(kept))


@routes.delete("/secrets/{name}", operation_id="deleteSecret", response_class=Response)
async def delete_secret(request: Request, caller: Caller, name: str, shared: bool = False) -> Response:
    """Forget a secret. Jobs that run keep what they were given; those that wait fail when they are to start."""
    await request.app.state.platform.secrets.delete(caller, name, shared=shared)
    return nothing()


def _shown(secret: KnownSecret) -> dict[str, Any]:
    return {
        "name": secret.name,
        "shared": secret.shared,
        "created_at": rfc3339(secret.created_at),
        "updated_at": rfc3339(secret.updated_at),
    }
