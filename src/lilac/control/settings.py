"""Every setting of the control plane, in one typed place.

Precedence: command-line flags, then environment variables `LILAC_<NAME>`, then the file (`--config`,
`LILAC_CONFIG_FILE`, or `server.toml` in the data directory), then the defaults below. Flags and the reference are made
from the fields; one that is marked secret has no flag.
"""

from __future__ import annotations

import os
import secrets
import socket
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lilac.model.errors import InvalidInput


class Settings(BaseSettings):
    """Settings of `lilac server start`."""

    model_config = SettingsConfigDict(env_prefix="LILAC_", extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 lets other machines in.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        default_factory=lambda: Path.home() / ".lilac" / "server", description="Where state and logs are kept."
    )
    database_url: str | None = Field(
        None, description="sqlite:///PATH or postgresql://…; by default a SQLite file in the data directory."
    )
    log_dir: Path | None = Field(
        None,
        description="Where the output of jobs is kept, by default in the data directory; one directory for all "
        "replicas of a control plane.",
    )
    replica_name: str = Field(
        default_factory=socket.gethostname, description="What this replica of the control plane is called."
    )
    leader_lease_s: float = Field(
        1.5,
        ge=0.3,
        description="Silence of the leading replica after which another one takes over, in seconds, where several "
        "serve one PostgreSQL database; one that is gone is replaced at once.",
    )
    admin_password: str | None = Field(
        None,
        description="Password of the first administrator, at the first start only; made and printed if unset.",
        json_schema_extra={"secret": True},
    )
    secrets_key: str | None = Field(
        None,
        description="Key that seals the secrets of jobs: 32 bytes as hex digits or base64. Several with commas: the "
        "first seals, the others only open. By default made once, in secrets.key in the data directory.",
        json_schema_extra={"secret": True},
        repr=False,
    )
    tls_cert_file: Path | None = Field(
        None, description="Certificate (PEM, with its chain) to serve HTTPS with; needs tls_key_file."
    )
    tls_key_file: Path | None = Field(None, description="Private key (PEM) of tls_cert_file.")
    log_format: str = Field("console", pattern="^(console|json)$", description="Format of the server's own log.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severity that is logged.")
    allow_sign_up: bool = Field(False, description="Whether anybody may make an account of role member.")
    allowed_usernames: list[str] | None = Field(None, description="If set, only these names may sign up.")
    token_lifetime_s: int = Field(21_600, ge=60, description="Life of a login token, in seconds.")
    session_lifetime_s: int = Field(
        14 * 86_400, ge=900, description="Time away after which a browser has to sign in again, in seconds."
    )
    login_max_failures: int = Field(5, ge=1, description="Wrong passwords in a row before logins are held back.")
    cors_origins: list[str] = Field(
        default_factory=list[str], description="Other origins whose pages may call the API."
    )
    advertise_url: str = Field(
        "",
        description="Address at which agents reach this very server, for tunnels, where several serve one database; "
        "empty: the address that an agent uses anyway.",
    )
    tunnel_idle_s: float = Field(
        28_800.0, gt=0, description="Silence after which an exec session or port forward is closed, in seconds."
    )
    node_lost_after_s: float = Field(90.0, gt=0, description="Silence after which a node counts as lost, in seconds.")
    lease_s: float | None = Field(
        None,
        gt=0,
        description="How long exclusive jobs run on when their node cannot reach the control plane, in seconds; less "
        "than node_lost_after_s, by default two thirds of it.",
    )
    legacy_time_limit_s: int = Field(
        86_400, ge=1, description="Longest run on a node with an original Lilac agent, which never reports a failure."
    )
    usage_retention_s: float = Field(
        7 * 86_400.0,
        ge=7200,
        description="How long usage is kept, in seconds; after two hours by the minute.",
    )
    metrics_access: str = Field(
        "viewer",
        pattern="^(viewer|loopback|public)$",
        description="Who may read /metrics: viewers (with an API key), also everybody on this machine, or everybody.",
    )
    start_limit_s: int = Field(
        3600, ge=1, description="Longest time from the assignment of a job until all of it runs, pulls included."
    )
    log_head_bytes: int = Field(8 << 20, ge=1 << 20, description="Kept from the beginning of each replica's output.")
    log_tail_bytes: int = Field(56 << 20, ge=2 << 20, description="Kept from the end of each replica's output.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings

    @model_validator(mode="after")
    def _lease_is_short(self) -> Self:
        if self.lease_s is not None and self.lease_s >= self.node_lost_after_s:
            raise ValueError("lease_s must be less than node_lost_after_s")
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file must be set together")
        return self

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'lilac.db'}"

    @property
    def resolved_log_dir(self) -> Path:
        return self.log_dir or self.data_dir / "logs"


def load(config_file: str | Path | None = None, **flags: Any) -> Settings:
    """Read the settings from flags, environment and file. A file that was asked for must be there.

    Raises:
        InvalidInput: a value is wrong; the sentence names the setting and where it came from.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Settings(**given)
        asked = config_file or os.environ.get("LILAC_CONFIG_FILE")
        from_file = _read_file(Path(asked) if asked else settings.data_dir / "server.toml", needed=bool(asked))
        if from_file:
            settings = Settings(**{**_without_env(from_file), **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        if not name:
            raise InvalidInput(f"Settings: {first['msg'].removeprefix('Value error, ')}.") from None
        raise InvalidInput(
            f"Setting {name}: {first['msg']} (flag --{name.replace('_', '-')}, variable "
            f"LILAC_{name.upper()} or server.toml).",
            field=name,
        ) from None
    return settings


def make_secret() -> str:
    """A fresh signing secret: 64 random bytes, as hex."""
    return secrets.token_hex(64)


def _without_env(from_file: dict[str, Any]) -> dict[str, Any]:
    names = {key.upper() for key in os.environ}
    return {key: value for key, value in from_file.items() if f"LILAC_{key.upper()}" not in names}


def _read_file(path: Path, *, needed: bool) -> dict[str, Any]:
    try:
        text = path.read_text()
    except FileNotFoundError:
        if needed:
            raise InvalidInput(f"There is no file {path}; give another with --config or LILAC_CONFIG_FILE.") from None
        return {}
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror}.") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}.") from None
    unknown = sorted(set(table) - set(Settings.model_fields))
    if unknown:
        raise InvalidInput(f"{path}: unknown setting {unknown[0]!r}.", field=unknown[0])
    return table
