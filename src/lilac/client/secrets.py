"""Secrets by name. Values go in and never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lilac.client.connection import Connection, segment

if TYPE_CHECKING:
    from lilac.client.shapes import Secret


class Secrets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Secret]:
        """One's own and the shared ones."""
        return self._connection.call("GET", "/secrets")["secrets"]

    def set(self, name: str, value: str, *, shared: bool = False) -> Secret:
        """Keep a value under a name, instead of the one before."""
        return self._connection.call("PUT", f"/secrets/{segment(name)}", body={"value": value, "shared": shared})

    def delete(self, name: str, *, shared: bool = False) -> None:
        params = {"shared": True} if shared else {}
        self._connection.call("DELETE", f"/secrets/{segment(name)}", params=params)
