"""An image for the training job, made without a registry from the Python that runs this very command.

The image holds the interpreter, its standard library, scikit-learn with what it needs, and the shared libraries that
all of these link to (as `ldd` names them), imported into the engine as one layer. Its tag is a digest of versions, so
it is made once. Linux only, since the files of this machine must run in a container.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.metadata
import io
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

from lilac.model.errors import LilacError, Unavailable

_INSIDE = "/opt/lilac-demo"
_CONNECT_S = 5.0
_ANSWER_S = 600.0
_SITE = f"{_INSIDE}/site-packages"
_SCRIPT = f"{_INSIDE}/train_digits.py"
_LEFT_OUT = {
    "__pycache__",
    "tests",
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "turtledemo",
    "lib2to3",
    "site-packages",
}


class Engine:
    """A Docker or Podman engine: `host` as in DOCKER_HOST, `words` for people."""

    def __init__(self, host: str, connection: _Connection, words: str) -> None:
        self.host = host
        self.words = words
        self._connection = connection

    def has_image(self, reference: str) -> bool:
        return _asked(self._connection, "GET", f"/images/{quote(reference)}/json")[0] == 200

    def import_image(self, reference: str, content: IO[bytes], changes: Sequence[str]) -> None:
        repository, _, tag = reference.partition(":")
        query = urlencode({"fromSrc": "-", "repo": repository, "tag": tag, "changes": list(changes)}, doseq=True)
        status, said = _asked(self._connection, "POST", f"/images/create?{query}", content)
        failure = re.search(r'"(?:error|message|cause)"\s*:\s*"([^"]*)"', said) if '"error' in said else None
        if status >= 400 or failure:
            why = failure.group(1) if failure else said.strip()
            raise LilacError(f"the container engine refused the demo's image: {why}")

    def remove_containers_of(self, node_id: str) -> None:
        """Remove what containers are left of this node. Its label is on no others."""
        query = urlencode({"all": "true", "filters": json.dumps({"label": [f"lilac.node={node_id}"]})})
        for container in json.loads(_asked(self._connection, "GET", f"/containers/json?{query}")[1]):
            _asked(self._connection, "DELETE", f"/containers/{container['Id']}?force=true&v=true")


@contextmanager
def find_engine(host: str | None = None) -> Iterator[Engine]:
    """The engine at `host`, or of DOCKER_HOST, or else the first of the usual sockets that answers.

    Raises `Unavailable` naming what was tried.
    """
    given = host or os.environ.get("DOCKER_HOST")
    tried: list[str] = []
    for host in [given] if given else _usual_hosts():
        if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
            tried.append(host)
            continue
        connection = _connection(host)
        try:
            status, told = _asked(connection, "GET", "/version")
            version = json.loads(told) if status == 200 else None
            if not isinstance(version, dict):
                raise ValueError(f"it answers {status}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            tried.append(f"{host} ({str(error).strip() or type(error).__name__})" if given else host)
            continue
        platform = (version.get("Platform") or {}).get("Name") or "Docker"
        yield Engine(host, connection, f"{platform} {version.get('Version', '?')} at {host}")
        return
    raise Unavailable(
        f"no container engine answers: tried {', '.join(tried)}. Start Docker or Podman, set DOCKER_HOST, "
        "or run the demo with --runtime process."
    )


def prepare(engine: Engine, script: Path, *, say: Callable[[str], None]) -> str:
    """The reference of an image for the training; made if the engine does not have it."""
    if not sys.platform.startswith("linux"):
        raise Unavailable("the demo's image is made of this machine's own Python, which takes Linux: "
                          "run the demo with --runtime process.")  # fmt: skip
    packages = _packages("scikit-learn")
    reference = f"lilac-demo:{_digest(packages, script)}"
    if engine.has_image(reference):
        say(f"Image {reference} is there already.")
        return reference
    say(f"Making the image {reference} from this Python and scikit-learn…")
    with tempfile.TemporaryFile() as content:
        _write(content, packages, script)
        size = content.tell()
        content.seek(0)
        engine.import_image(reference, content, [f"ENV PYTHONPATH={_SITE}", "ENV PATH=/usr/bin:/bin"])
    say(f"Made it, {size / 1e6:.0f} MB.")
    return reference


def training_command() -> list[str]:
    """What starts the training in that image."""
    return [_interpreter(), _SCRIPT]


class _Connection(http.client.HTTPConnection):
    """HTTP to an engine at a port or, with `path`, at a socket of this machine."""

    def __init__(self, host: str, path: str | None = None) -> None:
        super().__init__(host, timeout=_CONNECT_S)
        self._path = path

    def connect(self) -> None:
        if self._path is None:
            super().connect()
        else:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        self.sock.settimeout(_ANSWER_S)


def _connection(host: str) -> _Connection:
    if host.startswith("unix://"):
        return _Connection("engine", host.removeprefix("unix://"))
    if host.startswith(("tcp://", "http://")):
        return _Connection(host.partition("://")[2].rstrip("/"))
    raise Unavailable(f"DOCKER_HOST={host}: only unix:// and tcp:// addresses are known to the demo.")


def _asked(connection: _Connection, method: str, path: str, content: IO[bytes] | None = None) -> tuple[int, str]:
    """The status and text of a reply; `content` is a tar file. Engines that nobody uses may end: none is held on to."""
    with closing(connection):
        connection.request(method, path, body=content, headers={"Content-Type": "application/x-tar"} if content else {})
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", "replace")


def _usual_hosts() -> list[str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = ["/var/run/docker.sock", f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock",
               "/run/podman/podman.sock"]  # fmt: skip
    return [f"unix://{socket}" for socket in sockets]


def _interpreter() -> str:
    return os.path.realpath(sys.executable)


def _packages(name: str) -> list[importlib.metadata.Distribution]:
    """A distribution and all that it needs, as installed here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = [name]
    while wanted:
        one = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if one in found:
            continue
        try:
            found[one] = importlib.metadata.distribution(one)
        except importlib.metadata.PackageNotFoundError:
            continue
        for requirement in found[one].requires or []:
            if "extra ==" not in requirement:
                wanted.append(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
    return [found[key] for key in sorted(found)]


def _digest(packages: Iterable[importlib.metadata.Distribution], script: Path) -> str:
    facts = [sys.version, _interpreter(), *(f"{package.name} {package.version}" for package in packages)]
    return hashlib.sha256("\n".join(facts).encode() + script.read_bytes()).hexdigest()[:12]


def _write(content: IO[bytes], packages: Iterable[importlib.metadata.Distribution], script: Path) -> None:
    """Write the image's files as one tar."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    files: dict[str, Path] = {_interpreter(): Path(_interpreter()), _SCRIPT: script}
    for path in _files_below(stdlib):
        files[str(path)] = path
    dynload = sysconfig.get_config_var("DESTSHARED")
    if dynload and Path(dynload).is_dir():
        for path in _files_below(Path(dynload)):
            files[str(path)] = path
    for package in packages:
        for entry in package.files or []:
            if entry.parts[0] != ".." and not _LEFT_OUT & set(entry.parts) and entry.suffix != ".pyi":
                files[f"{_SITE}/{entry}"] = Path(str(package.locate_file(entry)))
    linked = [path for path in files.values() if path == Path(_interpreter()) or ".so" in path.suffixes]
    for library in _shared_libraries(linked):
        files.setdefault(library, Path(library))
    with tarfile.open(fileobj=content, mode="w") as archive:
        for directory, mode in (("tmp", 0o1777), ("etc", 0o755), ("proc", 0o755), ("dev", 0o755)):
            member = tarfile.TarInfo(directory)
            member.type, member.mode = tarfile.DIRTYPE, mode
            archive.addfile(member)
        _add_text(archive, "etc/passwd", "root:x:0:0:root:/:/bin/false\n")
        for inside, path in sorted(files.items()):
            if path.is_file():
                archive.add(path.resolve(), arcname=inside.lstrip("/"), recursive=False)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text.encode()))


def _files_below(root: Path) -> Iterator[Path]:
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _LEFT_OUT and not name.startswith("config-")]
        yield from (Path(directory, name) for name in names)


def _shared_libraries(linked: Sequence[Path]) -> set[str]:
    """What these files link to on this machine, the loader included; libraries that come with packages aside."""
    found: set[str] = set()
    try:
        for at in range(0, len(linked), 100):
            batch = [str(path) for path in linked[at : at + 100]]
            listing = subprocess.run(["ldd", *batch], capture_output=True, text=True, check=False).stdout
            found |= set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listing, flags=re.MULTILINE))
    except OSError as error:
        raise Unavailable(f"ldd is needed to make the demo's image: {error.strerror}.") from error
    return {library for library in found if "/site-packages/" not in library}
