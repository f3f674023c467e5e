"""Docker's own config.json, as `docker login` and its credential helpers leave it.

Read anew for each question, so that a login on the node counts at once. A helper is the program
`docker-credential-NAME`: it gets the word `get` and the server's name on its standard input, and answers in JSON. It
runs with the agent's environment and at most half a minute. Nothing that a helper says on success is ever repeated.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lilac.agent.registries.references import DOCKER_HUB, DOCKER_HUB_SERVER, registry_of_url

HELPER_PATIENCE_S = 30.0
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = ("credentials not found", "no credentials server url", "no credentials username")


@dataclass(frozen=True, slots=True)
class Login:
    """What Docker knows for one registry: a user's name and secret, or a token of identity."""

    username: str = ""
    secret: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


class DockerConfig:
    """The config in this directory (`~/.docker` or `$DOCKER_CONFIG`)."""

    def __init__(
        self, directory: Path, environ: Mapping[str, str], *, helper_patience_s: float = HELPER_PATIENCE_S
    ) -> None:
        self._path = directory / "config.json"
        self._environ = dict(environ)
        self._helper_patience_s = helper_patience_s

    async def login(self, host: str) -> tuple[Login | None, str | None]:
        """Return what there is for this registry, and a sentence about what went wrong, if something did."""
        try:
            document = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None, None
        except (OSError, orjson.JSONDecodeError) as error:
            return None, f"Docker's {self._path} cannot be read: {error}."
        if not isinstance(document, dict):
            return None, f"Docker's {self._path} holds no settings."
        complaint = None
        helper = _entry(document.get("credHelpers"), host) or document.get("credsStore")
        if isinstance(helper, str) and helper:
            found, complaint = await self._ask(helper, host)
            if found is not None:
                return found, None
        entry = _entry(document.get("auths"), host)
        if isinstance(entry, dict) and (login := _stored(entry)) is not None:
            return login, complaint
        return None, complaint

    async def _ask(self, helper: str, host: str) -> tuple[Login | None, str | None]:
        name = f"docker-credential-{helper}"
        program = shutil.which(name, path=self._environ.get("PATH")) if _HELPER_NAME.fullmatch(helper) else None
        if program is None:
            return None, f"{name}, which Docker's {self._path} names, is not on the agent's PATH."
        server = DOCKER_HUB_SERVER if host == DOCKER_HUB else host
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                "get",
                env=self._environ,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return None, f"{name} cannot be run: {error.strerror}."
        try:
            async with asyncio.timeout(self._helper_patience_s):
                said, _ = await process.communicate(server.encode())
        except TimeoutError:
            return None, f"{name} did not answer within {self._helper_patience_s:g} s."
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return _answer(name, process.returncode or 0, said)


def _answer(name: str, code: int, said: bytes) -> tuple[Login | None, str | None]:
    if code != 0:
        # A helper tells its errors on standard output; only the one that is no error has fixed words.
        if any(words in said.decode("utf-8", "replace").lower() for words in _NOT_FOUND):
            return None, None
        return None, f"{name} failed with exit code {code}: run it on the node to see why."
    try:
        document: Any = orjson.loads(said)
        username, secret = document["Username"], document["Secret"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None, f"{name} did not answer with a credential."
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        return None, f"{name} did not answer with a credential."
    return (Login(identity_token=secret) if username == "<token>" else Login(username, secret)), None


def _entry(table: Any, host: str) -> Any:
    """The table's value for this registry: its keys are host names, or addresses of old."""
    if not isinstance(table, dict):
        return None
    return next((value for key, value in table.items() if registry_of_url(key) == host), None)


def _stored(entry: Mapping[str, Any]) -> Login | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(identity_token=token)
    username, secret = entry.get("username"), entry.get("password")
    if isinstance(auth := entry.get("auth"), str) and auth:
        try:
            username, colon, secret = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon:
            return None
        secret = secret.rstrip("\0")
    if isinstance(username, str) and isinstance(secret, str) and username and secret:
        return Login(username, secret)
    return None
