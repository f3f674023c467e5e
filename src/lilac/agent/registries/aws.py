"""Where AWS credentials come from, in the order of AWS's own tools, and the role that may be taken with them.

1. the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (unless the registry names a profile);
2. a web identity: AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, exchanged at STS;
3. the shared files: ~/.aws/credentials, then ~/.aws/config, in the profile of the registry, of AWS_PROFILE, `default`;
4. the container's end point: AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI;
5. the machine's role, by version 2 of the instance metadata service, unless AWS_EC2_METADATA_DISABLED is true.

A source that is not there is passed over; one that is there and fails is an error that names it. With a `role_arn` the
credentials found are exchanged for those of that role. Profiles that take a role or run a program themselves are not
followed: give the registry a `role_arn`.

Nothing is kept: a token of ECR is asked for every ten hours, and credentials end sooner than that.
"""

from __future__ import annotations

import configparser
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import aiohttp
import orjson

from lilac.agent.registries.sigv4 import AwsKeys, signed_headers
from lilac.model.errors import Unavailable

METADATA_ENDPOINT = "http://169.254.169.254"
CONTAINER_ENDPOINT = "http://169.254.170.2"
METADATA_PATIENCE_S = 2.0
ANSWER_PATIENCE_S = 20.0
_STS_VERSION = "2011-06-15"
_LOCAL_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "localhost", "127.0.0.1", "::1", "fd00:ec2::23"})


class AwsCredentials:
    """Finds the keys for one registry. `session` carries the calls."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        region: str,
        profile: str | None = None,
        role_arn: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environ = environ
        self._region = region
        self._profile = profile
        self._role_arn = role_arn
        self._clock = clock

    async def keys(self, session: aiohttp.ClientSession) -> AwsKeys:
        """Return the keys to sign with; `Unavailable` says what was looked for and what failed."""
        keys = await self._found(session)
        return keys if self._role_arn is None else await self._assume(session, keys, self._role_arn)

    async def _found(self, session: aiohttp.ClientSession) -> AwsKeys:
        environ = self._environ
        if self._profile is None and environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
            return AwsKeys(
                access_key_id=environ["AWS_ACCESS_KEY_ID"],
                secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
                session_token=environ.get("AWS_SESSION_TOKEN") or None,
            )
        if self._profile is None and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") and environ.get("AWS_ROLE_ARN"):
            return await self._web_identity(session)
        if (keys := self._shared()) is not None:
            return keys
        if self._profile is not None:
            raise Unavailable(f"There are no AWS keys in profile {self._profile} of {self._files()[0]}.")
        # Both are of this machine, so no proxy may come between, which `session` may have.
        if (keys := await self._container()) is not None:
            return keys
        async with aiohttp.ClientSession() as direct:
            if (keys := await self._machine(direct)) is not None:
                return keys
        raise Unavailable(
            "There are no AWS credentials on this node: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the agent, "
            f"write {self._files()[0]}, or give the machine a role that may read from ECR."
        )

    def _files(self) -> tuple[Path, Path]:
        home = Path(self._environ.get("HOME") or "~").expanduser()
        credentials = self._environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials"
        config = self._environ.get("AWS_CONFIG_FILE") or home / ".aws" / "config"
        return Path(credentials), Path(config)

    def _shared(self) -> AwsKeys | None:
        profile = self._profile or self._environ.get("AWS_PROFILE") or "default"
        sections = (profile, profile if profile == "default" else f"profile {profile}")
        for path, section in zip(self._files(), sections, strict=True):
            parser = configparser.RawConfigParser()
            try:
                parser.read(path, encoding="utf-8")
            except (configparser.Error, UnicodeDecodeError, OSError):
                # Its own words would repeat the line that is wrong, which may hold a secret.
                raise Unavailable(f"{path} cannot be read as a file of AWS profiles.") from None
            table = parser[section] if parser.has_section(section) else {}
            if table.get("aws_access_key_id") and table.get("aws_secret_access_key"):
                return AwsKeys(
                    access_key_id=table["aws_access_key_id"],
                    secret_access_key=table["aws_secret_access_key"],
                    session_token=table.get("aws_session_token") or None,
                )
        return None

    async def _container(self) -> AwsKeys | None:
        url = self._environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if relative := self._environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            url = CONTAINER_ENDPOINT + relative
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.hostname or "") not in _LOCAL_HOSTS:
            raise Unavailable(f"AWS_CONTAINER_CREDENTIALS_FULL_URI must be local or https, not {parts.hostname}.")
        token = self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        if file := self._environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = _file_text(file)
        headers = {"Authorization": token} if token else {}
        what = "The container's end point for AWS credentials"
        async with aiohttp.ClientSession() as direct:
            return _keys_of(_json(await _call(direct, "GET", url, headers=headers, what=what)), what)

    async def _machine(self, session: aiohttp.ClientSession) -> AwsKeys | None:
        if self._environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            return None
        base = (self._environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or METADATA_ENDPOINT).rstrip("/")
        what = "The machine's metadata service"
        roles = f"{base}/latest/meta-data/iam/security-credentials/"
        try:
            async with session.put(
                f"{base}/latest/api/token",
                headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"},
                timeout=aiohttp.ClientTimeout(total=METADATA_PATIENCE_S),
            ) as response:
                if response.status != 200:
                    return None
                headers = {"X-aws-ec2-metadata-token": await response.text()}
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None  # not a machine of AWS
        try:
            role = (await _call(session, "GET", roles, headers=headers, what=what)).decode().split("\n")[0].strip()
        except Unavailable as error:
            raise Unavailable(f"This machine has no role in AWS: {error}") from error
        body = await _call(session, "GET", roles + role, headers=headers, what=what)
        return _keys_of(_json(body), what)

    async def _web_identity(self, session: aiohttp.ClientSession) -> AwsKeys:
        fields = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": _STS_VERSION,
            "RoleArn": self._environ["AWS_ROLE_ARN"],
            "RoleSessionName": self._environ.get("AWS_ROLE_SESSION_NAME") or "lilac-agent",
            "WebIdentityToken": _file_text(self._environ["AWS_WEB_IDENTITY_TOKEN_FILE"]),
        }
        return await self._ask_sts(session, fields, None)

    async def _assume(self, session: aiohttp.ClientSession, keys: AwsKeys, role_arn: str) -> AwsKeys:
        fields = {
            "Action": "AssumeRole",
            "Version": _STS_VERSION,
            "RoleArn": role_arn,
            "RoleSessionName": "lilac-agent",
        }
        return await self._ask_sts(session, fields, keys)

    async def _ask_sts(
        self, session: aiohttp.ClientSession, fields: Mapping[str, str], keys: AwsKeys | None
    ) -> AwsKeys:
        domain = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        configured = self._environ.get("AWS_ENDPOINT_URL_STS") or self._environ.get("AWS_ENDPOINT_URL")
        url = (configured or f"https://sts.{self._region}.{domain}").rstrip("/") + "/"
        body = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if keys is not None:
            headers = signed_headers(
                "POST", url, headers, body, keys=keys, region=self._region, service="sts", now=self._clock()
            )
        what = f"AWS does not give the role {fields['RoleArn']}: STS"
        answer = await _call(session, "POST", url, headers=headers, body=body, what=what)
        try:
            found = {
                element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(answer).iter()
            }
            return AwsKeys(
                access_key_id=found["AccessKeyId"],
                secret_access_key=found["SecretAccessKey"],
                session_token=found["SessionToken"],
            )
        except (ElementTree.ParseError, KeyError):
            raise Unavailable(f"{what} answered without credentials.") from None


async def _call(
    session: aiohttp.ClientSession, method: str, url: str, *, headers: Mapping[str, str], what: str, body: bytes = b""
) -> bytes:
    """One call whose answer is to be 200; its errors tell `what` failed, and never what was sent."""
    try:
        async with session.request(
            method,
            url,
            headers=headers,
            data=body or None,
            timeout=aiohttp.ClientTimeout(total=ANSWER_PATIENCE_S),
            allow_redirects=False,
        ) as response:
            answer = await response.read()
            if response.status != 200:
                raise Unavailable(f"{what} answered {response.status}{aws_words(answer)}.")
            return answer
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"{what} cannot be reached: {error or type(error).__name__}.") from error


def aws_words(answer: bytes) -> str:
    """AWS's own error code and sentence, where the answer has them, in JSON or XML."""
    document = _json(answer)
    if not isinstance(document, dict):
        try:
            tree = ElementTree.fromstring(answer)
        except ElementTree.ParseError:
            return ""
        document = {element.tag.rpartition("}")[2]: element.text for element in tree.iter()}
    kind = str(document.get("__type") or document.get("Code") or "").rpartition("#")[2]
    words = str(document.get("message") or document.get("Message") or "")[:200]
    return "".join(f" ({part})" if number == 0 else f": {part}" for number, part in enumerate((kind, words)) if part)


def _keys_of(document: Any, what: str) -> AwsKeys:
    try:
        return AwsKeys(
            access_key_id=document["AccessKeyId"],
            secret_access_key=document["SecretAccessKey"],
            session_token=document.get("Token"),
        )
    except (KeyError, TypeError, AttributeError):
        raise Unavailable(f"{what} answered without credentials.") from None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _file_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path}, which holds a token for AWS, cannot be read: {error}.") from error
