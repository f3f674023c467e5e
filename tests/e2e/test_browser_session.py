"""A browser at a real server: signed in by cookies, it follows events, and is refused when another site sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.fixtures.certificates import write_certificate
from tests.fixtures.platform import PASSWORD, Server

OWN = {"X-Requested-With": "lilac"}
STREAM = {"Accept": "text/event-stream", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "server") as running:
        yield running


def sign_in(client: httpx2.Client) -> httpx2.Response:
    reply = client.post("/api/auth/session", json={"username": "admin", "password": PASSWORD}, headers=OWN)
    assert reply.status_code == 200, reply.text
    return reply


def seen(client: httpx2.Client, how_many: int, *, resume_at: int, **query: str) -> list[tuple[int, str, str | None]]:
    """Number, kind and job of the next events of a stream that goes on after an event."""
    found: list[tuple[int, str, str | None]] = []
    headers = {**STREAM, "Last-Event-ID": str(resume_at)}
    with client.stream("GET", "/api/events", params=query, headers=headers, timeout=30) as reply:
        assert reply.status_code == 200
        for line in reply.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                found.append((event["seq"], event["kind"], event["job_id"]))
                if len(found) == how_many:
                    break
    return found


def test_a_signed_in_browser_follows_events_and_goes_on_where_it_was(server: Server) -> None:
    with httpx2.Client(base_url=server.address, trust_env=False) as client:
        sign_in(client)
        one, other = server.api.submit("true", name="one"), server.api.submit("true", name="other")
        server.api.post(f"/training_jobs/{one}/cancel")
        every = seen(client, 2, resume_at=0, job_id=one)
        assert [(kind, job) for _, kind, job in every] == [("job.submitted", one), ("job.cancelled", one)]
        assert seen(client, 1, resume_at=every[0][0], job_id=one) == every[1:]
        rest = seen(client, 2, resume_at=every[0][0], kind="job.submitted,job.cancelled")
        assert [(kind, job) for _, kind, job in rest] == [("job.submitted", other), ("job.cancelled", one)]
        foreign = {**STREAM, "Sec-Fetch-Site": "cross-site"}
        assert client.get("/api/events", headers=foreign).status_code == 403


def test_behind_a_proxy_with_tls_the_cookies_are_for_tls_only(server: Server, tmp_path: Path) -> None:
    with httpx2.Client(base_url=server.address, trust_env=False) as client:
        client.headers.update({"X-Forwarded-Proto": "https", "Host": "lilac.example"})
        cookies = sign_in(client).headers.get_list("set-cookie")
        assert len(cookies) == 2
        assert all("Secure" in cookie and "HttpOnly" in cookie for cookie in cookies)
        own, other = {"Origin": "https://lilac.example"}, {"Origin": "https://other.example"}
        jar = {"Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}
        assert client.post("/api/auth/session/refresh", headers={**jar, **own}).status_code == 200
        assert client.post("/api/auth/session/refresh", headers={**jar, **other}).status_code == 403


def test_over_tls_of_its_own_too(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path)
    settings = {"LILAC_TLS_CERT_FILE": str(cert), "LILAC_TLS_KEY_FILE": str(key)}
    with (
        Server(tmp_path / "server", settings=settings, ca_file=cert) as server,
        httpx2.Client(base_url=server.address, trust_env=False, verify=False) as client,
    ):
        assert all("Secure" in cookie for cookie in sign_in(client).headers.get_list("set-cookie"))
        assert client.get("/api/auth/session").json()["username"] == "admin"
        page = client.get("/ui/", headers={"Accept": "text/html"})
        assert "default-src 'none'" in page.headers["content-security-policy"]
