"""The HTTP application, put together: routes, guard, edge, errors and documentation around a platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

import lilac
from lilac.api import documentation, errors
from lilac.api.auth import Guarded, GuardedSocket
from lilac.api.edge import Edge
from lilac.api.routers import ROUTERS, ui

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    platform: Any,
    lifespan: Lifespan | None = None,
    *,
    routers: Iterable[APIRouter] = ROUTERS,
    web: Path = ui.BUILT,
) -> FastAPI:
    """Build the application around a platform, which handlers find as `request.app.state.platform`. `web` is where
    the front end was built into.

    Raises:
        RuntimeError: a route has no rule in the table of rights.
    """
    app = FastAPI(
        title="Lilac",
        version=lilac.__version__,
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.platform = platform
    app.state.web = web
    for router in (*routers, documentation.routes):
        app.router.routes.extend(router.routes)
    check_guarded(app.router.routes)
    errors.install(app)
    documentation.install(app)
    app.add_middleware(Edge)
    origins = list(getattr(platform.settings, "cors_origins", []))
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id", "Last-Event-ID"],
            expose_headers=["X-Request-Id", "X-Log-Offset", "X-Log-Size", "Retry-After"],
            max_age=600,
        )
    return app


def check_guarded(routes: Iterable[BaseRoute]) -> None:
    """Raise unless every route is guarded and has a rule for each of its methods."""
    for route in routes:
        if not isinstance(route, Guarded | GuardedSocket):
            path = getattr(route, "path", route)
            raise RuntimeError(f"The route {path} is not guarded: make its router by lilac.api.auth.router.")
        for method, rule in route.rules.items():
            if rule is None:
                raise RuntimeError(f"The route {method} {route.path} has no rule in lilac.api.rights.RULES.")
