"""A PostgreSQL session of its own, outside of the pools: for locks that last as long as it does, and for LISTEN.

Asynchronous, since it mostly waits; each statement is a transaction. It is set up so that both sides find out within
seconds that the other one is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, LiteralString, cast

import psycopg
from sqlalchemy import make_url

from lilac.model.errors import Unavailable
from lilac.store import engines

_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
_SERVER_SIDE = (
    "SELECT set_config('tcp_keepalives_idle', '2', false), set_config('tcp_keepalives_interval', '1', false), "
    "set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '5000', false)"
)


class Session:
    """Use from one event loop; `close` it. Every failure of the connection is `Unavailable`."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], description: str) -> None:
        self._connection = connection
        self._description = description

    @classmethod
    async def open(cls, url: str, name: str) -> Session:
        """Connect. `name` is shown among the server's sessions. Raises `Unavailable`."""
        parsed = engines.parse_url(url)
        conninfo = make_url(parsed).set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, **{**_KEEPALIVE, "application_name": name}
            )
        except psycopg.Error as error:
            raise _unavailable(engines.describe(parsed), error) from error
        session = cls(connection, engines.describe(parsed))
        await session.fetch(_SERVER_SIDE)
        return session

    async def fetch(self, statement: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement; its rows, if it has any."""
        try:
            cursor = await self._connection.execute(cast("LiteralString", statement), values)
            return await cursor.fetchall() if cursor.description is not None else []
        except psycopg.Error as error:
            raise _unavailable(self._description, error) from error

    async def listen(self, *channels: str) -> None:
        for channel in channels:
            await self.fetch(f"LISTEN {channel}")

    async def notifications(self) -> AsyncIterator[tuple[str, str]]:
        """Channel and payload of what is notified, until the connection breaks (`Unavailable`)."""
        try:
            async for told in self._connection.notifies():
                yield told.channel, told.payload
        except psycopg.Error as error:
            raise _unavailable(self._description, error) from error

    async def close(self) -> None:
        await self._connection.close()


def _unavailable(what: str, error: psycopg.Error) -> Unavailable:
    lines = str(error).strip().splitlines()
    return Unavailable(f"The session with {what} broke: {lines[0] if lines else type(error).__name__}.")
