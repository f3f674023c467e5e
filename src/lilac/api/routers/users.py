"""Accounts of people: for administrators, and everybody's own."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json, nothing
from lilac.api.schemas.accounts import KeyShape, NewUserBody, UserChangesBody, UserShape, UsersShape
from lilac.api.wire import key_to_wire, user_to_wire
from lilac.control.accounts import NewUser
from lilac.model.ids import KeyId, parse_uuid

routes = router("users")


@routes.get("/users", operation_id="listUsers", response_model=UsersShape)
async def list_users(request: Request) -> Response:
    users = await request.app.state.platform.accounts.list_users()
    return Json({"users": [user_to_wire(user) for user in users]})


@routes.post("/users", operation_id="createUser", response_model=UserShape, status_code=201)
async def create_user(request: Request, caller: Caller, body: NewUserBody) -> Response:
    new = NewUser(
        username=body.username,
        password=body.password,
        role=body.role,
        first_name=body.first_name,
        last_name=body.last_name,
    )
    return Json(user_to_wire(await request.app.state.platform.accounts.create_user(caller, new)), 201)


@routes.get("/users/{user}", operation_id="getUser", response_model=UserShape)
async def get_user(request: Request, caller: Caller, user: str) -> Response:
    """An account by id or name: one's own, or anybody's for administrators."""
    return Json(user_to_wire(await request.app.state.platform.accounts.find_user(caller, user)))


@routes.patch("/users/{user}", operation_id="changeUser", response_model=UserShape)
async def change_user(request: Request, caller: Caller, user: str, body: UserChangesBody) -> Response:
    """Change role, password or names, disable or enable. What is left out or null stays as it is."""
    changed = await request.app.state.platform.accounts.change_user(
        caller,
        user,
        role=body.role,
        password=body.password,
        disabled=body.disabled,
        first_name=body.first_name,
        last_name=body.last_name,
    )
    return Json(user_to_wire(changed))


@routes.delete("/users/{user}", operation_id="deleteUser", response_class=Response)
async def delete_user(request: Request, caller: Caller, user: str) -> Response:
    """Delete an account with its keys; 409 while jobs of it wait or run, and for the last administrator.

    Its ended jobs and the history stay.
    """
    await request.app.state.platform.accounts.delete_user(caller, user)
    return nothing()


@routes.get("/users/{user}/api-keys", operation_id="listUserKeys", response_model=list[KeyShape])
async def list_user_keys(request: Request, caller: Caller, user: str) -> Response:
    accounts = request.app.state.platform.accounts
    found = await accounts.find_user(caller, user)
    return Json([key_to_wire(key) for key in await accounts.keys.list_of_user(found.id)])


@routes.delete("/users/{user}/api-keys/{key_id}", operation_id="deleteUserKey", response_class=Response)
async def delete_user_key(request: Request, caller: Caller, user: str, key_id: str) -> Response:
    """Take a key away from somebody. It stops working at once."""
    accounts = request.app.state.platform.accounts
    found = await accounts.find_user(caller, user)
    await accounts.keys.delete_of_user(caller, found.id, KeyId(parse_uuid(key_id) or key_id))
    return nothing()
