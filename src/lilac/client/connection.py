"""One HTTP connection to a control plane: requests out, JSON or an error of the product back.

* The endpoint may have a path, and a slash at its end or not: every route exists at the root and under `/api`.
* A failed call raises the class of `lilac.model.errors` whose `code` the reply names; a reply without a code that
  we know is judged by its status. Bodies that are not JSON (a proxy's page, an original Lilac) still give a sentence.
* A control plane that cannot be reached is `Unavailable`, with the system's reason.
* The endpoint may be a list with commas, of a control plane with several replicas: one is used as long as it answers,
  then the next. A request is sent again only if it was certainly not received, or changes nothing.

The HTTP library is imported by the first call, not with this module: command lines start quickly.
"""

from __future__ import annotations

import errno
import json as jsonlib
import os
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

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

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_S = 10.0
SILENCE_S = 60.0
"""A followed stream that says nothing for so long is opened again where it stopped: the other side may be gone."""


class BrokenStream(Unavailable):
    """A stream ended before its end; what was received so far is good."""


class SilentStream(BrokenStream):
    """A stream on which nothing came for `SILENCE_S`: perhaps there is nothing to say, perhaps nobody is there."""


class Connection:
    """A pool of connections to one control plane, with one credential."""

    def __init__(
        self, endpoint: str, api_key: str | None = None, *, timeout_s: float = 30.0, ca_file: str | None = None
    ) -> None:
        self._endpoints = normal_endpoint(endpoint).split(",")
        self.endpoint = self._endpoints[0]
        """The one in use."""
        self.ca_file = ca_file
        self.api_key = api_key
        self.timeout_s = timeout_s
        self._http: httpx2.Client | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, object] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Send one request and return its decoded JSON (None where the reply has no body)."""
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        tries = len(self._endpoints)
        while (response := self._sent(method, path, body, params, limit_s, last=tries <= 1)) is None:
            tries -= 1
        if response.status_code >= 400:
            raise error_of(response.status_code, response.content, self.endpoint)
        return self._decoded(response)

    def _sent(
        self, method: str, path: str, body: object, params: Mapping[str, object] | None, limit_s: float, *, last: bool
    ) -> httpx2.Response | None:
        """The response; None if there was none and the next endpoint may be tried."""
        import httpx2

        try:
            return self._client().request(
                method,
                self.endpoint + path,
                params=_without_none(params),
                headers=self._headers(),
                timeout=httpx2.Timeout(limit_s, connect=min(limit_s, CONNECT_TIMEOUT_S)),
                json=body,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            told = self._unreachable(error, method)
            self._turn_to_next()
            harmless = method == "GET" or isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
            if last or not harmless:
                raise told from error
            return None

    @contextmanager
    def stream(
        self, path: str, *, params: Mapping[str, object] | None = None, accept: str = "*/*"
    ) -> Generator[httpx2.Response]:
        """Open a GET whose body is read piece by piece.

        Raises `Unavailable` when it cannot be opened and `BrokenStream` when it breaks while it is read.
        """
        import httpx2

        opened = False
        self._choose_live()
        try:
            with self._client().stream(
                "GET",
                self.endpoint + path,
                params=_without_none(params),
                headers={**self._headers(), "Accept": accept, "Accept-Encoding": "identity"},
                timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_TIMEOUT_S),
            ) as response:
                if response.status_code >= 400:
                    raise error_of(response.status_code, response.read(), self.endpoint)
                opened = True
                yield response
        except httpx2.HTTPError as error:
            endpoint = self.endpoint
            self._turn_to_next()
            if opened and isinstance(error, httpx2.ReadTimeout):
                raise SilentStream(f"nothing came from {endpoint} for {SILENCE_S:.0f} s.") from error
            if opened:
                raise BrokenStream(f"the connection to {endpoint} broke: {_reason(error)}.") from error
            raise self._unreachable(error, "GET", endpoint) from error

    def _choose_live(self) -> None:
        """Turn to an endpoint that answers, if there are several: a stream cannot be sent to the next one half-way."""
        if len(self._endpoints) > 1:
            self.call("GET", "/health")

    def _turn_to_next(self) -> None:
        self.endpoint = self._endpoints[(self._endpoints.index(self.endpoint) + 1) % len(self._endpoints)]

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _client(self) -> httpx2.Client:
        if self._http is None:
            import httpx2

            # Building a TLS context takes a tenth of a second: not for an endpoint that has no use for one.
            verify: Any = any(endpoint.startswith("https:") for endpoint in self._endpoints)
            if verify and self.ca_file:
                verify = trusting(self.ca_file)
            self._http = httpx2.Client(verify=verify, follow_redirects=False)
        return self._http

    def _headers(self) -> dict[str, str]:
        from lilac import __version__

        headers = {"User-Agent": f"lilac/{__version__}", "Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers

    def _decoded(self, response: httpx2.Response) -> Any:
        if not response.content:
            return None
        if 300 <= response.status_code < 400:
            raise LilacError(
                f"{self.endpoint} answered with a redirect to {response.headers.get('location', 'nowhere')}: "
                "use that address as the endpoint."
            )
        try:
            return response.json()
        except ValueError as error:
            raise LilacError(
                f"{self.endpoint} did not answer like a Lilac control plane "
                f"({response.headers.get('content-type', 'no content type')}). Check the endpoint."
            ) from error

    def unreachable(self, error: Exception, endpoint: str | None = None) -> Unavailable:
        """The sentence for a connection that could not be made."""
        reason = _reason(error)
        return Unavailable(
            f"cannot reach the control plane at {endpoint or self.endpoint}: {reason}. "
            + _advice(endpoint or self.endpoint)
        )

    def _unreachable(self, error: Exception, method: str, endpoint: str | None = None) -> Unavailable:
        import httpx2

        endpoint = endpoint or self.endpoint
        reason = _reason(error)
        if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError, httpx2.InvalidURL)):
            return self.unreachable(error, endpoint)
        if method == "GET":
            return Unavailable(f"no complete answer from the control plane at {endpoint}: {reason}. Try again.")
        return Unavailable(
            f"no complete answer from the control plane at {endpoint}: {reason}. "
            "The request may have been carried out: look before you send it again."
        )


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


def trusting(ca_file: str) -> Any:
    """A TLS context that trusts the authorities of a file only. Raises `InvalidInput` for a file that holds none."""
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidInput(f"cannot use the certificate authorities in {ca_file}: {why}.", field="ca_file") from None


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
    proxy = _proxy_for(endpoint)
    if proxy is not None:
        return f"The call goes through the proxy {proxy}; NO_PROXY={urlsplit(endpoint).hostname} would avoid it."
    return "Is it running? Check `api_endpoint` in ~/.lilac/config.toml or LILAC_API_ENDPOINT."


def _proxy_for(endpoint: str) -> str | None:
    """The proxy that the environment sets for an endpoint, without the name and password it may have."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(endpoint)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if found is None or proxy_bypass(parts.netloc):
        return None
    return found.rpartition("@")[2]


def _reason(error: BaseException) -> str:
    """The system's own reason at the bottom of a chain of exceptions, in a few words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return "its host name is not known"
        if message := getattr(seen, "verify_message", None):
            return f"its certificate is not trusted ({message}); LILAC_CA_FILE names a file with the authority to trust"
        if isinstance(seen, OSError) and seen.errno is not None:
            if seen.errno == errno.ECONNREFUSED:
                return "connection refused"
            return os.strerror(seen.errno).lower() if seen.errno > 0 else str(seen)
        seen = seen.__cause__ or seen.__context__
    kind = type(error).__name__
    if kind.endswith("Timeout"):
        return "no answer in time"
    return str(error).rstrip(".") or kind


def _without_none(params: Mapping[str, object] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in (params or {}).items():
        if value is not None:
            shown[key] = str(value).lower() if isinstance(value, bool) else value
    return shown
