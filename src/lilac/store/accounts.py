"""Users, API keys and the settings that the control plane keeps for itself (such as its signing secret).

Password hashes and failed logins live in the users' rows but not in `User`: only `credentials` gives them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lilac.model.accounts import ApiKey, KeyScope, Role, User
from lilac.model.errors import Conflict, NotFound
from lilac.model.ids import ClusterId, KeyId, UserId
from lilac.store import faults
from lilac.store.guards import stored
from lilac.store.tables import api_keys, settings, users

_USER = select(users)
_USER_BY_ID = _USER.where(users.c.id == bindparam("user_id"))
_USER_BY_NAME = _USER.where(users.c.username == bindparam("username"))
_KEY_BY_HASH = select(api_keys).where(api_keys.c.key_hash == bindparam("key_hash"))
_TOUCH_KEY = (
    update(api_keys)
    .where(
        api_keys.c.id == bindparam("key_id"),
        func.coalesce(api_keys.c.last_used_at, 0.0) < bindparam("used_at"),
    )
    .values(last_used_at=bindparam("used_at"))
)
_SETTING = select(settings.c.value).where(settings.c.key == bindparam("key"))
_CHANGEABLE = frozenset({"username", "role", "first_name", "last_name", "password_hash", "disabled", "updated_at"})


def insert_user(conn: Connection, user: User, password_hash: str) -> None:
    """Raises `Conflict` if the user name is taken."""
    row = {
        "id": user.id,
        "username": user.username,
        "role": user.role.value,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "password_hash": password_hash,
        "disabled": user.disabled,
        "failed_logins": 0,
        "blocked_until": None,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
    try:
        conn.execute(insert(users), row)
    except IntegrityError as error:
        raise _name_taken(error, user.username) from error


def get_user(conn: Connection, user_id: UserId) -> User | None:
    return _one_user(conn, _USER_BY_ID, user_id=user_id)


def get_user_by_name(conn: Connection, username: str) -> User | None:
    return _one_user(conn, _USER_BY_NAME, username=username)


def credentials(conn: Connection, username: str) -> tuple[User, str, int, float | None] | None:
    """The user, the hash of the password, the failed logins since the last good one, and until when none is tried."""
    row = conn.execute(_USER_BY_NAME, {"username": username}).first()
    return None if row is None else (_user(row), row.password_hash, row.failed_logins, row.blocked_until)


def note_login(conn: Connection, user_id: UserId, *, failed_logins: int, blocked_until: float | None) -> None:
    """Remember how the last login went."""
    values = {"failed_logins": failed_logins, "blocked_until": blocked_until}
    conn.execute(update(users).where(users.c.id == user_id).values(values))


def list_users(conn: Connection) -> list[User]:
    """All users by name."""
    return [_user(row) for row in conn.execute(_USER.order_by(users.c.username))]


def count_users(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(users)).scalar_one()


def delete_user(conn: Connection, user_id: UserId) -> bool:
    """Whether there was such a user. Their keys go too; their jobs stay, without an owner."""
    return conn.execute(delete(users).where(users.c.id == user_id)).rowcount == 1


def update_user(conn: Connection, user_id: UserId, **values: Any) -> bool:
    """Set `username`, `role`, `first_name`, `last_name`, `password_hash`, `disabled` or `updated_at`.

    Returns whether there is such a user. Raises `Conflict` if the new user name is taken.
    """
    if unknown := values.keys() - _CHANGEABLE:
        raise TypeError(f"users: cannot set {', '.join(sorted(unknown))}")
    columns = {name: stored(value) for name, value in values.items()}
    try:
        return conn.execute(update(users).where(users.c.id == user_id).values(columns)).rowcount == 1
    except IntegrityError as error:
        raise _name_taken(error, values.get("username", "")) from error


def insert_key(conn: Connection, key: ApiKey, key_hash: str) -> None:
    """Raises `NotFound` if its holder does not exist (any more)."""
    row = {
        "id": key.id,
        "user_id": key.user_id,
        "cluster_id": key.cluster_id,
        "key_hash": key_hash,
        "prefix": key.prefix,
        "name": key.name,
        "scope": key.scope.value,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
    }
    try:
        conn.execute(insert(api_keys), row)
    except IntegrityError as error:
        if not faults.is_dangling(error):
            raise
        holder = f"user {key.user_id}" if key.user_id else f"cluster {key.cluster_id}"
        raise NotFound(f"There is no {holder} to hold the key.") from error


def find_key(conn: Connection, key_hash: str) -> ApiKey | None:
    """The key with this SHA-256, expired or not."""
    row = conn.execute(_KEY_BY_HASH, {"key_hash": key_hash}).first()
    return None if row is None else _key(row)


def list_keys(conn: Connection, *, user_id: UserId | None = None, cluster_id: ClusterId | None = None) -> list[ApiKey]:
    """The keys of a user, of a cluster, or all; oldest first."""
    statement = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    if user_id is not None:
        statement = statement.where(api_keys.c.user_id == user_id)
    if cluster_id is not None:
        statement = statement.where(api_keys.c.cluster_id == cluster_id)
    return [_key(row) for row in conn.execute(statement)]


def delete_key(
    conn: Connection, key_id: KeyId, *, user_id: UserId | None = None, cluster_id: ClusterId | None = None
) -> bool:
    """Whether there was such a key (of this user or cluster, where one is given)."""
    statement = delete(api_keys).where(api_keys.c.id == key_id)
    if user_id is not None:
        statement = statement.where(api_keys.c.user_id == user_id)
    if cluster_id is not None:
        statement = statement.where(api_keys.c.cluster_id == cluster_id)
    return conn.execute(statement).rowcount == 1


def touch_keys(conn: Connection, last_used: Mapping[KeyId, float]) -> None:
    """Remember when keys were last used; an earlier time than the known one changes nothing."""
    if last_used:
        conn.execute(_TOUCH_KEY, [{"key_id": key_id, "used_at": at} for key_id, at in sorted(last_used.items())])


def get_setting(conn: Connection, key: str) -> str | None:
    return conn.execute(_SETTING, {"key": key}).scalar()


def put_setting_once(conn: Connection, key: str, value: str) -> str:
    """Store a setting unless it is there already; what is stored now. The first writer wins."""
    known = get_setting(conn, key)
    if known is not None:
        return known
    if conn.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_once
    else:
        from sqlalchemy.dialects.sqlite import insert as insert_once
    conn.execute(insert_once(settings).values(key=key, value=value).on_conflict_do_nothing())
    return conn.execute(_SETTING, {"key": key}).scalar_one()


def _one_user(conn: Connection, statement: Select[Any], **parameters: str) -> User | None:
    row = conn.execute(statement, parameters).first()
    return None if row is None else _user(row)


def _user(row: Row[Any]) -> User:
    return User(
        id=UserId(row.id),
        username=row.username,
        role=Role(row.role),
        first_name=row.first_name,
        last_name=row.last_name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        disabled=row.disabled,
    )


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=KeyId(row.id),
        prefix=row.prefix,
        user_id=None if row.user_id is None else UserId(row.user_id),
        cluster_id=None if row.cluster_id is None else ClusterId(row.cluster_id),
        name=row.name,
        scope=KeyScope(row.scope),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
    )


def _name_taken(error: IntegrityError, username: str) -> Exception:
    if faults.is_duplicate(error, "users.username"):
        return Conflict(f"There is a user {username!r} already; choose another name.", field="username")
    return error
