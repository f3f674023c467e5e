"""Passwords: argon2id, computed off the event loop in a small pool of its own.

One computation takes tens of milliseconds and 64 MiB of memory, so at most a few run at a time and only so many may
wait: a flood of logins is answered with "later" instead of being queued without end. Checking a password of an account
that does not exist costs the same as of one that does (`verify(None, …)`), so the time of an answer tells nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lilac.model.errors import InvalidInput, Unavailable

T = TypeVar("T")

MIN_LENGTH = 8
MAX_LENGTH = 1024
_MAX_WAITING = 32


def check_password(password: str, *, field: str = "password") -> None:
    """Raise `InvalidInput` for a password that must not be set. The sentence never holds the password."""
    if len(password) < MIN_LENGTH:
        raise InvalidInput(f"{field} must be at least {MIN_LENGTH} characters long.", field=field)
    if len(password) > MAX_LENGTH:
        raise InvalidInput(f"{field} must be at most {MAX_LENGTH} characters long.", field=field)


class Passwords:
    """Hashes and verifies. `close` ends the threads; using it again starts new ones."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool: ThreadPoolExecutor | None = None
        self._under_way = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """The PHC string of a new password.

        Raises:
            Unavailable: too many computations are waiting already.
        """
        return await self._compute(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. Without a hash: False, after the same work.

        Raises:
            Unavailable: too many computations are waiting already.
        """
        if len(password) > MAX_LENGTH:
            return False
        return await self._compute(lambda: self._verify(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if self._dummy is None:
            self._dummy = self._hasher.hash(os.urandom(16).hex())
        try:
            self._hasher.verify(password_hash or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _compute(self, work: Callable[[], T]) -> T:
        if self._under_way >= _MAX_WAITING:
            raise Unavailable("Too many logins at the same time; try again in a few seconds.", retry_after_s=2)
        if self._pool is None:
            threads = max(1, min(4, (os.cpu_count() or 2) - 1))
            self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1
