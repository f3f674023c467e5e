"""The server process: settings, platform, HTTP server, and an orderly end.

SIGTERM and SIGINT let waiting callers go first (long polls, event streams, followed logs), so that the HTTP server
can finish what it is serving; then the platform writes what is open and closes. A data directory belongs to one
server at a time, held by a lock on a file in it, and so does a SQLite database.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from typing import IO, Any

import structlog
import uvicorn

from lilac.api.app import create_app
from lilac.api.routers import ui
from lilac.control.platform import Platform
from lilac.control.settings import Settings
from lilac.model.errors import Conflict, InvalidInput, Unavailable
from lilac.store import engines

_COLLECT_AFTER = (50_000, 20, 20)
"""New objects before the youngest generation is searched, and how often before the next older one is."""
_log = structlog.get_logger("lilac.server")


def serve(settings: Settings) -> None:
    """Run a control plane until it is told to end.

    Raises:
        LilacError: it cannot start; the sentence says why and what to do.
    """
    configure_logging(settings)
    with contextlib.ExitStack() as locks:
        locks.enter_context(_lock(settings.data_dir))
        if (database := _database_file(settings)) is not None:
            locks.enter_context(_lock_database(database))
        with _listen(settings.host, settings.port) as listener:
            _runner()(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    platform = Platform(settings)
    try:
        await platform.start()
        address = _address(listener, secure=settings.tls_cert_file is not None)
        if platform.replicas is not None and not settings.advertise_url:
            platform.replicas.set_address(address)
        _greet(platform, address)
        _collect_seldom()
        config = uvicorn.Config(
            create_app(platform),
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
            ws="websockets-sansio",
            ws_max_size=1 << 20,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
            lifespan="off",
            server_header=False,
            date_header=True,
            backlog=2048,
            ssl_certfile=settings.tls_cert_file,
            ssl_keyfile=settings.tls_key_file,
        )
        _prepare_tls(config, settings)
        server = _Server(config, platform)
        platform.on_failure = server.give_up
        await server.serve(sockets=[listener])
    finally:
        await platform.stop()
    if platform.failed:
        raise Unavailable("The control plane stopped because one of its services failed; its log says why.")


class _Server(uvicorn.Server):
    """Lets the platform's waiting callers go as soon as the end is asked for."""

    def __init__(self, config: uvicorn.Config, platform: Platform) -> None:
        super().__init__(config)
        self._platform = platform
        self._loop = asyncio.get_running_loop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._loop.call_soon_threadsafe(self._platform.release_waiters)
        self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._renew_certificate)
        try:
            await super().serve(sockets)
        finally:
            loop.remove_signal_handler(signal.SIGHUP)

    def _renew_certificate(self) -> None:
        """Take the certificate for new connections from its files again; a broken one changes nothing."""
        context, cert, key = self.config.ssl, self.config.ssl_certfile, self.config.ssl_keyfile
        if context is None or cert is None:
            return
        try:
            context.load_cert_chain(cert, key)
        except OSError as error:
            _log.error("the certificate cannot be renewed; the one of before is kept", file=str(cert), why=str(error))
        else:
            _log.info("certificate renewed", file=str(cert))

    def give_up(self) -> None:
        """End because the platform cannot go on."""
        self._platform.release_waiters()
        self.should_exit = True


def _collect_seldom() -> None:
    """Look for cycles of garbage less often, and never among what a start makes and keeps.

    A list of many jobs makes some hundred thousand objects that stay, or go by their count; Python would search all
    of them again and again meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _prepare_tls(config: uvicorn.Config, settings: Settings) -> None:
    """Load the certificate now, so that a wrong one is told in a sentence; TLS 1.2 and newer only."""
    if settings.tls_cert_file is None:
        return
    for path in (settings.tls_cert_file, settings.tls_key_file):
        if path is not None and not os.access(path, os.R_OK):
            raise InvalidInput(f"Cannot read {path}; check tls_cert_file, tls_key_file and the file's rights.")
    try:
        config.load()
    except OSError as error:
        raise InvalidInput(
            f"Cannot use the certificate {settings.tls_cert_file} with the key {settings.tls_key_file}: {error}."
        ) from None
    assert config.ssl is not None
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2


def configure_logging(settings: Settings) -> None:
    """Structured logs on stderr."""
    level = getattr(logging, settings.log_level.upper())
    renderer: Any = structlog.processors.JSONRenderer()
    if settings.log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s"
    )


def _greet(platform: Platform, address: str) -> None:
    if platform.first_credentials is not None:
        username, password = platform.first_credentials
        print("First start: made an administrator. The password is shown this once.", flush=True)
        print(f"  username: {username}\n  password: {password}", flush=True)
        print(f"  next:     lilac login --endpoint {address} --username {username}", flush=True)
    if ui.is_built():
        print(f"Web interface: {address}/ui/", flush=True)
    print(f"Listening on {address} (API reference: {address}/docs)", flush=True)


def _address(listener: socket.socket, *, secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http{'s' if secure else ''}://{shown}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise InvalidInput(f"Cannot listen on {host}: {error.strerror}. Use an address of this machine.") from None
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --host and --port."
        ) from None
    listener.setblocking(False)
    return listener


def _lock(data_dir: Path) -> IO[str]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(data_dir / "server.lock", "a+")  # noqa: SIM115 - held for the life of the process
    except OSError as error:
        raise Unavailable(
            f"Cannot use the data directory {data_dir}: {error.strerror}. Choose another with --data-dir."
        ) from None
    if (other := _locked_by_other(file)) is not None:
        raise Conflict(
            f"Another control plane (process {other}) uses the data directory {data_dir}. Stop it, or choose another "
            "directory with --data-dir."
        )
    return file


def _database_file(settings: Settings) -> Path | None:
    """The file of a SQLite database that lies elsewhere than in the data directory."""
    url = engines.parse_url(settings.resolved_database_url)
    if url.get_backend_name() != "sqlite" or engines.in_memory(url):
        return None
    file = Path(str(url.database)).absolute()
    return file if file.parent != settings.data_dir.absolute() and file.parent.is_dir() else None


def _lock_database(database: Path) -> IO[str]:
    try:
        file = open(f"{database}.lock", "a+")  # noqa: SIM115 - held for the life of the process
    except OSError as error:
        raise Unavailable(f"Cannot use the database {database}: {error.strerror}.") from None
    if (other := _locked_by_other(file)) is not None:
        raise Conflict(
            f"Another control plane (process {other}) uses the SQLite database {database}; only one can. Stop it, or "
            "use PostgreSQL to run several."
        )
    return file


def _locked_by_other(file: IO[str]) -> str | None:
    """Take the lock on a file and note this process in it; whoever has the lock already, by process id."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip() or "?"
        file.close()
        return pid
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return None


def _runner() -> Any:
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run
