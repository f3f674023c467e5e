"""Passwords for Amazon ECR: tokens that AWS gives for some hours, renewed when 80 % of their life is over.

A task renews them in the background, so that a pull finds one that is good; a pull that comes first, or after the
machine slept, renews it by itself. While AWS cannot be reached, the old token is used as long as it lives.

The life of a token is told by AWS's clock; where that and ours differ by more than a minute, the difference is taken
into account (and the signature is made again with AWS's time).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson
import structlog

from lilac.agent.backoff import Backoff
from lilac.agent.registries.aws import ANSWER_PATIENCE_S, AwsCredentials, aws_words
from lilac.agent.registries.settings import Registry
from lilac.agent.registries.sigv4 import signed_headers
from lilac.model.errors import LilacError, Unavailable

log = structlog.get_logger(__name__)

RENEW_AT = 0.8
_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
_LONGEST_SLEEP_S = 300.0
_SKEW_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One password. Times are of this machine's clock."""

    password: str = field(repr=False)
    got_at: float
    ends_at: float

    @property
    def renew_at(self) -> float:
        return self.got_at + RENEW_AT * (self.ends_at - self.got_at)


class EcrTokens:
    """The passwords of one registry. `open` and `close` belong to the running event loop."""

    def __init__(
        self, registry: Registry, environ: Mapping[str, str], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._registry = registry
        self._region = registry.ecr_region or ""
        self._endpoint = (
            registry.endpoint_url
            or environ.get("AWS_ENDPOINT_URL_ECR")
            or environ.get("AWS_ENDPOINT_URL")
            or registry.ecr_endpoint
        ).rstrip("/")
        self._clock = clock
        self._credentials = AwsCredentials(
            environ, region=self._region, profile=registry.profile, role_arn=registry.role_arn, clock=self._aws_time
        )
        self._skew_s = 0.0
        self._token: Token | None = None
        self._asking = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to keep a good token at hand."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def password(self, *, anew: bool = False) -> str:
        """Return a password that is good now; `anew` if the last one was refused. `Unavailable` if AWS gives none."""
        before = self._token
        async with self._asking:
            if (
                self._token is not None
                and self._clock() < self._token.renew_at
                and not (anew and self._token is before)
            ):
                return self._token.password
            try:
                self._token = await self._ask()
            except LilacError as error:
                if self._token is None or self._clock() >= self._token.ends_at or anew:
                    raise Unavailable(
                        f"AWS gives no password for the registry {self._registry.host}: {error}"
                    ) from error
                log.warning("the token of ECR could not be renewed yet", registry=self._registry.host, why=str(error))
            return self._token.password

    async def _keep(self) -> None:
        backoff = Backoff(most_s=60.0)
        while True:
            try:
                await self.password()
            except LilacError as error:
                if backoff.failures == 0:
                    log.warning("no token of ECR, trying again", registry=self._registry.host, why=str(error))
            except Exception:
                log.exception("asking for a token of ECR failed")
            left = self._token.renew_at - self._clock() if self._token is not None else 0.0
            if left > 0:
                backoff.reset()
                # In pieces: this clock goes on while the machine sleeps, the event loop's does not.
                await asyncio.sleep(min(left + 0.01, _LONGEST_SLEEP_S))
            else:
                await asyncio.sleep(backoff.next_s())

    async def _ask(self) -> Token:
        timeout = aiohttp.ClientTimeout(total=ANSWER_PATIENCE_S)
        async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as session:
            keys = await self._credentials.keys(session)
            url, body = f"{self._endpoint}/", b"{}"
            headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGET}
            for last in (False, True):
                signed = signed_headers(
                    "POST", url, headers, body, keys=keys, region=self._region, service="ecr", now=self._aws_time()
                )
                asked_at = self._clock()
                try:
                    async with session.post(url, data=body, headers=signed, allow_redirects=False) as response:
                        answer = await response.read()
                        skewed = self._note_skew(response.headers.get("Date"))
                        if response.status == 200:
                            return self._token_in(answer, asked_at)
                        if last or not skewed:
                            raise Unavailable(f"ECR answered {response.status}{aws_words(answer)}.")
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    words = str(error) or type(error).__name__
                    raise Unavailable(f"{self._endpoint} cannot be reached: {words}.") from error
        raise AssertionError("unreachable")

    def _token_in(self, answer: bytes, asked_at: float) -> Token:
        try:
            data = orjson.loads(answer)["authorizationData"][0]
            _, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
            ends_at = float(data["expiresAt"]) - self._skew_s
        except (orjson.JSONDecodeError, binascii.Error, UnicodeDecodeError, LookupError, TypeError, ValueError):
            raise Unavailable("ECR answered without a token.") from None
        return Token(password=password, got_at=asked_at, ends_at=max(ends_at, asked_at))

    def _note_skew(self, date: str | None) -> bool:
        """Compare AWS's clock with ours; whether it is off by more than what was known."""
        try:
            theirs = email.utils.parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return False
        before, skew_s = self._skew_s, theirs - self._clock()
        self._skew_s = skew_s if abs(skew_s) > _SKEW_S else 0.0
        return abs(self._skew_s - before) > _SKEW_S

    def _aws_time(self) -> float:
        return self._clock() + self._skew_s
