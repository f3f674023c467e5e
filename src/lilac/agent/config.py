"""The agent's settings: a file, and the environment over it, key by key.

The file is `~/.lilac/agent.toml`. Every variable of the environment replaces just its own key, and loading never
writes the file. A node id that is configured nowhere is made once and kept in the state directory, so a restarted
agent is the same node again. Problems are told with file, line and key, and with what to do next.

Imported by the command line, so it stays light: standard library and `lilac.model` only.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import tempfile
import tomllib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lilac.agent.checking import Wrong as _Wrong
from lilac.agent.checking import gigabytes as _gigabytes
from lilac.agent.checking import kind as _kind
from lilac.agent.checking import text as _text
from lilac.agent.registries.settings import Registry, check_table, check_tables, registry_from, table_of
from lilac.model.clusters import RuntimeName
from lilac.model.errors import InvalidInput
from lilac.model.ids import NodeId, parse_uuid
from lilac.model.surroundings import check_path

MIN_FREE_DISK_GB = 2.0
CONFIGURE_HINT = "run `lilac agent configure`"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """Everything that an agent needs to know before it starts."""

    api_endpoint: str
    """Where the control plane is; of one with several replicas their addresses, separated by commas."""
    cluster_api_key: str = field(repr=False)
    node_id: NodeId
    node_name: str = ""
    runtimes: tuple[RuntimeName, ...] = (RuntimeName.DOCKER,)
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    state_dir: Path = Path("~/.lilac/agent")
    docker_host: str | None = None
    port_address: str = "0.0.0.0"
    """On which of the node's addresses the ports of containers are published."""
    ca_file: str | None = None
    """Certificate authorities to trust for HTTPS to the control plane, instead of the system's."""
    private_registry: Registry | None = None
    registries: tuple[Registry, ...] = ()
    docker_config: Path | None = None
    """The directory of Docker's own config.json, with credentials for registries."""
    allowed_host_paths: tuple[str, ...] = ()
    """Paths of this machine that jobs may mount, with what is below them; `/path:ro` for reading only."""
    image_cache_gb: float | None = None
    """How much disk the images may take that the agent pulled; None for all there is."""
    min_free_disk_gb: float = MIN_FREE_DISK_GB
    """How much of the engine's disk is to stay free: below, nothing is pulled."""
    metrics_port: int | None = None
    """A port of the loopback for the agent's own metrics; None: nothing listens."""

    @property
    def all_registries(self) -> tuple[Registry, ...]:
        """The configured registries in their order of precedence."""
        return (*([self.private_registry] if self.private_registry is not None else []), *self.registries)


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the agent's file lies unless told otherwise."""
    return _home(environ) / ".lilac" / "agent.toml"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> AgentConfig:
    """Return the settings of file and environment together.

    Raises `InvalidInput` with one sentence that names the place and the remedy.
    """
    path = path if path is not None else default_path(environ)
    values = stored(path)
    _override(values, environ)
    endpoint = values.get("api_endpoint")
    if not endpoint:
        raise InvalidInput(
            f"The control plane's address is not configured: {CONFIGURE_HINT} or set LILAC_API_ENDPOINT "
            f"(looked into {path}).",
            field="api_endpoint",
        )
    key = values.get("cluster_api_key")
    if not key:
        raise InvalidInput(
            f"The cluster's API key is not configured: {CONFIGURE_HINT} or set LILAC_CLUSTER_API_KEY "
            f"(looked into {path}).",
            field="cluster_api_key",
        )
    state_dir = Path(values.get("state_dir") or _home(environ) / ".lilac" / "agent")
    if str(state_dir).startswith("~"):
        state_dir = Path(str(state_dir).replace("~", str(_home(environ)), 1))
    state_dir = state_dir.absolute()
    return AgentConfig(
        api_endpoint=endpoint.rstrip("/"),
        cluster_api_key=key,
        node_id=NodeId(values.get("node_id") or _kept_node_id(state_dir)),
        node_name=values.get("node_name") or socket.gethostname(),
        runtimes=values.get("runtimes") or (RuntimeName.DOCKER,),
        labels=values.get("labels") or {},
        state_dir=state_dir,
        docker_host=values.get("docker_host"),
        port_address=values.get("port_address") or "0.0.0.0",
        ca_file=values.get("ca_file"),
        private_registry=_registry(values.get("private_registry")),
        registries=_registries(values.get("registries") or []),
        docker_config=Path(environ.get("DOCKER_CONFIG") or _home(environ) / ".docker"),
        allowed_host_paths=values.get("allowed_host_paths") or (),
        image_cache_gb=values.get("image_cache_gb"),
        metrics_port=values.get("metrics_port"),
        min_free_disk_gb=values.get("min_free_disk_gb", MIN_FREE_DISK_GB),
    )


def stored(path: Path) -> dict[str, Any]:
    """Return the checked values of the file alone, by key; an absent file has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(_syntax_sentence(path, text, error)) from error
    values: dict[str, Any] = {}
    for key, value in document.items():
        check = _CHECKS.get(key)
        if check is None:
            known = ", ".join(sorted(_CHECKS))
            raise InvalidInput(f"{_place(path, text, key)}: {key} is not a setting; known are {known}.", field=key)
        try:
            values[key] = check(value)
        except _Wrong as wrong:
            name = f"{key}.{wrong.key}" if wrong.key else key
            where = _place(path, text, wrong.key or key, section=key if wrong.key else None)
            raise InvalidInput(f"{where}: {name} {wrong}.", field=name) from None
    return values


def save(config: AgentConfig, path: Path) -> None:
    """Write the settings to `path`: atomically, readable by the owner only."""
    import tomli_w

    document: dict[str, Any] = {
        "api_endpoint": config.api_endpoint,
        "cluster_api_key": config.cluster_api_key,
        "node_id": config.node_id,
        "node_name": config.node_name,
        "runtimes": [str(name) for name in config.runtimes],
        "state_dir": str(config.state_dir),
    }
    if config.docker_host:
        document["docker_host"] = config.docker_host
    if config.port_address != "0.0.0.0":
        document["port_address"] = config.port_address
    if config.ca_file:
        document["ca_file"] = config.ca_file
    if config.labels:
        document["labels"] = dict(config.labels)
    if config.private_registry is not None:
        document["private_registry"] = table_of(config.private_registry)
    if config.registries:
        document["registries"] = [table_of(registry) for registry in config.registries]
    if config.allowed_host_paths:
        document["allowed_host_paths"] = list(config.allowed_host_paths)
    if config.image_cache_gb is not None:
        document["image_cache_gb"] = config.image_cache_gb
    if config.metrics_port is not None:
        document["metrics_port"] = config.metrics_port
    if config.min_free_disk_gb != MIN_FREE_DISK_GB:
        document["min_free_disk_gb"] = config.min_free_disk_gb
    write_private(path, tomli_w.dumps(document))


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step; mode 0600, in a directory of mode 0700 if it has to be made."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _override(values: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable, (key, check) in _VARIABLES.items():
        text = environ.get(variable)
        if not text:
            continue
        try:
            values[key] = check(text)
        except _Wrong as wrong:
            raise InvalidInput(f"{variable} {wrong}.", field=variable) from None
    registry = dict(values.get("private_registry") or {})
    for variable, key in _REGISTRY_VARIABLES.items():
        if environ.get(variable):
            registry[key] = environ[variable]
    if registry:
        values["private_registry"] = registry


def _registry(table: Mapping[str, str] | None) -> Registry | None:
    if not table:
        return None
    remedy = {key: variable for variable, key in _REGISTRY_VARIABLES.items()}
    return registry_from(table, where="private_registry", remedy=remedy)


def _registries(tables: Sequence[Mapping[str, str]]) -> tuple[Registry, ...]:
    return tuple(registry_from(table, where=f"registries[{n}]") for n, table in enumerate(tables, start=1))


def _kept_node_id(state_dir: Path) -> str:
    path = state_dir / "node_id"
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        made = str(uuid.uuid4())
        write_private(path, made + "\n")
        return made
    node_id = parse_uuid(text)
    if node_id is None:
        raise InvalidInput(f"{path} must hold a UUID, not {text!r}; remove the file to become a new node.")
    return node_id


def _endpoint(value: object) -> str:
    text = _text(value)
    if not text:
        return text
    return ",".join(_one_endpoint(one.strip()) for one in text.split(","))


def _one_endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise _Wrong(f"must be an address such as https://lilac.example.com, not {text!r} ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _Wrong(f"must be an address such as https://lilac.example.com, not {text!r}")
    return text.rstrip("/")


def _address(value: object) -> str:
    text = _text(value)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise _Wrong(f"must be an IP address such as 10.0.0.5, not {text!r}") from None
    return text


def _node_id(value: object) -> str:
    text = _text(value)
    node_id = parse_uuid(text)
    if node_id is None:
        raise _Wrong(f"must be a UUID, not {text!r}; leave it out to have one made")
    return node_id


def _runtimes(value: object) -> tuple[RuntimeName, ...]:
    if isinstance(value, str):
        words = [word.strip() for word in value.split(",") if word.strip()]
    elif isinstance(value, list):
        words = [_text(word) for word in value]  # pyright: ignore[reportUnknownVariableType]
    else:
        raise _Wrong(f'must be a list such as ["docker"], not {_kind(value)}')
    known = [str(name) for name in RuntimeName]
    for word in words:
        if word not in known:
            raise _Wrong(f"must name only {' or '.join(known)}, not {word!r}")
    if not words:
        raise _Wrong(f"must name at least one of {' and '.join(known)}")
    return tuple(dict.fromkeys(RuntimeName(word) for word in words))


def _host_paths(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    elif isinstance(value, list):
        entries = [_text(entry) for entry in value]  # pyright: ignore[reportUnknownVariableType]
    else:
        raise _Wrong(f'must be a list such as ["/data:ro", "/scratch"], not {_kind(value)}')
    for entry in entries:
        try:
            check_path(entry.removesuffix(":ro"), "path")
        except InvalidInput:
            raise _Wrong(
                f"must hold absolute paths without . and .., such as /data or /data:ro, not {entry!r}"
            ) from None
    return tuple(dict.fromkeys(entries))


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Wrong(f"must be a table of names and texts, not {_kind(value)}")
    labels: dict[str, str] = {}
    for key, text in value.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(text, str):
            raise _Wrong(f"must be text in quotes, not {_kind(text)}", key=str(key))  # pyright: ignore
        labels[str(key)] = text  # pyright: ignore[reportUnknownArgumentType]
    return labels


def _syntax_sentence(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    match = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
    line = int(match.group(1)) if match and match.group(1) else max(1, len(text.splitlines()))
    what = re.sub(r" \(at [^)]*\)$", "", str(error))
    lines = text.splitlines()
    key = re.match(r"\s*([A-Za-z0-9_.-]+)\s*=", lines[line - 1]) if line <= len(lines) else None
    about = f"{key.group(1)}: " if key else ""
    return f"{path}, line {line}: {about}this is not valid TOML ({what}); text values need quotes."


def _place(path: Path, text: str, key: str, section: str | None = None) -> str:
    inside = section is None
    for number, line in enumerate(text.splitlines(), start=1):
        if section is not None and re.match(rf"\s*\[+\s*{re.escape(section)}\s*\]", line):
            inside = True
        if inside and re.match(rf"\s*(\[+\s*{re.escape(key)}\s*\]|[\"']?{re.escape(key)}[\"']?\s*[=.])", line):
            return f"{path}, line {number}"
    return str(path)


def _port(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise _Wrong(f"must be a port between 1 and 65535, not {value!r}")
    return int(text)


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) if home else Path.home()


_REGISTRY_VARIABLES = {
    "LILAC_PRIVATE_REGISTRY_URL": "registry_url",
    "LILAC_PRIVATE_REGISTRY_USERNAME": "username",
    "LILAC_PRIVATE_REGISTRY_PASSWORD": "secret",
}

_CHECKS: dict[str, Callable[[object], Any]] = {
    "api_endpoint": _endpoint,
    "cluster_api_key": _text,
    "node_id": _node_id,
    "node_name": _text,
    "runtimes": _runtimes,
    "labels": _labels,
    "state_dir": _text,
    "docker_host": _text,
    "ca_file": _text,
    "port_address": _address,
    "private_registry": check_table,
    "registries": check_tables,
    "allowed_host_paths": _host_paths,
    "image_cache_gb": _gigabytes,
    "min_free_disk_gb": _gigabytes,
    "metrics_port": _port,
}

_VARIABLES: dict[str, tuple[str, Callable[[object], Any]]] = {
    "LILAC_API_ENDPOINT": ("api_endpoint", _endpoint),
    "LILAC_CLUSTER_API_KEY": ("cluster_api_key", _text),
    "LILAC_NODE_ID": ("node_id", _node_id),
    "LILAC_NODE_NAME": ("node_name", _text),
    "LILAC_AGENT_RUNTIMES": ("runtimes", _runtimes),
    "LILAC_AGENT_STATE_DIR": ("state_dir", _text),
    "LILAC_AGENT_ALLOWED_HOST_PATHS": ("allowed_host_paths", _host_paths),
    "LILAC_AGENT_IMAGE_CACHE_GB": ("image_cache_gb", _gigabytes),
    "LILAC_AGENT_MIN_FREE_DISK_GB": ("min_free_disk_gb", _gigabytes),
    "LILAC_AGENT_METRICS_PORT": ("metrics_port", _port),
    "DOCKER_HOST": ("docker_host", _text),
    "LILAC_CA_FILE": ("ca_file", _text),
    "LILAC_AGENT_PORT_ADDRESS": ("port_address", _address),
}
