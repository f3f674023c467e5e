"""One HTTP connection to a control plane: requests out, JSON or an error of the product back.

* The endpoint may have a path, and a slash at its end or not: every route exists at the root and under `/api`.
* A failed call raises the class of `lilac.model.errors` whose `code` the reply names; a reply without a code that
  we know is judged by its status. Bodies that are not JSON (a proxy's page, an original Lilac) still give a sentence.
* A control plane that cannot be reached is `Unavailable`, with the system's reason.
* The endpoint may be a list with commas, of a control plane with several replicas: one is used as long as it answers,
  then the next. A request is sent again only if it was certainly not received, or changes nothing.

Requests travel by `lilac.client.transport`.
"""

from __future__ import annotations

import errno
import json as jsonlib
import os
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from lilac.client.dialling import NotSent, Silent, TransportError, basic, proxy_for
from lilac.client.patience import Patience
from lilac.client.transport import Reply, Request, Transport
from lilac.model.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LilacError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

CONNECT_TIMEOUT_S = 10.0
ASKED_AGAIN_S = 30.0
"""How long a submission whose answer was lost is sent again."""
SILENCE_S = 60.0
"""A followed stream that says nothing for so long is opened again where it stopped: the other side may be gone."""


class Unanswered(Unavailable):
    """A request was sent, and no complete answer came: it may have been carried out."""


class BrokenStream(Unavailable):
    """A stream ended before its end; what was received so far is good."""


class SilentStream(BrokenStream):
    """A stream on which nothing came for `SILENCE_S`: perhaps there is nothing to say, perhaps nobody is there."""


class Connection:
    """A pool of connections to one control plane, with one credential."""

    def __init__(
        self, endpoint: str, api_key: str | None = None, *, timeout_s: float = 30.0, ca_file: str | None = None
    ) -> None:
        self.all_endpoints = normal_endpoint(endpoint)
        """As they were given, with commas between."""
        self._endpoints = self.all_endpoints.split(",")
        self.endpoint = self._endpoints[0]
        """The one in use."""
        self.ca_file = ca_file
        self.api_key = api_key
        self.timeout_s = timeout_s
        self._transport = Transport(ca_file=ca_file)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, object] | None = None,
        timeout_s: float | None = None,
        key: str | None = None,
    ) -> Any:
        """Send one request and return its decoded JSON (None where the reply has no body).

        With a `key` for idempotency it does no harm to send the request several times.
        """
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        headers = {**self._headers(), "Accept-Encoding": "gzip", **({"Idempotency-Key": key} if key else {})}
        harmless = method == "GET" or key is not None
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = jsonlib.dumps(body).encode()
        tries = len(self._endpoints)
        while True:
            tries -= 1
            try:
                return self._exchange(method, self._address(path, params), headers, content, limit_s, harmless)
            except TransportError as error:
                told = self._failed(error, method)
                self._turn_to_next()
                if tries < 1 or not (harmless or isinstance(error, NotSent)):
                    raise told from error

    def call_once(self, path: str, *, body: object, key: str | None = None, patience: Patience | None = None) -> Any:
        """POST what must not be made twice, under a key of its own or the one given.

        Where the answer gets lost the same is asked again, until it comes or `patience` is over: then the first loss
        is raised. What is refused, or cannot be sent at all, is raised at once.
        """
        key = os.urandom(16).hex() if key is None else key
        patience = Patience(ASKED_AGAIN_S) if patience is None else patience
        lost: Unanswered | None = None
        while True:
            try:
                return self.call("POST", path, body=body, key=key)
            except Unavailable as error:
                if lost is None and not isinstance(error, Unanswered):
                    raise
                lost = lost or cast("Unanswered", error)
                try:
                    patience.wait(Unavailable(lost.details["what"]))
                except Unavailable:
                    raise lost from error

    def _exchange(
        self,
        method: str,
        address: SplitResult,
        headers: Mapping[str, str],
        content: bytes | None,
        limit_s: float,
        harmless: bool,
    ) -> Any:
        request = Request(method=method, address=address, headers=headers, body=content, repeatable=harmless)
        reply = self._transport.send(request, connect_s=min(limit_s, CONNECT_TIMEOUT_S), silence_s=limit_s)
        answer = reply.read()
        if reply.status >= 400:
            raise error_of(reply.status, answer, self.endpoint)
        return self._decoded(reply, answer)

    @contextmanager
    def stream(self, path: str, *, params: Mapping[str, object] | None = None, accept: str = "*/*") -> Generator[Reply]:
        """Open a GET whose body is read piece by piece.

        Raises `Unavailable` when it cannot be opened and `BrokenStream` when it breaks while it is read.
        """
        self._choose_live()
        request = Request(
            method="GET",
            address=self._address(path, params),
            headers={**self._headers(), "Accept": accept, "Accept-Encoding": "identity"},
            repeatable=True,
        )
        reply: Reply | None = None
        opened = False
        try:
            reply = self._transport.send(request, connect_s=CONNECT_TIMEOUT_S, silence_s=SILENCE_S)
            if reply.status >= 400:
                raise error_of(reply.status, reply.read(), self.endpoint)
            opened = True
            yield reply
        except TransportError as error:
            endpoint = self.endpoint
            self._turn_to_next()
            if opened and isinstance(error, Silent):
                raise SilentStream(f"nothing came from {endpoint} for {SILENCE_S:.0f} s.") from error
            if opened:
                raise BrokenStream(f"the connection to {endpoint} broke: {_reason(error)}.") from error
            raise self._failed(error, "GET", endpoint) from error
        finally:
            if reply is not None:
                reply.close()

    def _choose_live(self) -> None:
        """Turn to an endpoint that answers, if there are several: a stream cannot be sent to the next one half-way."""
        if len(self._endpoints) > 1:
            self.call("GET", "/health")

    def _turn_to_next(self) -> None:
        self.endpoint = self._endpoints[(self._endpoints.index(self.endpoint) + 1) % len(self._endpoints)]

    def close(self) -> None:
        """Close what is open; what is called later opens anew."""
        self._transport.close()
        self._transport = Transport(ca_file=self.ca_file)

    def _address(self, path: str, params: Mapping[str, object] | None) -> SplitResult:
        base = urlsplit(self.endpoint)
        query = urlencode(_without_none(params), doseq=True, quote_via=quote)
        return base._replace(path=quote(base.path, safe="/%") + path, query=query)

    def _headers(self) -> dict[str, str]:
        from lilac import __version__

        headers = {"User-Agent": f"lilac/{__version__}", "Accept": "application/json"}
        if self.api_key:
            if not (self.api_key.isascii() and self.api_key.isprintable()):
                raise InvalidInput("the API key holds characters that no key has. Run `lilac login` for a new one.")
            headers["Authorization"] = f"Bearer {self.api_key}"
        elif (base := urlsplit(self.endpoint)).username is not None:
            headers["Authorization"] = basic(unquote(base.username or ""), unquote(base.password or ""))
        return headers

    def _decoded(self, reply: Reply, content: bytes) -> Any:
        if not content:
            return None
        if 300 <= reply.status < 400:
            raise LilacError(
                f"{self.endpoint} answered with a redirect to {reply.headers.get('location', 'nowhere')}: "
                "use that address as the endpoint."
            )
        try:
            return jsonlib.loads(content)
        except ValueError as error:
            raise LilacError(
                f"{self.endpoint} did not answer like a Lilac control plane "
                f"({reply.headers.get('content-type', 'no content type')}). Check the endpoint."
            ) from error

    def unreachable(self, error: Exception, endpoint: str | None = None) -> Unavailable:
        """The sentence for a connection that could not be made."""
        reason = _reason(error)
        return Unavailable(
            f"cannot reach the control plane at {endpoint or self.endpoint}: {reason}. "
            + _advice(endpoint or self.endpoint)
        )

    def _failed(self, error: TransportError, method: str, endpoint: str | None = None) -> Unavailable:
        endpoint = endpoint or self.endpoint
        if isinstance(error, NotSent):
            return self.unreachable(error, endpoint)
        what = f"no complete answer from the control plane at {endpoint}: {_reason(error)}."
        if method == "GET":
            return Unanswered(f"{what} Try again.", what=what)
        return Unanswered(f"{what} The request may have been carried out: look before you send it again.", what=what)


def normal_endpoint(text: str) -> str:
    """The endpoint with a scheme and without a slash at its end; of several, separated by commas, each.

    Raises `InvalidInput` for what cannot be one.
    """
    if "," in text:
        return ",".join(normal_endpoint(one) for one in text.split(","))
    endpoint = text.strip()
    if "://" not in endpoint:
        endpoint = f"http://{endpoint}"
    endpoint = endpoint.rstrip("/")
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(c.isspace() for c in endpoint):
        raise InvalidInput(f"{text!r} is not an address of a control plane, such as http://lilac.example.com:8081.")
    return endpoint


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def error_of(status: int, body: bytes, endpoint: str = "the server") -> LilacError:
    """The error that a reply tells."""
    try:
        told = jsonlib.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return _class_of_status(status)(_sentence_of_text(status, body, endpoint), status=status)
    message = told.get("error") or _sentence_of_detail(told.get("detail")) or _phrase(status)
    kind = _BY_CODE.get(str(told.get("code"))) or _class_of_status(status)
    details = {key: value for key, value in told.items() if key not in ("error", "detail")}
    return kind(str(message), **{**details, "status": status})


def _class_of_status(status: int) -> type[LilacError]:
    if status in (502, 503, 504):
        return Unavailable
    return _BY_STATUS.get(status, LilacError)


_BY_STATUS: Mapping[int, type[LilacError]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: TooManyRequests,
}


def _all_kinds(root: type[LilacError]) -> dict[str, type[LilacError]]:
    kinds = {root.code: root}
    for kind in root.__subclasses__():
        if "code" in vars(kind):
            kinds |= _all_kinds(kind)
    return kinds


_BY_CODE: Mapping[str, type[LilacError]] = _all_kinds(LilacError)


def _sentence_of_detail(detail: object) -> str | None:
    """Validation complaints in the form that web frameworks send them: text, or a list of `{loc, msg}`."""
    if isinstance(detail, str):
        return detail
    if not isinstance(detail, list):
        return None
    parts: list[str] = []
    for item in detail:
        if isinstance(item, dict):
            where = ".".join(str(part) for part in item.get("loc", ()) if part != "body")
            parts.append(f"{where}: {item.get('msg', 'not valid')}" if where else str(item.get("msg", "not valid")))
    return "; ".join(parts) or None


def _sentence_of_text(status: int, body: bytes, endpoint: str) -> str:
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<") or not text:
        return f"{endpoint} answered with {status} {_phrase(status)}. Is it the address of a Lilac control plane?"
    return text.splitlines()[0][:300]


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def _advice(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    proxy = proxy_for(parts)
    if proxy is not None:
        shown = proxy.rpartition("@")[2]  # without the name and password that it may have
        return f"The call goes through the proxy {shown}; NO_PROXY={parts.hostname} would avoid it."
    return "Is it running? Check `api_endpoint` in ~/.lilac/config.toml or LILAC_API_ENDPOINT."


def _reason(error: BaseException) -> str:
    """The system's own reason at the bottom of a chain of exceptions, in a few words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return "its host name is not known"
        if message := getattr(seen, "verify_message", None):
            return f"its certificate is not trusted ({message}); LILAC_CA_FILE names a file with the authority to trust"
        if (library := getattr(seen, "library", None)) and (reason := getattr(seen, "reason", None)):
            return f"it does not speak {library} as expected ({str(reason).replace('_', ' ').lower()})"
        if isinstance(seen, OSError) and seen.errno is not None:
            if seen.errno == errno.ECONNREFUSED:
                return "connection refused"
            return os.strerror(seen.errno).lower() if seen.errno > 0 else str(seen)
        if isinstance(seen, TimeoutError):
            return "no answer in time"
        seen = seen.__cause__ or seen.__context__
    return str(error).rstrip(".") or type(error).__name__


def _without_none(params: Mapping[str, object] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in (params or {}).items():
        if value is not None:
            shown[key] = str(value).lower() if isinstance(value, bool) else value
    return shown
