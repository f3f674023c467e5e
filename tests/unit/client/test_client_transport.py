"""What goes over the wire: kept connections, odd replies, proxies, TLS. Each connection's other side is a script."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lilac.client import Client
from lilac.client.connection import BrokenStream
from lilac.model import errors
from tests.fixtures.certificates import write_certificate

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'
Script = Callable[["Peer"], None]


class Peer:
    """The other end of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def hear(self) -> bytes:
        """One request, with its body; empty at the end."""
        text = b""
        while b"\r\n\r\n" not in text:
            if not (more := self.socket.recv(65_536)):
                return text
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while length and len(body) < int(length[1]):
            body += self.socket.recv(65_536)
        return head + b"\r\n\r\n" + body

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)


@contextmanager
def listening(*scripts: Script, address: str = "127.0.0.1") -> Iterator[int]:
    """A server whose n-th connection follows the n-th script; the last one goes on for more. Its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 0), family=family)
    turns = list(scripts)
    threads: list[threading.Thread] = []

    def follow(connected: socket.socket, script: Script) -> None:
        with connected, suppress(OSError):
            script(Peer(connected))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connected, _ = server.accept()
                script = turns.pop(0) if len(turns) > 1 else turns[0]
                threads.append(threading.Thread(target=follow, args=(connected, script)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server.getsockname()[1]
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for thread in [accepting, *threads]:
            thread.join(10)


def to(port: int, **more: object) -> Client:
    return Client(f"http://127.0.0.1:{port}", **more)  # type: ignore[arg-type]


def saying(reply: bytes) -> Script:
    """Answer every request with this."""

    def script(peer: Peer) -> None:
        while peer.hear():
            peer.say(reply)

    return script


def saying_once(reply: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.hear()
        peer.say(reply)

    return script


def hanging_up(peer: Peer) -> None:
    peer.hear()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_calls_share_a_connection() -> None:
    with listening(saying(OK), hanging_up) as port, to(port) as client:
        for _ in range(3):
            assert client.health() == {"status": "ok"}


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    closed = threading.Event()

    def one_reply(peer: Peer) -> None:
        peer.hear()
        peer.say(OK)
        peer.socket.shutdown(socket.SHUT_RDWR)
        closed.set()

    with listening(one_reply, saying(OK)) as port, to(port) as client:
        client.health()
        assert closed.wait(10)
        client.jobs.cancel("x")


def test_where_a_kept_connection_closes_under_a_question_it_is_asked_again_and_a_command_is_not() -> None:
    def one_reply(peer: Peer) -> None:
        peer.hear()
        peer.say(OK)
        peer.hear()

    with listening(one_reply, saying(OK)) as port, to(port) as client:
        assert [client.health() for _ in range(2)] == [{"status": "ok"}] * 2
    with listening(one_reply, saying(OK)) as port, to(port) as client:
        client.health()
        with pytest.raises(errors.Unavailable, match=r"closed the connection without an answer.*carried out"):
            client.jobs.cancel("x")


def test_a_stream_that_was_left_half_way_leaves_no_connection_behind() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    left = threading.Event()

    def endless(peer: Peer) -> None:
        peer.hear()
        peer.say(head + b"3\r\nabc\r\n")
        if peer.hear() == b"":
            left.set()

    with listening(endless, saying(OK)) as port, to(port) as client:
        with client.connection.stream("/x") as reply:
            assert next(reply.pieces()) == b"abc"
        assert left.wait(10)
        assert client.health() == {"status": "ok"}


def test_a_stream_that_breaks_says_so_after_what_came() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    got: list[bytes] = []
    with (
        listening(saying_once(head + b"3\r\nabc\r\n5\r\nab")) as port,
        to(port) as client,
        pytest.raises(BrokenStream, match="in the middle of its answer"),
        client.connection.stream("/x") as reply,
    ):
        got.extend(reply.pieces())
    assert b"".join(got) == b"abcab"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
        b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"status":"ok"}',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b'{"status":"ok"}'),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"sta\r\na\r\ntus":"ok"}\r\n0\r\n\r\n',
    ],
    ids=["after hints", "ended by closing", "packed", "in chunks"],
)
def test_replies_may_have_any_form_of_http(reply: bytes) -> None:
    with listening(saying_once(reply)) as port, to(port) as client:
        assert client.health() == {"status": "ok"}


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "its answer is not HTTP"),
        (OK[:-3], "closed the connection in the middle of its answer"),
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "cannot be unpacked"),
    ],
    ids=["another protocol", "cut", "nothing", "badly packed"],
)
def test_what_is_no_reply_is_told_in_a_sentence(reply: bytes, told: str) -> None:
    with (
        listening(saying_once(reply)) as port,
        to(port) as client,
        pytest.raises(errors.Unavailable, match=rf"127\.0\.0\.1:{port}.*{told}.*Try again"),
    ):
        client.health()


def test_who_says_nothing_in_time_is_given_up() -> None:
    def silent(peer: Peer) -> None:
        peer.hear()
        peer.hear()

    with (
        listening(silent) as port,
        to(port, timeout_s=0.2) as client,
        pytest.raises(errors.Unavailable, match="no answer in time"),
    ):
        client.health()


def test_a_refusal_that_comes_before_everything_was_sent_is_told() -> None:
    def refusing(peer: Peer) -> None:
        peer.socket.recv(1024)
        peer.say(b'HTTP/1.1 413 Too Large\r\nContent-Length: 26\r\n\r\n{"error": "It is too big"}')
        peer.socket.shutdown(socket.SHUT_WR)
        while peer.socket.recv(1 << 20):
            pass

    with (
        listening(refusing) as port,
        to(port) as client,
        pytest.raises(errors.InvalidInput, match="It is too big"),
    ):
        client.connection.call("POST", "/x", body="x" * 4_000_000)


def test_a_key_that_cannot_be_sent_is_refused_before_anything_is() -> None:
    with to(1, api_key="lilac_sk_\nX: y") as client, pytest.raises(errors.InvalidInput, match="no key has"):
        client.health()


def test_a_name_and_password_in_the_address_are_sent_where_there_is_no_key() -> None:
    heard: list[bytes] = []

    def script(peer: Peer) -> None:
        heard.append(peer.hear())
        peer.say(OK)

    with listening(script) as port, Client(f"http://me:se%20same@127.0.0.1:{port}") as client:
        client.health()
    assert b"Authorization: Basic bWU6c2Ugc2FtZQ==\r\n" in heard[0]
    assert f"Host: 127.0.0.1:{port}\r\n".encode() in heard[0]


def test_addresses_of_the_sixth_version_work() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return  # A machine without them has nothing to show.
    with listening(saying(OK), address="::1") as port, Client(f"http://[::1]:{port}") as client:
        assert client.health() == {"status": "ok"}


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked_by_the_whole_address(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    heard: list[bytes] = []

    def proxy(peer: Peer) -> None:
        heard.append(peer.hear())
        peer.say(OK)

    with listening(proxy) as port, Client("http://lilac.invalid:8081/api") as client:
        monkeypatch.setenv(variable, f"http://me:sesame@127.0.0.1:{port}")
        assert client.queues.get("a/b") == {"status": "ok"}
    assert heard[0].startswith(
        b"GET http://lilac.invalid:8081/api/queues/a%2Fb HTTP/1.1\r\nHost: lilac.invalid:8081\r\n"
    )
    assert b"Proxy-Authorization: Basic bWU6c2VzYW1l\r\n" in heard[0]


def test_a_proxy_is_left_out_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")
    with listening(saying(OK)) as port, to(port) as client:
        assert client.health() == {"status": "ok"}


@pytest.mark.parametrize(
    ("proxy", "told"),
    [("socks5://me:sesame@127.0.0.1:9", "must begin with http"), ("https://127.0.0.1:9", "itself reached by http://")],
)
def test_a_proxy_of_another_kind_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, proxy: str, told: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with Client("https://lilac.invalid") as client, pytest.raises(errors.InvalidInput, match=told) as caught:
        client.health()
    assert "sesame" not in str(caught.value)


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    cert, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, str(cert)


def over_tls(context: ssl.SSLContext, script: Script) -> Script:
    def secured(peer: Peer) -> None:
        with context.wrap_socket(peer.socket, server_side=True) as connected:
            script(Peer(connected))

    return secured


def test_only_the_named_authority_is_trusted(certified: tuple[ssl.SSLContext, str]) -> None:
    context, cert = certified
    with listening(over_tls(context, saying(OK))) as port:
        with Client(f"https://localhost:{port}", ca_file=cert) as client:
            assert [client.health() for _ in range(2)] == [{"status": "ok"}] * 2
        with (
            Client(f"https://localhost:{port}") as client,
            pytest.raises(errors.Unavailable, match=r"certificate is not trusted .*LILAC_CA_FILE"),
        ):
            client.health()


def test_the_authority_may_come_from_the_usual_variable(
    certified: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = certified
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    with listening(over_tls(context, saying(OK))) as port, Client(f"https://localhost:{port}") as client:
        assert client.health() == {"status": "ok"}


def test_a_certificate_for_another_name_is_not_trusted(certified: tuple[ssl.SSLContext, str]) -> None:
    context, cert = certified
    with (
        listening(over_tls(context, saying(OK)), address="127.0.0.2") as port,
        Client(f"https://127.0.0.2:{port}", ca_file=cert) as client,
        pytest.raises(errors.Unavailable, match="certificate is not trusted"),
    ):
        client.health()


def test_https_to_a_server_without_it_says_what_is_wrong() -> None:
    def plain(peer: Peer) -> None:
        peer.socket.recv(65_536)
        peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        listening(plain) as port,
        Client(f"https://127.0.0.1:{port}") as client,
        pytest.raises(errors.Unavailable, match="does not speak SSL as expected"),
    ):
        client.health()


def test_tls_goes_through_a_tunnel_of_the_proxy(
    certified: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, cert = certified
    heard: list[bytes] = []

    def proxy(peer: Peer) -> None:
        heard.append(peer.hear())
        peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        over_tls(context, saying(OK))(peer)

    with listening(proxy) as port, Client("https://localhost:8443", ca_file=cert) as client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert client.health() == {"status": "ok"}
    assert heard[0].startswith(b"CONNECT localhost:8443 HTTP/1.1\r\nHost: localhost:8443\r\n")


def test_a_proxy_that_refuses_is_told(certified: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with listening(saying_once(refusal)) as port, Client("https://localhost:8443", ca_file=certified[1]) as client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        told = r"the proxy refused: 407 Proxy Auth.* goes through the proxy"
        with pytest.raises(errors.Unavailable, match=told):
            client.health()
