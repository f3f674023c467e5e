"""The web interface: which file or page is served where, how long it may be kept, and what it is allowed to do."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from lilac.api.app import create_app
from lilac.api.routers.ui import PAGE_POLICY
from tests.unit.api.house import House

PAGE = b"<!doctype html><title>Lilac</title><script src=/ui/assets/index-1a2b.js></script>"
SCRIPT = b"console.log('lilac')" * 50
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROGRAM = {"Accept": "application/json"}


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """What a build leaves, and something beside it that is nobody's."""
    root = tmp_path / "web"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_bytes(PAGE)
    (root / "favicon.svg").write_bytes(b"<svg/>")
    (root / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (root / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (root / "assets" / "index-1a2b.js.br").write_bytes(b"as brotli has it")
    (root / "assets" / "plain-77.css").write_bytes(b"body{}")
    (root / ".hidden").write_bytes(b"hidden")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    os.symlink(tmp_path / "secret.txt", root / "assets" / "link.txt")
    return root


@pytest.fixture
async def client(house: House, web: Path) -> AsyncIterator[httpx2.AsyncClient]:
    house.app = create_app(house, web=web)
    async with house.client() as opened:
        yield opened


async def test_browsers_are_sent_from_the_root_to_the_interface_and_programs_are_not(
    client: httpx2.AsyncClient,
) -> None:
    reply = await client.get("/", headers=BROWSER)
    assert (reply.status_code, reply.headers["location"], reply.headers["vary"]) == (303, "/ui/", "accept")
    for headers in (PROGRAM, {"Accept": "*/*"}, {}):
        reply = await client.get("/", headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/jobs", "/ui/jobs/my.job", "/ui/nodes/gpu-1/", "/api/ui/"])
async def test_every_path_of_the_interface_that_is_no_file_is_its_page(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.get(path, headers=BROWSER)
    assert (reply.status_code, reply.content) == (200, PAGE)
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["content-security-policy"] == PAGE_POLICY


async def test_pages_may_do_little_and_are_alone_in_their_window(client: httpx2.AsyncClient) -> None:
    headers = (await client.get("/ui/", headers=BROWSER)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


async def test_paths_of_the_api_stay_the_apis_also_for_browsers(client: httpx2.AsyncClient) -> None:
    for path in ("/queues", "/training_jobs", "/health", "/nowhere", "/uin"):
        reply = await client.get(path, headers=BROWSER)
        assert reply.headers["content-type"] == "application/json", path


async def test_programs_get_no_page_for_a_path_that_is_no_file(client: httpx2.AsyncClient) -> None:
    for headers in (PROGRAM, {"Accept": "image/avif,image/*"}):
        assert (await client.get("/ui/jobs/missing.png", headers=headers)).status_code == 404


async def test_hashed_assets_are_kept_for_ever_and_missing_ones_are_no_page(client: httpx2.AsyncClient) -> None:
    reply = await client.get("/ui/assets/plain-77.css", headers={"Accept": "text/css,*/*"})
    assert (reply.status_code, reply.content) == (200, b"body{}")
    assert reply.headers["content-type"] == "text/css; charset=utf-8"
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/ui/assets/old-99.js", "/ui/assets/", "/ui/assets"):
        reply = await client.get(path, headers=BROWSER)
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/json"), path
        assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.0, gzip;q=0", None),
        ("brotli", None),
        ("identity", None),
    ],
)
async def test_a_compressed_sibling_is_sent_to_whom_takes_it(
    client: httpx2.AsyncClient, web: Path, accepted: str, encoding: str | None
) -> None:
    async with client.stream("GET", "/ui/assets/index-1a2b.js", headers={"Accept-Encoding": accepted}) as reply:
        raw = b"".join([piece async for piece in reply.aiter_raw()])
    assert reply.headers.get("content-encoding") == encoding
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["vary"] == "accept-encoding"
    assert int(reply.headers["content-length"]) == len(raw)
    suffix = {"br": ".br", "gzip": ".gz", None: ""}[encoding]
    assert raw == (web / "assets" / f"index-1a2b.js{suffix}").read_bytes()


async def test_what_has_not_changed_is_not_sent_again(client: httpx2.AsyncClient, web: Path) -> None:
    first = await client.get("/ui/", headers=BROWSER)
    tag = first.headers["etag"]
    for known in (tag, f'"x", W/{tag}', "*"):
        again = await client.get("/ui/", headers={**BROWSER, "If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["content-security-policy"] == PAGE_POLICY
    (web / "index.html").write_bytes(PAGE + b"<!-- newer -->")
    newer = await client.get("/ui/", headers={**BROWSER, "If-None-Match": tag})
    assert (newer.status_code, newer.headers["etag"] == tag) == (200, False)


@pytest.mark.parametrize("path", ["/ui/", "/ui/favicon.svg", "/ui/assets/plain-77.css"])
async def test_head_tells_what_get_would_send(client: httpx2.AsyncClient, path: str) -> None:
    got, told = await client.get(path, headers=BROWSER), await client.head(path, headers=BROWSER)
    assert (told.status_code, told.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert told.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/ui/../secret.txt",
        "/ui/..%2fsecret.txt",
        "/ui/%2e%2e/secret.txt",
        "/ui/assets/..%2f..%2f..%2fsecret.txt",
        "/ui/assets/..\\..\\secret.txt",
        "/ui//etc/passwd",
        "/ui/%2fetc%2fpasswd",
        "/ui/assets/link.txt",
        "/ui/.hidden",
        "/ui/assets/%00",
        "/ui/assets/" + "a" * 5000,
    ],
)
async def test_nothing_outside_of_the_interface_is_served(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.get(path, headers=PROGRAM)
    assert reply.status_code == 404
    assert b"secret" not in reply.content.replace(b"secret.txt", b"")
    assert b"root:" not in reply.content


async def test_an_interface_that_is_not_built_says_how_to_build_it(house: House, tmp_path: Path) -> None:
    house.app = create_app(house, web=tmp_path / "nothing")
    async with house.client() as client:
        for path in ("/ui/", "/ui/jobs/x"):
            reply = await client.get(path, headers=BROWSER)
            assert reply.status_code == 404
            assert reply.headers["content-type"].startswith("text/html")
            assert "make web" in reply.text
            assert "Node.js 20" in reply.text
            assert reply.headers["content-security-policy"] == PAGE_POLICY
        assert (await client.get("/queues")).status_code == 401
