"""Sockets to a control plane: straight or through the proxy that the environment names, with TLS or without.

`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` count in either case, as with other programs. A proxy carries
plain HTTP by its whole address and HTTPS through a tunnel (`CONNECT`). TLS trusts the system's authorities
(`SSL_CERT_FILE` and `SSL_CERT_DIR` name others), or only those of a file that the caller names.

The TLS library and what reads the environment's proxies are imported when they are needed: command lines start quickly.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    import ssl

_AUTHORITIES = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where distributions keep the authorities that they trust, for a Python that was built on another one."""

_LONGEST_HEAD = 65_536


class TransportError(Exception):
    """An exchange failed; the text says why in a few words, `__cause__` is the system's own error."""


class NotSent(TransportError):
    """There is no connection, so nothing was asked."""


class Broken(TransportError):
    """The connection broke, or the other side does not speak HTTP; the request may have been carried out."""


class Silent(Broken):
    """Nothing came in time."""


@dataclass(frozen=True, slots=True)
class Proxy:
    host: str
    port: int
    secure: bool
    credential: str | None
    """The value of `Proxy-Authorization`."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a socket leads to. Equal routes may share idle connections."""

    host: str
    port: int
    secure: bool
    proxy: Proxy | None

    @property
    def authority(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def route_to(parts: SplitResult) -> Route:
    """The way to an address. Raises `InvalidInput` for a proxy of a kind that cannot be used."""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    host = parts.hostname or ""
    found = proxy_for(parts)
    return Route(_ascii(host), port, secure, _proxy(found, secure) if found is not None else None)


def proxy_for(parts: SplitResult) -> str | None:
    """The address of the proxy that the environment sets for an endpoint."""
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.netloc.rpartition("@")[2]
    return None if not found or proxy_bypass(host) else found


def dial(route: Route, limit_s: float, context: ssl.SSLContext | None) -> socket.socket:
    """Connect. Raises `NotSent`; each step (each address of the name, a proxy's answer, the TLS greeting) may take
    `limit_s`."""
    made: socket.socket | None = None
    near = route.proxy or route
    try:
        # As bytes: text would be encoded by rules whose tables take time to load.
        made = socket.create_connection((near.host.encode(), near.port), limit_s)  # pyright: ignore[reportArgumentType]
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if route.proxy is not None and route.proxy.secure:
            made = trusting(None).wrap_socket(made, server_hostname=route.proxy.host)
        if route.proxy is not None and route.secure:
            _tunnel(made, route, route.proxy)
        if route.secure:
            assert context is not None
            made = context.wrap_socket(made, server_hostname=route.host)
    except BaseException as error:
        if made is not None:
            made.close()
        if isinstance(error, OSError):
            raise NotSent(str(error)) from error
        raise
    return made


def trusting(ca_file: str | None) -> ssl.SSLContext:
    """A TLS context that trusts the authorities of a file only; of None, those of the system.

    Raises `InvalidInput` for a file that holds none.
    """
    import ssl

    if ca_file is None:
        context = _trusting_the_system()
    else:
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            told = f"cannot use the certificate authorities in {ca_file}: {why}."
            raise InvalidInput(told, field="ca_file") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting_the_system() -> ssl.SSLContext:
    import ssl

    named = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    if not any(named.values()) and sys.platform in ("darwin", "win32"):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and not (paths.capath and any(os.scandir(paths.capath))):
        for file in filter(os.path.isfile, _AUTHORITIES):
            context.load_verify_locations(file)
            break
    return context


def _tunnel(made: socket.socket, route: Route, proxy: Proxy) -> None:
    """Have the proxy carry what follows. Its answer ends with an empty line, and nothing comes after it unasked."""
    lines = [f"CONNECT {route.authority} HTTP/1.1", f"Host: {route.authority}"]
    if proxy.credential is not None:
        lines.append(f"Proxy-Authorization: {proxy.credential}")
    made.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    head = b""
    while b"\r\n\r\n" not in head:
        more = made.recv(4096)
        head += more
        if not more or len(head) > _LONGEST_HEAD:
            raise NotSent("the proxy closed the connection")
    status = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 1)[-1]
    if not status.startswith("2"):
        raise NotSent(f"the proxy refused: {status}")


def _proxy(address: str, secure: bool) -> Proxy:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(
            f"the proxy {shown} cannot be used: it must begin with http:// or https://. "
            "Set HTTP_PROXY, HTTPS_PROXY or NO_PROXY to something else."
        )
    if secure and parts.scheme == "https":
        raise InvalidInput(
            f"the proxy {shown} cannot be used: HTTPS goes through a proxy that is itself reached by http://."
        )
    credential = None
    if parts.username is not None:
        credential = basic(unquote(parts.username), unquote(parts.password or ""))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Proxy(_ascii(parts.hostname), port, parts.scheme == "https", credential)


def basic(name: str, password: str) -> str:
    """The value of a header for a name and a password."""
    import base64

    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def _ascii(host: str) -> str:
    """A host's name as the network knows it. Raises `NotSent` for what cannot be one."""
    if host.isascii() and all(0 < len(label) < 64 for label in host.rstrip(".").split(".")):
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise NotSent(f"{host!r} is no host name") from None
