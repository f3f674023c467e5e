"""Errors on the wire: always `{"error": <sentence>, "code": <stable word>, …facts}`, whatever went wrong.

`LilacError`s are mapped by their own `http_status`; failed validation becomes one sentence that names the field and
never repeats a secret; what nobody expected becomes a 500 that tells nothing but the request id (see `edge`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from lilac.api.replies import Json
from lilac.model.errors import LilacError

_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_input",
    503: "unavailable",
}
_SECRET_WORDS = ("password", "secret", "token", "key", "env")
_MAX_SHOWN = 60


def install(app: FastAPI) -> None:
    app.exception_handler(LilacError)(on_lilac_error)
    app.exception_handler(HTTPException)(on_http_exception)
    app.exception_handler(RequestValidationError)(on_validation_error)


def render(error: LilacError) -> Json:
    """The reply for an error of the product."""
    headers: dict[str, str] = {}
    if error.http_status == 401:
        headers["www-authenticate"] = "Bearer"
    retry_after = error.details.get("retry_after_s")
    if isinstance(retry_after, int | float):
        headers["retry-after"] = str(ceil(retry_after))
    body = {**error.details, "error": str(error), "code": error.code}
    return Json({"error": body.pop("error"), "code": body.pop("code"), **body}, error.http_status, headers)


def problem(status: int, sentence: str, *, code: str | None = None, **facts: Any) -> Json:
    """A reply for what is an error of HTTP, not of the product."""
    return Json({"error": sentence, "code": code or _CODES.get(status, "http_error"), **facts}, status)


async def on_lilac_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LilacError)
    return render(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    if error.status_code == 404 and error.detail == "Not Found":
        return problem(404, f"There is nothing at {path}; see /docs for the API.")
    if error.status_code == 405:
        allowed = _allowed_methods(request)
        reply = problem(405, f"{request.method} is not possible at {path}, only {', '.join(allowed)}.")
        reply.headers["allow"] = ", ".join(allowed)
        return reply
    reply = problem(error.status_code, str(error.detail))
    if error.headers:
        reply.headers.update(error.headers)
    return reply


async def on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: Sequence[Mapping[str, Any]] = error.errors()
    first = errors[0]
    if first["type"] == "json_invalid":
        detail = str(first.get("ctx", {}).get("error", "it cannot be read"))
        return problem(400, f"The body is not valid JSON: {detail}.", code="bad_request")
    sentence = describe(first)
    if len(errors) > 1:
        sentence = f"{sentence[:-1]} (and {len(errors) - 1} more)."
    field = field_of(first)
    return problem(422, sentence, **({"field": field} if field else {}))


def field_of(error: Mapping[str, Any]) -> str:
    """The dotted path of the field that a validation error is about, as the caller wrote it; "" for the whole body."""
    return ".".join(str(part) for part in error["loc"][1:])


def describe(error: Mapping[str, Any]) -> str:
    """One sentence about one error of pydantic's: "size.min must be an integer, not 'abc'."."""
    field = field_of(error) or "The body"
    kind = error["type"]
    if kind == "missing":
        return f"{field} is required." if error["loc"][1:] else "A JSON body is required."
    wanted = _wanted(kind, error)
    if wanted is None:
        message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
        message = message.replace("Input should be", "must be").replace("should have", "must have")
        return f"{message}." if kind == "value_error" and field in message else f"{field} {_lower(message)}."
    return f"{field} must be {wanted}{_instead(field, error)}."


def _wanted(kind: str, error: Mapping[str, Any]) -> str | None:
    ctx = error.get("ctx", {})
    if kind.startswith("int_") or kind == "int":
        return "an integer"
    if kind.startswith("float_"):
        return "a number"
    if kind.startswith("bool_"):
        return "true or false"
    if kind in ("string_type", "string_unicode"):
        return "a string"
    if kind in ("list_type", "tuple_type", "set_type"):
        return "a list"
    if kind in ("dict_type", "model_type", "model_attributes_type", "dataclass_type"):
        return "a JSON object"
    if kind in ("enum", "literal_error"):
        return f"one of {ctx.get('expected', '')}"
    if kind == "greater_than_equal":
        return f"at least {ctx.get('ge')}"
    if kind == "less_than_equal":
        return f"at most {ctx.get('le')}"
    if kind == "greater_than":
        return f"more than {ctx.get('gt')}"
    if kind == "string_too_short":
        return f"at least {ctx.get('min_length')} characters long"
    if kind == "string_too_long":
        return f"at most {ctx.get('max_length')} characters long"
    return None


def _instead(field: str, error: Mapping[str, Any]) -> str:
    """What was given instead, unless it may be secret or says nothing."""
    value = error.get("input")
    if error["type"].startswith("string_too") or any(word in field.lower() for word in _SECRET_WORDS):
        return ""
    if isinstance(value, bytes | dict | list):
        return f", not {'a list' if isinstance(value, list) else 'an object'}" if not isinstance(value, bytes) else ""
    text = f"{value!r}" if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return f", not {text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + '…'}"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _allowed_methods(request: Request) -> list[str]:
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.methods and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods
    return sorted(methods)
