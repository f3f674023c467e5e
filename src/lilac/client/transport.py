"""HTTP/1.1 over a few kept connections: one request out, one reply back, its body whole or piece by piece.

* A connection is given back when a reply was read to its end and both sides keep it; else it is closed. Several threads
  may send at once: each exchange has a connection to itself.
* A kept connection that the other side closed meanwhile is noticed before it is used. Where it closes at that very
  moment, a request that is `repeatable` is sent once more over a new one.
* Failures are the `TransportError`s of `lilac.client.dialling`: whether anything may have been carried out is what a
  caller needs to know.

Written for a quick start: HTTP libraries take longer to import than most commands take to run. Messages are read by
the parser that the server uses, too.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote

from lilac.client.dialling import Broken, Route, Silent, dial, route_to, trusting

if TYPE_CHECKING:
    import ssl

_IDLE_S = 30.0
"""Connections that were idle for longer are not used again: something on the way may have forgotten them silently."""
_BLOCK = 65_536
_IN_PATHS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    address: SplitResult
    """Scheme, host and port; the path and query as they are to be sent."""
    headers: Mapping[str, str]
    body: bytes | None = None
    repeatable: bool = False
    """Whether it does no harm to send it twice."""


class Reply:
    """A reply whose head has come. Its body is read once."""

    def __init__(self, transport: Transport, wire: _Wire) -> None:
        self._transport = transport
        self._wire = wire
        self._closed = False
        self.status = wire.status
        self.headers: Mapping[str, str] = wire.headers
        """By names in lower case."""

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes, as it comes. Raises `Silent` and `Broken`."""
        while not self._closed:
            if data := self._wire.taken():
                yield data
            if self._wire.done:
                return self.close()
            self._wire.receive()

    def read(self) -> bytes:
        """The body, unpacked if it was packed. Raises `Silent` and `Broken`."""
        data = b"".join(self.pieces())
        if data and self.headers.get("content-encoding", "").lower() == "gzip":
            import zlib

            try:
                return zlib.decompress(data, wbits=31)
            except zlib.error as error:
                raise Broken(f"its answer cannot be unpacked: {error}") from error
        return data

    def close(self) -> None:
        """Read no more. The connection is kept for the next exchange if all has been read."""
        if self._closed:
            return
        self._closed = True
        if self._wire.done:
            self._transport.give_back(self._wire)
        else:
            self._wire.close()


class Transport:
    """`ca_file` names the authorities to trust instead of the system's."""

    def __init__(self, *, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._idle: dict[Route, list[_Wire]] = {}
        self._closed = False

    def send(self, request: Request, *, connect_s: float, silence_s: float) -> Reply:
        """Send a request and wait for the head of the reply, between two pieces of it no longer than `silence_s`.

        Raises:
            NotSent: there is no connection.
            Silent, Broken: there is no reply, or none that can be understood.
            InvalidInput: the file of authorities or the environment's proxy cannot be used.
        """
        route = route_to(request.address)
        message = _message(request, route)
        while True:
            wire = self._kept(route)
            reused = wire is not None
            if wire is None:
                wire = _Wire(dial(route, connect_s, self._trust() if route.secure else None), route)
            try:
                wire.ask(message, silence_s)
                return Reply(self, wire)
            except BaseException as error:
                wire.close()
                gone = isinstance(error, Broken) and not isinstance(error, Silent) and not wire.began
                if not (reused and gone and request.repeatable):
                    raise

    def give_back(self, wire: _Wire) -> None:
        """Keep a connection whose reply has been read, if it can be used again."""
        if wire.keep and not self._closed:
            wire.idle_since = time.monotonic()
            self._idle.setdefault(wire.route, []).append(wire)
        else:
            wire.close()

    def close(self) -> None:
        self._closed = True
        for wires in self._idle.values():
            while wires:
                wires.pop().close()

    def _kept(self, route: Route) -> _Wire | None:
        wires = self._idle.get(route, [])
        while wires:
            with suppress(IndexError):  # another thread was faster
                wire = wires.pop()
                if time.monotonic() - wire.idle_since < _IDLE_S and not wire.is_gone():
                    return wire
                wire.close()
        return None

    def _trust(self) -> ssl.SSLContext:
        if self._context is None:
            # Takes some time: not for an endpoint that has no use for one.
            self._context = trusting(self._ca_file)
        return self._context


class _Wire:
    """One connection with at most one exchange on it; its `on_…` are called by the parser."""

    def __init__(self, connected: socket.socket, route: Route) -> None:
        self.route = route
        self.idle_since = 0.0
        self._socket = connected
        self._begin()

    def _begin(self) -> None:
        from httptools import HttpResponseParser

        self.status = 0
        self.headers: dict[str, str] = {}
        self.began = self.done = self.keep = False
        self._has_head = False
        self._body: list[bytes] = []
        self._parser = HttpResponseParser(self)

    def ask(self, message: bytes, silence_s: float) -> None:
        """Send a message and read until the head of the reply is complete."""
        self._begin()
        self._socket.settimeout(silence_s)
        refused: OSError | None = None
        try:
            self._socket.sendall(message)
        except TimeoutError as error:
            raise Silent("no answer in time") from error
        except (BrokenPipeError, ConnectionResetError) as error:
            refused = error  # Perhaps it answered before it had read everything.
        except OSError as error:
            raise Broken(str(error)) from error
        while not self._has_head:
            try:
                self.receive()
            except Broken as error:
                raise error from refused or error.__cause__

    def receive(self) -> None:
        """Read once. Raises `Silent` and `Broken`."""
        from httptools import HttpParserError

        try:
            data = self._socket.recv(_BLOCK)
        except TimeoutError as error:
            self.close()
            raise Silent("no answer in time") from error
        except (OSError, ValueError) as error:
            self.close()
            raise Broken(str(error)) from error
        if not data:
            return self._end()
        self.began = True
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self.close()
            raise Broken("its answer is not HTTP") from error

    def taken(self) -> bytes:
        """The part of the body that has come since the last time."""
        data = b"".join(self._body)
        self._body.clear()
        return data

    def is_gone(self) -> bool:
        """Whether the other side closed an idle connection, or says something that nobody asked for."""
        try:
            self._socket.settimeout(0)
            # Of the socket itself, below TLS.
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True
        return True

    def close(self) -> None:
        self.keep = False
        with suppress(OSError):
            self._socket.close()

    def _end(self) -> None:
        """The other side has closed: that is how a body without a length ends, and else too early."""
        framed = "content-length" in self.headers or "chunked" in self.headers.get("transfer-encoding", "").lower()
        self.close()
        if not self._has_head or framed:
            where = "in the middle of its answer" if self.began else "without an answer"
            raise Broken(f"it closed the connection {where}")
        self.done = True

    def on_message_begin(self) -> None:
        if self.done:  # Something that nobody asked for.
            self.keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200
        self.keep = self._has_head and self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        self.done = self._has_head
        if not self.done:  # "Continue", or hints: the reply proper is still to come.
            self.headers.clear()


def _message(request: Request, route: Route) -> bytes:
    parts = request.address
    target = quote(parts.path or "/", safe=_IN_PATHS) + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2] if parts.netloc.isascii() else route.authority
    headers = {"Host": host, **request.headers}
    if route.proxy is not None and not route.secure:
        target = f"{parts.scheme}://{host}{target}"
        if route.proxy.credential is not None:
            headers["Proxy-Authorization"] = route.proxy.credential
    if request.body is not None or request.method != "GET":
        headers["Content-Length"] = str(len(request.body or b""))
    head = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(head).encode("latin-1") + (request.body or b"")
