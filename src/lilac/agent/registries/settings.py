"""The registries that are configured: the table `[private_registry]` (and its variables), and `[[registries]]`.

An entry has a password (`secret`, or a file that holds it), or it is a registry of Amazon ECR without one: then the
agent asks AWS for tokens. What says that it is one is its host name, or a `region` or `role_arn` in the entry.

Imported by the command line, so it stays light.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lilac.agent.checking import Wrong, kind
from lilac.agent.registries.references import registry_of_url
from lilac.model.errors import InvalidInput

KEYS = ("registry_url", "username", "secret", "secret_file", "region", "role_arn", "profile", "endpoint_url")
_ECR_HOST = re.compile(
    r"^\d{12}\.dkr\.(?P<service>ecr|ecr-fips)\.(?P<region>[a-z0-9-]+)\.(?P<domain>amazonaws\.com(\.cn)?)$"
)
_JSON_KEYS = ("_json_key", "_json_key_base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One registry. The credential is used for images of this registry and for no others."""

    registry_url: str
    username: str = ""
    secret: str = field(default="", repr=False)
    secret_file: str | None = None
    region: str | None = None
    role_arn: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    """Another address of the ECR API, for example that of a private endpoint."""

    @property
    def host(self) -> str:
        return registry_of_url(self.registry_url)

    @property
    def is_ecr(self) -> bool:
        """Whether the agent has to ask AWS for the password."""
        if self.secret or self.secret_file:
            return False
        return bool(_ECR_HOST.match(self.host) or self.region or self.role_arn)

    @property
    def ecr_region(self) -> str | None:
        match = _ECR_HOST.match(self.host)
        return self.region or (match["region"] if match is not None else None)

    @property
    def ecr_endpoint(self) -> str:
        """The address of the ECR API for this registry, unless the settings name another."""
        if self.endpoint_url:
            return self.endpoint_url.rstrip("/")
        match = _ECR_HOST.match(self.host)
        service, domain = (match["service"], match["domain"]) if match is not None else ("ecr", "amazonaws.com")
        name = "ecr-fips" if service == "ecr-fips" else "api.ecr"
        return f"https://{name}.{self.ecr_region}.{domain}"

    def password(self) -> str:
        """The secret; read anew where it lies in a file. `InvalidInput` if it cannot be read."""
        if self.secret_file is None:
            return self.secret
        try:
            return Path(self.secret_file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"The secret of registry {self.host} cannot be read from {self.secret_file}: {error}."
            ) from error


def check_table(value: object) -> dict[str, str]:
    """Return the texts of one registry's table; `Wrong` names the key that cannot be."""
    if not isinstance(value, dict):
        raise Wrong(f"must be a table, not {kind(value)}")
    for key, text in value.items():  # pyright: ignore[reportUnknownVariableType]
        if key not in KEYS:
            raise Wrong(f"is not a setting; known are {', '.join(KEYS)}", key=str(key))  # pyright: ignore
        if not isinstance(text, str):
            raise Wrong(f"must be text in quotes, not {kind(text)}", key=str(key))  # pyright: ignore
    return {str(key): str(text) for key, text in value.items()}  # pyright: ignore


def check_tables(value: object) -> list[dict[str, str]]:
    """Return the tables of `[[registries]]`."""
    if not isinstance(value, list):
        raise Wrong(f"must be tables headed [[registries]], not {kind(value)}")
    return [check_table(table) for table in value]  # pyright: ignore[reportUnknownVariableType]


def registry_from(table: Mapping[str, str], *, where: str, remedy: Mapping[str, str] | None = None) -> Registry:
    """Return the registry of a checked table; `InvalidInput` if something is missing.

    `where` names the table, `remedy` the variable that gives a key too.
    """
    named = {key: f"{key} ({remedy[key]})" if remedy and key in remedy else key for key in KEYS}
    missing: list[str] = []
    registry = Registry(
        registry_url=table.get("registry_url", ""),
        username=table.get("username", ""),
        secret=table.get("secret", ""),
        **{key: table.get(key) or None for key in KEYS[3:]},
    )
    if not registry.registry_url:
        missing.append(named["registry_url"])
    if not registry.is_ecr:
        if not registry.username:
            missing.append(named["username"])
        if not registry.secret and registry.secret_file is None:
            missing.append(named["secret"])
    if missing:
        advice = "run `lilac agent configure` or set the variable" if remedy else "add it to the agent's file"
        raise InvalidInput(f"{where}: {' and '.join(missing)} must be set too: {advice}.", field=where)
    if registry.is_ecr and registry.ecr_region is None:
        raise InvalidInput(
            f"{where}: region must be set too, since the name {registry.host} does not tell it.", field=where
        )
    _check_json_key(registry, where)
    return registry


def table_of(registry: Registry) -> dict[str, str]:
    """Return the table that `registry_from` reads back."""
    values = {key: getattr(registry, key) for key in KEYS}
    return {key: value for key, value in values.items() if value}


def _check_json_key(registry: Registry, where: str) -> None:
    if registry.username != "_json_key" or not registry.secret:
        return
    try:
        whole = isinstance(json.loads(registry.secret), dict)
    except ValueError:
        whole = False
    if not whole:
        raise InvalidInput(
            f"{where}: with the username _json_key the secret must be the whole content of a service account's JSON "
            "key file (or name the file with secret_file).",
            field=where,
        )
