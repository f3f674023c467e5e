"""Which credential a registry is shown. The first source that has one for the image's registry counts:

1. the variables LILAC_PRIVATE_REGISTRY_* over the table `[private_registry]`, key by key;
2. the tables `[[registries]]`, from the first to the last;
3. Docker's own config.json: `credHelpers`, then `credsStore`, then `auths`;
4. none: the image is asked for without a credential.

What is configured for the agent and cannot be had is an error. A problem with Docker's own config is only told when
the registry refuses: many images need no credential at all.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from lilac.agent.registries.docker_config import DockerConfig
from lilac.agent.registries.ecr import EcrTokens
from lilac.agent.registries.references import DOCKER_HUB, DOCKER_HUB_SERVER, registry_of_image
from lilac.agent.registries.settings import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What may be shown to `registry` (host and port), and to no other."""

    registry: str
    username: str = ""
    secret: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    renewable: bool = False
    """Whether another try may come with a newer one."""

    def header(self) -> str:
        """The engine's X-Registry-Auth."""
        server = DOCKER_HUB_SERVER if self.registry == DOCKER_HUB else self.registry
        document = {"serveraddress": server}
        if self.identity_token:
            document["identitytoken"] = self.identity_token
        else:
            document |= {"username": self.username, "password": self.secret}
        return base64.urlsafe_b64encode(orjson.dumps(document)).decode()


@dataclass(frozen=True, slots=True)
class Found:
    """A credential or none, and what is to be said about that if the registry refuses."""

    credential: Credential | None
    complaint: str | None = None


class Registries:
    """All sources of credentials. `open` and `close` belong to the running event loop."""

    def __init__(
        self,
        configured: Sequence[Registry] = (),
        *,
        docker_config: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environ = dict(environ or {})
        self._configured: dict[str, Registry] = {}
        for registry in configured:
            self._configured.setdefault(registry.host, registry)
        self._docker = DockerConfig(docker_config, self._environ) if docker_config is not None else None
        self._ecr = {
            host: EcrTokens(registry, self._environ) for host, registry in self._configured.items() if registry.is_ecr
        }

    async def open(self) -> None:
        for tokens in self._ecr.values():
            tokens.open()

    async def close(self) -> None:
        for tokens in self._ecr.values():
            await tokens.close()

    async def for_image(self, image: str, *, anew: bool = False) -> Found:
        """Return the credential for pulling this image; `anew` if the last one was refused.

        Raises `LilacError` where the one that is configured for the agent cannot be had.
        """
        host = registry_of_image(image)
        if (tokens := self._ecr.get(host)) is not None:
            password = await tokens.password(anew=anew)
            return Found(Credential(registry=host, username="AWS", secret=password, renewable=True))
        if (registry := self._configured.get(host)) is not None:
            return Found(Credential(registry=host, username=registry.username, secret=registry.password()))
        if self._docker is None:
            return Found(None)
        login, complaint = await self._docker.login(host)
        if login is None:
            return Found(None, complaint)
        return Found(
            Credential(
                registry=host, username=login.username, secret=login.secret, identity_token=login.identity_token
            ),
            complaint,
        )
