"""The agent as a process, with a real engine, working for a server that speaks as the original Lilac."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.docker import DockerEngine
from tests.fixtures.platform import Agent, eventually


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.assigned: dict[str, str] | None = None
        self.heard: list[dict[str, Any]] = []

    def states(self, job: str) -> list[str]:
        return [told["status"] for told in self.heard if told and told["current_job_id"] == job]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/status"):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        info = json.loads(body)["job_info"]
        self.server.heard.append(info)
        assigned = self.server.assigned
        if info and assigned and info["current_job_id"] == assigned["id"] and info["status"] in ("succeeded", "failed"):
            self.server.assigned = None
        reply = json.dumps({"assigned_job": self.server.assigned}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


@pytest.fixture
def original_server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_container_of_the_image_runs_and_its_end_is_told(
    original_server: Server, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    original_server.assigned = {"id": good, "docker_uri": docker_engine.busybox}  # its shell ends at once, with 0
    address = f"http://127.0.0.1:{original_server.server_port}"
    with Agent(tmp_path / "agent", address, "k", runtimes=["docker"], env={"DOCKER_HOST": docker_engine.host}):
        eventually(lambda: "succeeded" in original_server.states(good), 90, "the job to have succeeded")
        original_server.assigned = {"id": bad, "docker_uri": "no-such-image:ever"}  # when it says that it is free
        eventually(lambda: "failed" in original_server.states(bad), 120, "the job without an image to have failed")
    assert set(original_server.states(good)) <= {"starting", "running", "succeeded"}
