"""The cookies of a signed-in browser, and when they count as a credential.

A browser sends cookies with whatever page asks it to, so they count only for calls that pages of this very server
make. `SameSite=Strict` keeps them from pages of other sites; what is left (other ports and neighbouring names, browsers
without it) is told apart here by what browsers say and pages cannot forge:

* `Sec-Fetch-Site`, which browsers send over HTTPS and to this machine, decides where it is there;
* else the header `X-Requested-With: lilac`, which a page of another origin may not set, or an `Origin` that names the
  host of the call. A call that changes nothing may lack both.
* A WebSocket can be opened from any page without being asked, so its `Origin` must be there and name the host.

`lilac_session` is the login token and goes with every call; `lilac_refresh` goes to `/auth/session` only. No script can
read either.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from lilac.control.web_sessions import TOKEN_LIFETIME_S, SignedIn
from lilac.model.errors import Forbidden

SESSION = "lilac_session"
REFRESH = "lilac_refresh"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def cookie(scope: Scope, name: str) -> str | None:
    """The value of a cookie; None where there is none."""
    for header, value in scope["headers"]:
        if header == b"cookie" and name.encode() in value:
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                continue
            if name in jar and jar[name].value:
                return jar[name].value
    return None


def check_own_page(scope: Scope) -> None:
    """Raise `Forbidden` unless the call comes from a page of this server, as far as a browser tells."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if not _is_own(scope, headers):
        raise Forbidden(
            "Forbidden: a browser's sign-in is good for pages of this server only. Pages send 'X-Requested-With: "
            "lilac'; programs send an API key as 'Authorization: Bearer …'."
        )


def _is_own(scope: Scope, headers: dict[bytes, str]) -> bool:
    opens_socket = scope["type"] == "websocket"
    safe = not opens_socket and scope["method"] in _SAFE_METHODS
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None and site != "same-origin" and not (safe and site == "none"):
        return False
    if opens_socket:
        return origin is not None and _names_host(origin, headers.get(b"host", ""))
    if site is not None or headers.get(b"x-requested-with") == "lilac":
        return True
    return safe if origin is None else _names_host(origin, headers.get(b"host", ""))


def _names_host(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of the host that was called. The scheme is not compared: a proxy may have
    taken the TLS off."""
    try:
        page = urlsplit(origin)
        called = urlsplit(f"{page.scheme}://{host}")
        default = _DEFAULT_PORTS.get(page.scheme)
        ports = (page.port or default, called.port or default)
    except ValueError:
        return False
    return bool(page.hostname) and page.hostname == called.hostname and ports[0] == ports[1]


def set_cookies(response: Response, scope: Scope, signed_in: SignedIn, now: float) -> None:
    """Hand a session to the browser."""
    secure = scope.get("scheme") == "https"
    for name, value, path, age in (
        (SESSION, signed_in.token, "/", TOKEN_LIFETIME_S),
        (REFRESH, signed_in.secret, _refresh_path(scope), int(signed_in.ends_at - now)),
    ):
        response.set_cookie(name, value, max_age=age, path=path, secure=secure, httponly=True, samesite="strict")


def clear_cookies(response: Response, scope: Scope) -> None:
    secure = scope.get("scheme") == "https"
    for name, path in ((SESSION, "/"), (REFRESH, _refresh_path(scope))):
        response.delete_cookie(name, path=path, secure=secure, httponly=True, samesite="strict")


def _refresh_path(scope: Scope) -> str:
    """Below `/api` if the call came there: a browser sends the cookie back to the same path only."""
    return f"{'/api' if scope.get('raw_path', b'').startswith(b'/api/') else ''}/auth/session"
