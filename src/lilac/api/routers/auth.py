"""Signing in, up and out."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from lilac.api.auth import router
from lilac.api.replies import Json
from lilac.api.schemas.accounts import LoginBody, SignUpBody, TokenShape, UserIdShape
from lilac.control.accounts import NewUser

routes = router("auth")


@routes.post("/auth/login", operation_id="login", response_model=TokenShape)
async def login(request: Request, body: LoginBody) -> Response:
    """Sign in with name and password for a token that is good for some hours."""
    address = request.client.host if request.client is not None else None
    token = await request.app.state.platform.accounts.login(body.username, body.password, address=address)
    return Json({"access_token": token, "token_type": "Bearer"})


@routes.post("/auth/signup", operation_id="signUp", response_model=UserIdShape)
async def sign_up(request: Request, body: SignUpBody) -> Response:
    """Make an account for oneself, where the server allows it."""
    new = NewUser(username=body.username, password=body.password, first_name=body.first_name, last_name=body.last_name)
    user = await request.app.state.platform.accounts.sign_up(new)
    return Json({"user_id": user.id})


@routes.get("/auth/logout", operation_id="logout", status_code=303, response_class=RedirectResponse)
async def logout() -> Response:
    """Go to the start page. Tokens are not kept by the server; forgetting one is signing out."""
    return RedirectResponse("/", status_code=303)
