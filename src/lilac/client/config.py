"""The user's configuration: `~/.lilac/config.toml`, overridden key by key by the environment.

| key of the file | variable | meaning |
| --- | --- | --- |
| `api_endpoint` | `LILAC_API_ENDPOINT` | where the control plane is |
| `api_key` | `LILAC_USER_API_KEY` | the user's key |
| `ca_file` | `LILAC_CA_FILE` | certificate authorities to trust for HTTPS, instead of the system's |

Loading never writes. Saving keeps keys of the file that this program does not know, replaces the file in one step,
and leaves it readable by its owner only, because it holds a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    import tomllib

DEFAULT_ENDPOINT = "http://localhost:8080"
ENDPOINT_VARIABLE = "LILAC_API_ENDPOINT"
KEY_VARIABLE = "LILAC_USER_API_KEY"
CA_VARIABLE = "LILAC_CA_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConfig:
    """Where to call and with which key. The `*_source` fields say where a value came from, for messages."""

    api_endpoint: str = DEFAULT_ENDPOINT
    api_key: str | None = None
    ca_file: str | None = None
    endpoint_source: str = "the default"
    key_source: str | None = None


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """`~/.lilac/config.toml` of the user whose `HOME` this is."""
    home = (os.environ if environ is None else environ).get("HOME")
    return (Path(home) if home else Path.home()) / ".lilac" / "config.toml"


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> UserConfig:
    """File, then environment, key by key; an empty variable counts as not set.

    Raises `InvalidInput` naming file, line and key for a file that cannot be understood.
    """
    environ = os.environ if environ is None else environ
    path = config_path(environ) if path is None else path
    stored = _read(path)
    endpoint, endpoint_source = stored.get("api_endpoint"), str(path)
    key, key_source = stored.get("api_key"), str(path)
    if environ.get(ENDPOINT_VARIABLE):
        endpoint, endpoint_source = environ[ENDPOINT_VARIABLE].strip(), ENDPOINT_VARIABLE
    if environ.get(KEY_VARIABLE):
        key, key_source = environ[KEY_VARIABLE].strip(), KEY_VARIABLE
    return UserConfig(
        api_endpoint=endpoint or DEFAULT_ENDPOINT,
        api_key=key or None,
        ca_file=environ.get(CA_VARIABLE) or stored.get("ca_file") or None,
        endpoint_source=endpoint_source if endpoint else "the default",
        key_source=key_source if key else None,
    )


def save(*, api_endpoint: str, api_key: str | None, path: Path | None = None) -> Path:
    """Write both values (no key: the entry is left out) and return the file's path."""
    import tomli_w

    path = config_path() if path is None else path
    try:
        entries = _read(path)
    except InvalidInput:
        entries = {}
    entries["api_endpoint"] = api_endpoint
    entries.pop("api_key", None)
    if api_key:
        entries["api_key"] = api_key
    write_private(path, tomli_w.dumps(entries).encode())
    return path


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step with one that only its owner can read, in a directory only the owner can enter."""
    import tempfile

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.name == ".lilac":
        path.parent.chmod(0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not a text file in UTF-8. Run `lilac configure` to write it anew.") from error
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}.") from error
    import tomllib

    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path}: {_explain_syntax(error, text)} Run `lilac configure` to write it anew.") from error
    for key in ("api_endpoint", "api_key", "ca_file"):
        value = entries.get(key)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(
                f"{path}, line {_line_of(key, text)}: {key} must be text in quotes, not {value!r}.",
                file=str(path),
                key=key,
            )
    return entries


def _explain_syntax(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The decoder's complaint with the line and the key it stands on."""
    message = str(error)
    found = re.search(r"\(at line (\d+), column \d+\)", message)
    lines = text.splitlines()
    number = int(found.group(1)) if found else len(lines)
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    key = line.partition("=")[0].strip()
    where = f"line {number}" + (f" ({key})" if re.fullmatch(r"[\w.-]+", key) else "")
    complaint = re.sub(r" *\(at .*\)$", "", message)
    return f"{where}: not valid TOML: {complaint}."


def _line_of(key: str, text: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            return number
    return 1
