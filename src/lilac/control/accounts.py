"""People: signing in and up, profiles, roles, passwords, and the first administrator.

`Accounts` is the one door: it owns the verification of credentials (`authenticate`), the API keys (`keys`) and the
sign-ins of browsers (`web`). Logins
are held back after repeated failures, per account and per remote address (see `throttling`); a name that is nobody's
is answered with the same words, after the same time and with the same back-off as a wrong password.

Passwords, keys and tokens are never logged, and never part of an event or of an error's sentence.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from sqlalchemy import Connection

from lilac.control.authentication import Authenticator
from lilac.control.keys import Keys
from lilac.control.passwords import Passwords, check_password
from lilac.control.principals import Principal, require_user
from lilac.control.throttling import MAX_WAIT_S, Throttle, wait_after
from lilac.control.tokens import Tokens
from lilac.control.web_sessions import SignedIn, WebSessions
from lilac.model.accounts import Role, User
from lilac.model.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated
from lilac.model.events import Event, EventKind
from lilac.model.ids import UserId, parse_uuid
from lilac.model.states import JobState
from lilac.store import accounts as store
from lilac.store import listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter

FIRST_ADMIN = "admin"
USERNAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.@+-]{1,63}"
_USERNAME = re.compile(USERNAME_PATTERN)
_FIRST_RUN = (
    f"The server printed the password of {FIRST_ADMIN} once, when it started for the first time (or was given it in "
    f"LILAC_ADMIN_PASSWORD). If it is lost: lilac server password {FIRST_ADMIN}, on the server's machine."
)
_OPEN = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
_ADDRESS_FACTOR = 4
"""Many people may share one address, so it may fail this many times more often than one account."""


class AccountSettings(Protocol):
    """The settings that accounts depend on."""

    @property
    def allow_sign_up(self) -> bool: ...
    @property
    def allowed_usernames(self) -> list[str] | None: ...
    @property
    def token_lifetime_s(self) -> int: ...
    @property
    def session_lifetime_s(self) -> int: ...
    @property
    def login_max_failures(self) -> int: ...


class Credentials(NamedTuple):
    """Name and password of the first administrator, to be shown once."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What a new account is made of."""

    username: str
    password: str
    role: Role = Role.MEMBER
    first_name: str | None = None
    last_name: str | None = None


class Accounts:
    def __init__(
        self,
        db: Database,
        clock: Callable[[], float],
        secret: bytes,
        settings: AccountSettings,
        *,
        passwords: Passwords | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._passwords = passwords or Passwords()
        self._tokens = Tokens(secret, settings.token_lifetime_s)
        self._authenticator = Authenticator(db, clock, self._tokens)
        self.keys = Keys(db, clock, self._authenticator)
        self.web = WebSessions(db, clock, self._tokens, self._authenticator, settings.session_lifetime_s)
        self._addresses = Throttle(settings.login_max_failures * _ADDRESS_FACTOR)
        self._strangers = Throttle(settings.login_max_failures)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def bootstrap(self, admin_password: str | None = None) -> Credentials | None:
        """Make the first administrator where there is no account yet; None where there is one.

        Of two servers that start at once on one database, one makes it. Without a password a random one is made.
        """
        if await self._db.read(store.count_users):
            return None
        password = admin_password or secrets.token_urlsafe(18)
        check_password(password, field="admin_password")
        password_hash = await self._passwords.hash(password)
        user = self._build_user(FIRST_ADMIN, Role.ADMIN)
        made = await self._db.write(_insert_first, user, password_hash)
        return Credentials(FIRST_ADMIN, password) if made else None

    async def authenticate(self, credential: str) -> Principal:
        """Who holds this login token or API key; see `Authenticator.authenticate`."""
        return await self._authenticator.authenticate(credential)

    async def flush(self) -> None:
        """Write what is collected in memory (the last use of keys). For a background service."""
        await self._authenticator.flush()

    def forget(self) -> None:
        """Check every credential anew from now on, because keys or accounts went away by another door."""
        self._authenticator.forget()

    def close(self) -> None:
        self._passwords.close()

    async def login(self, username: str, password: str, *, address: str | None = None) -> str:
        """A login token for the right password. `address` is where the call came from.

        Raises:
            Unauthenticated: the name is nobody's, the password is wrong, or the account is disabled.
            TooManyRequests: too many failures; `details["retry_after_s"]` says when to try again.
        """
        user, password_hash = await self._sign_in(username, password, address)
        return self._tokens.issue(user.id, password_hash, self._clock())

    async def open_session(self, username: str, password: str, *, address: str | None = None) -> SignedIn:
        """Sign a browser in; refused and held back as `login`."""
        user, password_hash = await self._sign_in(username, password, address)
        return await self.web.open(user, password_hash)

    async def _sign_in(self, username: str, password: str, address: str | None) -> tuple[User, str]:
        """The account and its password hash for the right password."""
        now = self._clock()
        if address is not None:
            _refuse_for(self._addresses.wait_s(address, now))
            self._addresses.begin(address, now)
        try:
            user, password_hash = await self._prove(username, password, address)
        except Unauthenticated:
            raise
        except BaseException:
            if address is not None:
                self._addresses.forgive(address)
            raise
        if address is not None:
            self._addresses.succeeded(address)
        if self._passwords.needs_rehash(password_hash):
            password_hash = await self._passwords.hash(password)
            await self._db.write(_update, user.id, {"password_hash": password_hash})
        await self._db.write(_record_login, EventKind.USER_LOGGED_IN, user, address, now)
        return user, password_hash

    async def policy(self) -> dict[str, Any]:
        """What strangers may know: whether they may sign up, and how to begin where nobody has yet."""
        first_run = await self._db.read(store.count_users) <= 1
        return {
            "sign_up": self._settings.allow_sign_up,
            "sign_up_names": self._settings.allow_sign_up and self._settings.allowed_usernames is not None,
            "first_run": first_run,
            "first_administrator": FIRST_ADMIN,
            "hint": _FIRST_RUN if first_run else None,
        }

    async def sign_up(self, new: NewUser) -> User:
        """Make an account of role member for oneself, where the settings allow it."""
        allowed = self._settings.allowed_usernames
        if not self._settings.allow_sign_up:
            raise Forbidden("Forbidden: sign-up is disabled; ask an administrator for an account.")
        if allowed is not None and new.username not in allowed:
            raise Forbidden("Forbidden: this name may not sign up; ask an administrator for an account.")
        return await self._create(f"user:{new.username}", replace(new, role=Role.MEMBER))

    async def create_user(self, principal: Principal, new: NewUser) -> User:
        return await self._create(principal.actor, new)

    async def list_users(self) -> list[User]:
        return await self._db.read(store.list_users)

    async def profile(self, principal: Principal) -> User:
        """The caller's own account."""
        user = await self._db.read(store.get_user, require_user(principal))
        if user is None:
            raise NotFound("User not found")
        return user

    async def find_user(self, principal: Principal, ref: str) -> User:
        """An account by id or name: one's own, or any for administrators."""
        user = await self._db.read(_find_user, ref)
        if not principal.is_admin and (user is None or user.id != principal.user_id):
            raise Forbidden("Forbidden: only administrators may look at other accounts.")
        if user is None:
            raise NotFound(f"User not found: there is no account {ref!r}.")
        return user

    async def change_user(
        self,
        principal: Principal,
        ref: str,
        *,
        role: Role | None = None,
        password: str | None = None,
        disabled: bool | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> User:
        """Change role, password, names or whether the account is disabled; None leaves a value as it is.

        Raises:
            Conflict: no administrator would be left who can sign in.
        """
        user = await self.find_user(principal, ref)
        values: dict[str, Any] = {}
        if role is not None and role is not user.role:
            values["role"] = role
        if disabled is not None and disabled is not user.disabled:
            values["disabled"] = disabled
        _check_names(first_name, last_name)
        values |= {
            name: value
            for name, value in (("first_name", first_name), ("last_name", last_name))
            if value is not None and value != getattr(user, name)
        }
        if password is not None:
            check_password(password)
            values["password_hash"] = await self._passwords.hash(password)
        if not values:
            return user
        changed = await self._db.write(_change, principal.actor, user.id, values, self._clock())
        self._authenticator.forget()
        return changed

    async def delete_user(self, principal: Principal, ref: str) -> None:
        """Delete an account and its keys. Ended jobs and the history stay, without an owner.

        Raises:
            Conflict: jobs of it wait or run, or no administrator would be left who can sign in.
        """
        user = await self.find_user(principal, ref)
        await self._db.write(_delete, principal.actor, user.id, self._clock())
        self._authenticator.forget()

    async def change_password(self, principal: Principal, old_password: str, new_password: str) -> str:
        """Set the caller's own password. All earlier login tokens are void; the new one is returned."""
        user_id = require_user(principal)
        check_password(new_password, field="new_password")
        profile = await self.profile(principal)
        try:
            await self._prove(profile.username, old_password)
        except Unauthenticated:
            raise Forbidden("Forbidden: old_password is wrong.", field="old_password") from None
        password_hash = await self._passwords.hash(new_password)
        values = {"password_hash": password_hash}
        await self._db.write(_change, principal.actor, user_id, values, self._clock())
        self._authenticator.forget()
        return self._tokens.issue(user_id, password_hash, self._clock())

    async def reset_password(self, username: str, new_password: str) -> User:
        """Set anybody's password without knowing the old one. For who holds the server's machine."""
        check_password(new_password)
        user = await self._db.read(_find_user, username)
        if user is None:
            raise NotFound(f"User not found: there is no account {username!r}.")
        values = {"password_hash": await self._passwords.hash(new_password)}
        changed = await self._db.write(_change, "system", user.id, values, self._clock())
        self._authenticator.forget()
        return changed

    async def _prove(self, username: str, password: str, address: str | None = None) -> tuple[User, str]:
        """The account and its password hash if the password is right. One try at a time for each name."""
        if not _USERNAME.fullmatch(username):
            await self._passwords.verify(None, password)
            raise Unauthenticated("Invalid credentials")
        lock = self._locks.setdefault(username, asyncio.Lock())
        async with lock:
            now = self._clock()
            found = await self._db.read(store.credentials, username)
            if found is None:
                _refuse_for(self._strangers.wait_s(username, now))
                self._strangers.begin(username, now)
                await self._passwords.verify(None, password)
                raise Unauthenticated("Invalid credentials")
            user, password_hash, failures, blocked_until = found
            _refuse_for((blocked_until or 0.0) - now)
            if not await self._passwords.verify(password_hash, password) or user.disabled:
                await self._note_failure(user, failures, blocked_until, now, address)
                raise Unauthenticated("Invalid credentials")
            if failures:
                await self._db.write(_note_login, user.id, 0, None)
            return user, password_hash

    async def _note_failure(
        self, user: User, failures: int, blocked_until: float | None, now: float, address: str | None
    ) -> None:
        """Count a failure. `blocked_until` is set even if the wait is zero: it tells when the last failure was."""
        stale = blocked_until is not None and now - blocked_until > MAX_WAIT_S
        count = 1 if stale else failures + 1
        wait = wait_after(count, self._settings.login_max_failures)
        await self._db.write(_note_login, user.id, count, now + wait)
        await self._db.write(_record_login, EventKind.USER_LOGIN_FAILED, user, address, now)

    async def _create(self, actor: str, new: NewUser) -> User:
        if not _USERNAME.fullmatch(new.username) or parse_uuid(new.username):
            raise InvalidInput(
                "username must be 2 to 64 letters, digits or any of _ . @ + -, beginning with a letter or digit.",
                field="username",
            )
        _check_names(new.first_name, new.last_name)
        check_password(new.password)
        user = self._build_user(new.username, new.role, new.first_name, new.last_name)
        password_hash = await self._passwords.hash(new.password)
        await self._db.write(_insert, actor, user, password_hash)
        return user

    def _build_user(
        self, username: str, role: Role, first_name: str | None = None, last_name: str | None = None
    ) -> User:
        now = self._clock()
        return User(
            id=UserId(str(uuid.uuid4())),
            username=username,
            role=role,
            first_name=first_name,
            last_name=last_name,
            created_at=now,
            updated_at=now,
        )


def _check_names(first_name: str | None, last_name: str | None) -> None:
    for field, value in (("first_name", first_name), ("last_name", last_name)):
        if value is not None and (len(value) > 100 or not value.isprintable()):
            raise InvalidInput(f"{field} must be printable and at most 100 characters long.", field=field)


def _refuse_for(wait_s: float) -> None:
    if wait_s > 0:
        seconds = ceil(wait_s)
        raise TooManyRequests(f"Too many failed logins; try again in {seconds} s.", retry_after_s=seconds)


def _find_user(conn: Connection, ref: str) -> User | None:
    user_id = parse_uuid(ref)
    return store.get_user(conn, UserId(user_id)) if user_id else store.get_user_by_name(conn, ref)


def _insert_first(tx: Transaction, user: User, password_hash: str) -> bool:
    """Insert unless there is an account already. The setting is the tie-break between servers that start at once."""
    if store.count_users(tx.conn) or store.put_setting_once(tx.conn, "first_admin", user.id) != user.id:
        return False
    store.insert_user(tx.conn, user, password_hash)
    _record(tx, EventKind.USER_CREATED, "system", user, at=user.created_at)
    return True


def _insert(tx: Transaction, actor: str, user: User, password_hash: str) -> None:
    if store.get_user_by_name(tx.conn, user.username) is not None:
        raise Conflict("User already exists")
    store.insert_user(tx.conn, user, password_hash)
    _record(tx, EventKind.USER_CREATED, actor, user, at=user.created_at)


def _update(tx: Transaction, user_id: UserId, values: dict[str, Any]) -> None:
    store.update_user(tx.conn, user_id, **values)


def _change(tx: Transaction, actor: str, user_id: UserId, values: dict[str, Any], now: float) -> User:
    before = store.get_user(tx.conn, user_id)
    if before is None or not store.update_user(tx.conn, user_id, **values, updated_at=now):
        raise NotFound("User not found")
    if _is_active_admin(before) and not any(map(_is_active_admin, store.list_users(tx.conn))):
        raise Conflict("This is the last administrator who can sign in; make another one first.")
    if "password_hash" in values or values.get("disabled") is False:
        store.note_login(tx.conn, user_id, failed_logins=0, blocked_until=None)
    user = store.get_user(tx.conn, user_id)
    assert user is not None
    changed = sorted("password" if name == "password_hash" else name for name in values)
    _record(tx, EventKind.USER_CHANGED, actor, user, at=now, changed=changed)
    return user


def _delete(tx: Transaction, actor: str, user_id: UserId, now: float) -> None:
    user = store.get_user(tx.conn, user_id)
    if user is None:
        raise NotFound("User not found")
    open_jobs = JobFilter(owner_id=user_id, states=_OPEN)
    if found := listing.list_work(tx.conn, open_jobs, limit=1):
        raise Conflict(
            f"Jobs of {user.username} wait or run (such as {found[0].spec.name}); cancel them first, "
            "or disable the account."
        )
    store.delete_user(tx.conn, user_id)
    if _is_active_admin(user) and not any(map(_is_active_admin, store.list_users(tx.conn))):
        raise Conflict("This is the last administrator who can sign in; make another one first.")
    _record(tx, EventKind.USER_DELETED, actor, user, at=now)


def _is_active_admin(user: User) -> bool:
    return user.role is Role.ADMIN and not user.disabled


def _note_login(tx: Transaction, user_id: UserId, failures: int, blocked_until: float | None) -> None:
    store.note_login(tx.conn, user_id, failed_logins=failures, blocked_until=blocked_until)


def _record_login(tx: Transaction, kind: EventKind, user: User, address: str | None, now: float) -> None:
    """For the audit. A name that is nobody's is not recorded: it could be a password in the wrong place."""
    actor = f"user:{user.username}" if kind is EventKind.USER_LOGGED_IN else "system"
    _record(tx, kind, actor, user, at=now, address=address)


def _record(tx: Transaction, kind: EventKind, actor: str, user: User, *, at: float, **facts: Any) -> None:
    data = {"username": user.username, "role": str(user.role), "disabled": user.disabled, **facts}
    tx.record(Event(kind=kind, at=at, actor=actor, user_id=user.id, data=data))
