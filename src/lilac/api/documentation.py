"""The OpenAPI document and the page that shows it, readable without access to the internet.

What the table of rights knows is written into the document here, once for all routes: which credentials a call takes,
which role it needs, and which errors it can answer with.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response

import lilac
from lilac.api.auth import Guarded, router
from lilac.api.replies import Json
from lilac.api.rights import Rule

DESCRIPTION = """\
The control plane of Lilac: clusters of nodes, queues that lead to them, and jobs that wait and run.

Every route exists at the root and under `/api`. Bodies are JSON; every error is
`{"error": "<sentence>", "code": "<stable word>", …}`. Times are RFC 3339 in UTC. Credentials are
`Authorization: Bearer <login token or API key>` or `X-API-Key: <API key>`; pages of this server itself use cookies.
"""

TAGS: list[dict[str, Any]] = [
    {"name": "jobs", "description": "Submitting work, following it, reading its output."},
    {"name": "queues", "description": "Where jobs wait. A lower priority number runs first."},
    {"name": "clusters", "description": "Named groups of nodes, and the keys of their agents."},
    {"name": "nodes", "description": "Machines that run an agent."},
    {"name": "overview", "description": "The state of everything at a glance, and what needs a person."},
    {"name": "secrets", "description": "Values that jobs name and that nobody reads back."},
    {"name": "volumes", "description": "Directories that outlive jobs, each on one node."},
    {"name": "events", "description": "The history of everything that happened, to read or to follow."},
    {"name": "usage", "description": "What jobs, nodes and clusters use over time."},
    {"name": "auth", "description": "Signing in and up."},
    {"name": "account", "description": "One's own profile, password and API keys."},
    {"name": "users", "description": "Accounts of people, for administrators."},
    {"name": "agents", "description": "What agents call, with a key of their cluster."},
    {"name": "replicas", "description": "The servers that make up this control plane, and which of them leads."},
    {"name": "health", "description": "Whether the server lives and which version it is."},
]

_STATUS_TEXTS = {
    "401": "No credential, or one that is not valid.",
    "403": "The caller lacks the right.",
    "404": "There is no such thing.",
    "409": "Not possible in the present state.",
    "422": "A value is wrong; `field` names it.",
    "429": "Too many failures; `Retry-After` says when to try again.",
    "503": "Not now; trying again later is right.",
}
_OWN_STATUSES: dict[tuple[str, str], tuple[str, ...]] = {
    ("POST", "/auth/login"): ("401", "429", "503"),
    ("POST", "/auth/session"): ("401", "403", "429", "503"),
    ("POST", "/auth/session/refresh"): ("401", "403"),
    ("DELETE", "/auth/session"): ("403",),
    ("POST", "/auth/signup"): ("403", "409", "503"),
    ("POST", "/account/password"): ("429", "503"),
    ("POST", "/account/api-keys"): ("422",),
    ("POST", "/clusters/{cluster}/api-keys"): ("422",),
    ("POST", "/users"): ("409", "503"),
    ("PATCH", "/users/{user}"): ("409", "503"),
    ("DELETE", "/users/{user}"): ("409",),
    ("POST", "/clusters"): ("409",),
    ("DELETE", "/clusters/{cluster}"): ("409",),
    ("GET", "/nodes/{node}"): ("409",),
    ("DELETE", "/nodes/{node}"): ("409",),
    ("POST", "/nodes/{node}/drain"): ("409",),
    ("POST", "/nodes/{node}/resume"): ("409",),
    ("POST", "/queues"): ("404", "409"),
    ("PUT", "/queues/{queue}"): ("409",),
    ("DELETE", "/queues/{queue}"): ("409",),
    ("GET", "/health/ready"): ("503",),
    ("GET", "/training_jobs"): ("404",),
    ("GET", "/training_jobs/summary"): ("404",),
    ("POST", "/training_jobs"): ("404", "409"),
    ("POST", "/training_jobs/bulk"): ("404", "409"),
    ("POST", "/training_jobs/cancel"): ("404",),
    ("POST", "/training_jobs/{job}/retry"): ("409",),
    ("POST", "/what-if"): ("404",),
    ("POST", "/training_jobs/{job}/logs"): ("409",),
    ("POST", "/training_jobs/{job}/cancel"): ("409",),
    ("PATCH", "/training_jobs/{job_id}/status"): ("409",),
    ("POST", "/node/{node_id}/logs/{job_id}/{attempt}/{rank}"): ("409",),
}
"""What single calls answer with besides what follows from their rule, parameters and body."""

_NOTES = {
    Rule.NODE: "Needs a key of the node's cluster.",
    Rule.ACCOUNT: "Needs a login, or an API key of scope admin.",
}
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
_START_SCRIPT = """\
window.ui = SwaggerUIBundle({
  url: document.querySelector("#ui").dataset.document,
  dom_id: "#ui", deepLinking: true, persistAuthorization: false, tryItOutEnabled: true,
  defaultModelsExpandDepth: 0, docExpansion: "list"
});
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lilac API</title>
<link rel="icon" href="{root}/docs/favicon.png">
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
</head>
<body>
<div id="ui" data-document="{root}/openapi.json"><noscript>The document itself: {root}/openapi.json</noscript></div>
<script src="{root}/docs/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

routes = router()


@routes.get("/openapi.json", include_in_schema=False)
async def openapi_document(request: Request) -> Response:
    return Json(request.app.openapi())


@routes.get("/docs", include_in_schema=False)
async def docs_page(request: Request) -> Response:
    root = "/api" if request.scope.get("raw_path", b"").startswith(b"/api") else ""
    page = _PAGE.format(root=root)
    return Response(page, media_type="text/html", headers={"content-security-policy": _PAGE_POLICY})


@routes.get("/docs/{asset}", include_in_schema=False)
async def docs_asset(asset: str) -> Response:
    if asset == "start.js":
        return Response(_START_SCRIPT, media_type="text/javascript")
    if asset not in _ASSETS:
        raise HTTPException(404)
    content = (resources.files("fastapi_offline") / "static" / asset).read_bytes()
    return Response(content, headers={"content-type": _ASSETS[asset], "cache-control": "public, max-age=86400"})


def install(app: FastAPI) -> None:
    """Make `app.openapi()` give the complete document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = openapi


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=lilac.__version__,
        description=app.description,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/api"}, {"url": "/"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A login token or an API key."},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "lilac_session",
            "description": "A signed-in browser, on pages of this server; see POST /auth/session.",
        },
    }
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = {
        "type": "object",
        "required": ["error", "code"],
        "properties": {
            "error": {"type": "string", "description": "One sentence for people."},
            "code": {"type": "string", "description": "A stable word for programs."},
            "field": {"type": ["string", "null"], "description": "The field that is wrong, where it is one."},
        },
        "additionalProperties": True,
    }
    for route in app.routes:
        if isinstance(route, Guarded) and route.include_in_schema:
            for method, rule in route.rules.items():
                _complete(document["paths"][route.path_format][method.lower()], route, method, rule or Rule.ADMIN)
    return document


def _complete(operation: dict[str, Any], route: Guarded, method: str, rule: Rule) -> None:
    responses: dict[str, Any] = operation.setdefault("responses", {})
    responses.pop("422", None)
    wanted: list[tuple[str, str]] = []
    if rule is not Rule.PUBLIC:
        operation["security"] = [{"bearer": []}, {"apiKey": []}, {"session": []}]
        note = _NOTES.get(rule) or f"Needs the role {rule}."
        operation["description"] = "\n\n".join(filter(None, [operation.get("description"), note]))
        wanted += [(status, _STATUS_TEXTS[status]) for status in ("401", "403")]
    if route.param_convertors:
        wanted.append(("404", _STATUS_TEXTS["404"]))
    if route.body_field is not None:
        wanted += [
            ("400", "The body is not valid JSON."),
            ("413", "The body is too large."),
            ("415", "The body is not JSON."),
        ]
    if route.body_field is not None or operation.get("parameters") or route.param_convertors:
        wanted.append(("422", _STATUS_TEXTS["422"]))
    wanted += [(status, _STATUS_TEXTS[status]) for status in _OWN_STATUSES.get((method, route.path), ())]
    for status, text in sorted(wanted):
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        responses.setdefault(status, {"description": text, "content": content})
