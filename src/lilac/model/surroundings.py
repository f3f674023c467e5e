"""What a job may ask of the place it runs in, besides resources: secrets, volumes, ports, its stop signal, exclusivity.

All of it is small frozen values of the spec. An agent of an earlier release does not know some of them and would run
the job without; so each is a *feature* that an agent tells in its report, and a job that needs one is only placed
where it is known (`features_of`). Names are plain words, since they become names of environment variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from lilac.model.errors import InvalidInput

DEFAULT_STOP_SIGNAL = "SIGTERM"
STOP_SIGNALS = (
    "SIGABRT",
    "SIGALRM",
    "SIGCONT",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGQUIT",
    "SIGTERM",
    "SIGUSR1",
    "SIGUSR2",
    "SIGWINCH",
)
MOST_SECRETS = 64
MOST_VOLUMES = 64
MOST_PORTS = 64
MOST_SECRET_BYTES = 65_536

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PROTOCOLS = ("tcp", "udp")


class Feature(StrEnum):
    """What an agent has to know so that a job may be placed there."""

    ARGS = "args"
    STOP_SIGNAL = "stop_signal"
    SECRETS = "secrets"
    VOLUMES = "volumes"
    PORTS = "ports"
    EXCLUSIVE = "exclusive"
    LIMITS = "limits"
    """Replicas are kept to the CPU and memory that they asked for. Told for people; no job needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """A secret by its name, given to the job as a variable or as a file below /run/secrets; never its value."""

    name: str
    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """A named volume, or a path of the node where its agent allows that, seen by the job at `path`."""

    path: str
    name: str | None = None
    host_path: str | None = None
    read_only: bool = False
    volume_id: str | None = None
    """Which volume the name meant when the job was submitted."""

    @property
    def variable(self) -> str:
        """The environment variable that tells where it is: named after the volume, or the last part of `path`."""
        return f"LILAC_VOLUME_{_as_variable(self.name or PurePosixPath(self.path).name or 'ROOT')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port on which the job listens; a container's is published on a free port of its node."""

    port: int
    name: str = ""
    protocol: str = "tcp"

    @property
    def key(self) -> str:
        """`8080/tcp`, as the engine and the reports of agents name it."""
        return f"{self.port}/{self.protocol}"

    @property
    def variable(self) -> str:
        return f"LILAC_PORT_{_as_variable(self.name or str(self.port))}"


def plain_signal(text: str) -> str:
    """`SIGINT` for `SIGINT`, `int` and `INT`.

    Raises:
        InvalidInput: it is not one that a job can be asked to end with.
    """
    word = text.strip().upper()
    word = word if word.startswith("SIG") else f"SIG{word}"
    if word not in STOP_SIGNALS:
        raise InvalidInput(f"stop_signal must be one of {', '.join(STOP_SIGNALS)}, not {text!r}.", field="stop_signal")
    return word


def check_name(name: str, field: str) -> None:
    """Raise `InvalidInput` unless it can be the name of a secret, a volume or a port."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{field} must be 1 to 63 letters, digits or any of . _ -, beginning and ending with a letter or digit, "
            f"not {name[:80]!r}.",
            field=field,
        )


def check_secrets(secrets: tuple[SecretRef, ...], env: frozenset[str]) -> None:
    """`env` are the variables that the job sets itself."""
    _check_count(len(secrets), MOST_SECRETS, "secrets")
    variables: set[str] = set()
    files: set[str] = set()
    for secret in secrets:
        check_name(secret.name, "secrets.name")
        if (secret.env is None) is (secret.file is None):
            raise InvalidInput(f"secrets: {secret.name} needs either env or file.", field="secrets")
        if secret.env is not None:
            if not _VARIABLE.fullmatch(secret.env) or secret.env.startswith("LILAC_"):
                raise InvalidInput(f"secrets: {secret.env!r} is not a variable's name.", field="secrets.env")
            if secret.env in variables or secret.env in env:
                raise InvalidInput(f"secrets: the variable {secret.env} is set twice.", field="secrets.env")
            variables.add(secret.env)
        if secret.file is not None:
            check_name(secret.file, "secrets.file")
            if secret.file in files:
                raise InvalidInput(f"secrets: the file {secret.file} is there twice.", field="secrets.file")
            files.add(secret.file)


def check_volumes(volumes: tuple[VolumeMount, ...], most_replicas: int) -> None:
    _check_count(len(volumes), MOST_VOLUMES, "volumes")
    paths: set[str] = set()
    variables: set[str] = set()
    for volume in volumes:
        if (volume.name is None) is (volume.host_path is None):
            raise InvalidInput("volumes: each needs either name or host_path.", field="volumes")
        if volume.name is not None:
            check_name(volume.name, "volumes.name")
            if most_replicas > 1:
                raise InvalidInput(
                    "volumes: the data of a named volume is on one node, so a job with one has one replica; "
                    "use a host_path that all nodes share.",
                    field="volumes",
                )
        if volume.host_path is not None:
            check_path(volume.host_path, "volumes.host_path")
        check_path(volume.path, "volumes.path")
        if volume.path == "/":
            raise InvalidInput("volumes.path must not be /.", field="volumes.path")
        if volume.path in paths:
            raise InvalidInput(f"volumes: {volume.path} is there twice.", field="volumes.path")
        if volume.variable in variables:
            raise InvalidInput(f"volumes: two of them would be told in {volume.variable}.", field="volumes")
        paths.add(volume.path)
        variables.add(volume.variable)


def check_path(path: str, field: str) -> None:
    """Raise `InvalidInput` unless it is absolute and plain: nothing that leads elsewhere than it says."""
    plain = path.startswith("/") and path.isprintable() and ":" not in path and len(path) <= 4096
    parts = path.split("/")[1:] if plain else []
    if not plain or (path != "/" and any(part in ("", ".", "..") for part in parts)):
        raise InvalidInput(
            f"{field} must be an absolute path without . and .. and colons, not {path[:200]!r}.", field=field
        )


def check_ports(ports: tuple[Port, ...]) -> None:
    _check_count(len(ports), MOST_PORTS, "ports")
    keys: set[str] = set()
    variables: set[str] = set()
    for port in ports:
        if not 1 <= port.port <= 65_535:
            raise InvalidInput(f"ports.port must be between 1 and 65535, not {port.port}.", field="ports.port")
        if port.protocol not in _PROTOCOLS:
            raise InvalidInput(f"ports.protocol must be tcp or udp, not {port.protocol!r}.", field="ports.protocol")
        if port.name:
            check_name(port.name, "ports.name")
        if port.key in keys or port.variable in variables:
            raise InvalidInput(f"ports: {port.name or port.key} is there twice.", field="ports")
        keys.add(port.key)
        variables.add(port.variable)


def allows_path(allowed: tuple[str, ...], path: str, *, read_only: bool) -> bool:
    """Whether a list such as ("/data", "/shared:ro") admits a host path, as far as its words go.

    The agent looks again at where the path really leads.
    """
    for entry in allowed:
        root, _, mode = entry.partition(":")
        if mode == "ro" and not read_only:
            continue
        if path == root or path.startswith(root.rstrip("/") + "/"):
            return True
    return False


def _as_variable(name: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in name).upper()


def _check_count(count: int, most: int, field: str) -> None:
    if count > most:
        raise InvalidInput(f"{field}: at most {most}, not {count}.", field=field)
