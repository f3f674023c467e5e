"""Named volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lilac.client.connection import Connection, segment

if TYPE_CHECKING:
    from lilac.client.shapes import Volume


class Volumes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Volume]:
        """One's own; administrators see everybody's."""
        return self._connection.call("GET", "/volumes")["volumes"]

    def get(self, ref: str) -> Volume:
        """One by name or id."""
        return self._connection.call("GET", f"/volumes/{segment(ref)}")

    def create(self, name: str) -> Volume:
        return self._connection.call("POST", "/volumes", body={"name": name})

    def delete(self, ref: str) -> None:
        """Delete one that no live job uses, with its data."""
        self._connection.call("DELETE", f"/volumes/{segment(ref)}")
