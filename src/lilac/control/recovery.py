"""A way back in for whoever holds the server's machine: setting a password past the API, in the database itself.

The server may run meanwhile. It takes the new password at once, and every login token and browser's session of before
is void within seconds (see `authentication`); replicas of the control plane are told as of any other change.
"""

from __future__ import annotations

import time
from pathlib import Path

from lilac.control.accounts import Accounts
from lilac.control.settings import Settings, make_secret
from lilac.model.accounts import User
from lilac.model.errors import NotFound
from lilac.store import accounts as store
from lilac.store import engines
from lilac.store.database import Database


async def set_password(settings: Settings, username: str, password: str) -> User:
    """Give an account a new password, and let it try again if its logins were held back.

    Raises:
        NotFound: there is no such database, or no such account in it.
        InvalidInput: the password must not be set.
    """
    _check_there(settings.resolved_database_url)
    db = Database.open(settings.resolved_database_url)
    if db.engine_name == "postgresql":
        db.tell_replicas("recovery")
    await db.start()
    try:
        secret = await db.write(lambda tx: store.put_setting_once(tx.conn, "secret", make_secret()))
        accounts = Accounts(db, time.time, bytes.fromhex(secret), settings)
        try:
            return await accounts.reset_password(username, password)
        finally:
            accounts.close()
    finally:
        await db.close()


def _check_there(database_url: str) -> None:
    url = engines.parse_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise NotFound(
            f"There is no database {url.database}: no server was started with it yet. Name the server's data directory "
            "with --data-dir, or its database with LILAC_DATABASE_URL."
        )
