"""The web interface: the files that the front end was built into, below `/ui`, with the headers that keep it to itself.

Routes of the API live at the root, so pages live apart from them: `/ui` and everything below is the application. A path
that is no file is one of the application's own (`/ui/jobs/…`) and gets its page, where a page is asked for; `/` sends
browsers there, and nobody else. Names of files are checked piece by piece before the disk is looked at.

Files below `assets` carry a hash of their content in their name and are kept by browsers for ever; everything else is
asked for anew, by its ETag. A file that was also written compressed (`.br`, `.gz`) is sent so to whom takes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

import lilac
from lilac.api.auth import router

BUILT = Path(lilac.__file__).parent / "web"
"""Where the front end is built into; not there in a checkout that did not build it."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_PIECE = re.compile(r"[A-Za-z0-9_@~+=-][A-Za-z0-9_.@~+=-]{0,199}")
_NOT_BUILT = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Lilac</title></head>
<body>
<h1>The web interface is not built</h1>
<p>This control plane runs from a checkout without it. Build it there with <code>make web</code> (it needs Node.js 20 or
newer), then load this page again. Released packages contain it.</p>
<p>Everything else works: the command line, and the API with its <a href="/docs">reference</a>.</p>
</body>
</html>
"""

routes = router()
_READING = ["GET", "HEAD"]


class _File(NamedTuple):
    content: bytes
    kind: str
    encoding: str | None
    tag: str


def is_built(root: Path = BUILT) -> bool:
    return (root / "index.html").is_file()


@routes.api_route("/", methods=_READING, include_in_schema=False)
async def start(request: Request) -> Response:
    """Browsers go to the interface; whoever else asks is told that there is nothing here."""
    if not _wants_page(request):
        raise HTTPException(404)
    return RedirectResponse("/ui/", 303, headers={"vary": "accept"})


@routes.api_route("/ui", methods=_READING, include_in_schema=False)
async def front_page(request: Request) -> Response:
    return await _page(request)


@routes.api_route("/ui/{path:path}", methods=_READING, include_in_schema=False)
async def any_page(request: Request, path: str) -> Response:
    """A file of the interface, or the page that knows what to show at this path."""
    pieces = path.split("/")
    if all(map(_PIECE.fullmatch, pieces)):
        found = await asyncio.to_thread(_read, request.app.state.web, pieces, request.headers.get("accept-encoding"))
        if found is not None:
            lasting = pieces[0] == "assets" and len(pieces) > 1
            return _reply(request, found, "public, max-age=31536000, immutable" if lasting else "no-cache")
    if pieces[0] == "assets" or not _wants_page(request):
        raise HTTPException(404)
    return await _page(request)


async def _page(request: Request) -> Response:
    accepted = request.headers.get("accept-encoding")
    found = await asyncio.to_thread(_read, request.app.state.web, ["index.html"], accepted)
    if found is not None:
        return _reply(request, found, "no-cache")
    content = b"" if request.method == "HEAD" else _NOT_BUILT
    return Response(content, 404, {**_PAGE_HEADERS, "cache-control": "no-store"}, "text/html")


def _wants_page(request: Request) -> bool:
    """Whether a browser navigates: those name `text/html`, programs do not."""
    return "text/html" in request.headers.get("accept", "")


def _read(root: Path, pieces: list[str], accepted: str | None) -> _File | None:
    """The file in the best encoding that is there and taken; None where there is none. The names are checked."""
    path = root.joinpath(*pieces)
    kind = _KINDS.get(path.suffix, "application/octet-stream")
    if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        return None
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if _takes(accepted or "", encoding) and packed.is_file():
            return _file(packed.read_bytes(), kind, encoding)
    return _file(path.read_bytes(), kind, None)


def _file(content: bytes, kind: str, encoding: str | None) -> _File:
    return _File(content, kind, encoding, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _takes(accepted: str, encoding: str) -> bool:
    """Whether an Accept-Encoding names the encoding and does not rule it out."""
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() == encoding:
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _reply(request: Request, file: _File, caching: str) -> Response:
    headers = {**_PAGE_HEADERS, "cache-control": caching, "etag": file.tag, "vary": "accept-encoding"}
    known = request.headers.get("if-none-match", "")
    if file.tag in [one.strip().removeprefix("W/") for one in known.split(",")] or known.strip() == "*":
        return Response(status_code=304, headers=headers)
    headers["content-type"] = file.kind
    headers["content-length"] = str(len(file.content))
    if file.encoding is not None:
        headers["content-encoding"] = file.encoding
    return Response(b"" if request.method == "HEAD" else file.content, headers=headers)
