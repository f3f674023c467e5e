"""People: logging in, one's own account and keys, and for admins the other users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lilac.client.connection import Connection, segment

if TYPE_CHECKING:
    from lilac.client.shapes import Account, ApiKey, LoginToken, NewApiKey, User


class Auth:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def login(self, username: str, password: str) -> LoginToken:
        body = {"username": username, "password": password}
        return self._connection.call("POST", "/auth/login", body=body)


class OwnAccount:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def details(self) -> Account:
        return self._connection.call("GET", "/account/details")

    def keys(self) -> list[ApiKey]:
        return self._connection.call("GET", "/account/api-keys")

    def create_key(self, *, name: str = "", expires_at: str | None = None, scope: str | None = None) -> NewApiKey:
        """Make a key. `scope` is `read`, `submit` or `admin` (all that the caller may; the default)."""
        body = {"name": name, "expires_at": expires_at, "scope": scope}
        return self._connection.call("POST", "/account/api-keys", body=body)

    def delete_key(self, key_id: str) -> None:
        self._connection.call("DELETE", f"/account/api-keys/{segment(key_id)}")

    def change_password(self, *, old: str, new: str) -> None:
        self._connection.call("POST", "/account/password", body={"old_password": old, "new_password": new})


class Users:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[User]:
        return self._connection.call("GET", "/users")["users"]

    def create(
        self,
        *,
        username: str,
        password: str,
        role: str = "member",
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> User:
        body = {
            "username": username,
            "password": password,
            "role": role,
            "first_name": first_name,
            "last_name": last_name,
        }
        return self._connection.call("POST", "/users", body=body)

    def change(
        self,
        user: str,
        *,
        role: str | None = None,
        password: str | None = None,
        disabled: bool | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> User:
        changes = {
            "role": role,
            "password": password,
            "disabled": disabled,
            "first_name": first_name,
            "last_name": last_name,
        }
        body = {key: value for key, value in changes.items() if value is not None}
        return self._connection.call("PATCH", f"/users/{segment(user)}", body=body)

    def get(self, user: str) -> User:
        return self._connection.call("GET", f"/users/{segment(user)}")

    def delete(self, user: str) -> None:
        self._connection.call("DELETE", f"/users/{segment(user)}")

    def keys(self, user: str) -> list[ApiKey]:
        """The keys of somebody, for admins."""
        return self._connection.call("GET", f"/users/{segment(user)}/api-keys")

    def delete_key(self, user: str, key_id: str) -> None:
        self._connection.call("DELETE", f"/users/{segment(user)}/api-keys/{segment(key_id)}")
