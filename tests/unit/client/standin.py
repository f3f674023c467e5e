"""A control plane for tests: a real HTTP server on a free port that answers with a small, fixed world.

A test changes answers with `answer(method, path, reply)`. A reply is a JSON value (status 200), a `Reply`, or a
function of the `Asked` request that returns one of these; a list of replies is used up one by one, its last one stays.
A `Reply` whose body is an iterator is streamed; raising `Break` in it drops the connection in the middle.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JOB_ID = "5b0e7c1e-1111-4222-8333-444455556666"
OTHER_JOB_ID = "77aa7c1e-1111-4222-8333-444455556666"
QUEUE_ID = "8943e3de-e745-42bc-9c85-a037c58ac03a"
CLUSTER_ID = "c0ffee00-1111-4222-8333-444455556666"
NODE_ID = "0de00000-1111-4222-8333-444455556666"
USER_ID = "05e70000-1111-4222-8333-444455556666"
KEY_ID = "4e400000-1111-4222-8333-444455556666"
USER_KEY = "lilac_sk_" + "u" * 32
SUBMITTED = 1764000000.0


class Break(Exception):
    """Drop the connection now."""


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Answer = Any


class StandIn:
    """The server. `asked` are the requests that came, in order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], Answer] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, method: str, path: str, reply: Answer) -> None:
        self._answers[method, path] = reply

    def sent(self, method: str, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    def reply_to(self, asked: Asked) -> Reply:
        found = self._answers.get((asked.method, asked.path))
        if isinstance(found, list) and found and isinstance(found[0], Reply):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, Callable):
            found = found(asked)
        if found is None and (asked.method, asked.path) not in self._answers:
            return Reply({"error": f"There is no {asked.path}.", "code": "not_found"}, 404)
        return found if isinstance(found, Reply) else Reply(found)

    @contextmanager
    def running(self) -> Iterator[StandIn]:
        self._thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(parts.path).removeprefix("/api")
            asked = Asked(
                self.command,
                path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(raw) if raw else None,
            )
            stand_in.asked.append(asked)
            reply = stand_in.reply_to(asked)
            if isinstance(reply.body, Iterator):
                self._stream(reply)
                return
            content, kind = _content(reply.body)
            self.send_response(reply.status)
            headers = {"Content-Type": kind, "Content-Length": str(len(content)), **reply.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _stream(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "text/plain", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for piece in reply.body:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except (Break, OSError):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    return Handler


def _content(body: Any) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "text/html"
    return json.dumps(body).encode(), "application/json"


def job(**changes: Any) -> dict[str, Any]:
    """A job that ran on one node and succeeded."""
    return {
        "job_id": JOB_ID,
        "job_name": "digits",
        "job_status": "succeeded",
        "node_id": NODE_ID,
        "queue_id": QUEUE_ID,
        "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 512, "gpus": None},
        "created_at": "2026-11-24T04:00:00Z",
        "updated_at": "2026-11-24T04:00:05Z",
        "queue_name": "default",
        "owner": "ada",
        "kind": "batch",
        "runtime": "docker",
        "definition": "debian:12",
        "command": ["python", "train.py"],
        "env": {"TOKEN": "secret"},
        "working_dir": None,
        "size": {"min": 1, "max": 1},
        "priority": 0,
        "time_limit_s": 600,
        "grace_s": 30,
        "max_retries": 3,
        "node_selector": {},
        "labels": {"team": "vision"},
        "node_name": "gpu-1",
        "attempt": 1,
        "retries": 0,
        "started_at": "2026-11-24T04:00:01Z",
        "finished_at": "2026-11-24T04:00:05Z",
        "exit_code": 0,
        "reason": None,
        "message": None,
        "waiting": None,
        "waterfall": {
            "submitted": SUBMITTED,
            "planned": SUBMITTED + 0.002,
            "assigned": SUBMITTED + 0.005,
            "received": SUBMITTED + 0.008,
            "created": SUBMITTED + 0.050,
            "started": SUBMITTED + 0.100,
            "running_reported": SUBMITTED + 0.104,
            "exited": SUBMITTED + 4.1,
            "finished": SUBMITTED + 4.11,
        },
        "attempts": [attempt()],
        **changes,
    }


def attempt(number: int = 1, state: str = "succeeded", log_bytes: int = 12, **changes: Any) -> dict[str, Any]:
    replica = {
        "rank": 0,
        "node_id": NODE_ID,
        "node_name": "gpu-1",
        "state": state,
        "gpu_uuids": [],
        "exit_code": 0 if state == "succeeded" else None,
        "reason": None,
        "message": None,
        "started_at": "2026-11-24T04:00:01Z",
        "finished_at": "2026-11-24T04:00:05Z",
        "log_bytes": log_bytes,
        **changes,
    }
    return {
        "number": number,
        "state": state,
        "size": 1,
        "created_at": "2026-11-24T04:00:00Z",
        "started_at": "2026-11-24T04:00:01Z",
        "finished_at": "2026-11-24T04:00:05Z",
        "reason": None,
        "message": None,
        "replicas": [replica],
    }


def waiting_job(**changes: Any) -> dict[str, Any]:
    """A job that has not started."""
    nothing = dict.fromkeys(["node_id", "node_name", "started_at", "finished_at", "exit_code"])
    return job(
        **{
            "job_status": "queued",
            "attempt": 0,
            "attempts": [],
            "waterfall": {"submitted": SUBMITTED},
            "waiting": {
                "code": "resources",
                "message": "needs 8 × H100 on one node; the best is node-3 with 5 free",
                "expected_start": "2126-11-24T04:10:00Z",
                "smallest_change": "5 × H100 instead of 8",
            },
            **nothing,
            **changes,
        }
    )


def queue(**changes: Any) -> dict[str, Any]:
    return {
        "id": QUEUE_ID,
        "name": "default",
        "priority": 10,
        "cluster_targets": [CLUSTER_ID],
        "paused": False,
        "waiting_jobs": 2,
        **changes,
    }


def node(**changes: Any) -> dict[str, Any]:
    return {
        "id": NODE_ID,
        "cluster_id": CLUSTER_ID,
        "node_status": "busy",
        "last_heartbeat": "2026-11-24T04:00:00Z",
        "memory_mb": 65536,
        "cpu": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 16000},
        "gpu": {"manufacturer": "Nvidia", "model": "H100", "count": 2, "memory_mb": 81559},
        "name": "gpu-1",
        "hostname": "gpu-1.example",
        "labels": {"rack": "b2"},
        "runtimes": ["docker"],
        "gpus": [
            {"uuid": "GPU-1", "model": "H100", "memory_mb": 81559, "healthy": True, "job_id": JOB_ID},
            {"uuid": "GPU-2", "model": "H100", "memory_mb": 81559, "healthy": True, "job_id": None},
        ],
        "free": {"cpu_millicores": 4000, "memory_mb": 1024, "gpus": 1},
        "jobs": [JOB_ID],
        "agent_version": "0.1.0",
        **changes,
    }


def api_key(**changes: Any) -> dict[str, Any]:
    return {
        "id": KEY_ID,
        "prefix": "lilac_sk_abcdef",
        "created_at": "2026-11-24T04:00:00Z",
        "last_used_at": None,
        "expires_at": None,
        "name": "laptop",
        **changes,
    }


def user(**changes: Any) -> dict[str, Any]:
    return {
        "user_id": USER_ID,
        "username": "ada",
        "first_name": "Ada",
        "last_name": None,
        "role": "admin",
        "created_at": "2026-11-24T04:00:00Z",
        "disabled": False,
        **changes,
    }


def event(seq: int = 1, kind: str = "job.submitted", **changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(["node_id", "cluster_id", "queue_id", "user_id"])
    return {
        "seq": seq,
        "at": "2026-11-24T04:00:00Z",
        "kind": kind,
        "actor": "user:ada",
        "job_id": JOB_ID,
        "data": {"name": "digits"},
        **nothing,
        **changes,
    }


def furnish(stand_in: StandIn) -> StandIn:
    """The small world: one cluster, node, queue and user, two jobs."""
    created = {
        "id": JOB_ID,
        "name": "digits",
        "definition": "debian:12",
        "status": "queued",
        "node_id": None,
        "queue_id": QUEUE_ID,
        "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 512, "gpus": None},
        "created_at": "2026-11-24T04:00:00Z",
        "updated_at": "2026-11-24T04:00:00Z",
    }
    new_key = {"id": KEY_ID, "prefix": "lilac_sk_", "key": USER_KEY, "created_at": "2026-11-24T04:00:00Z"}
    summary = {
        "cluster_id": CLUSTER_ID,
        "cluster_name": "lab",
        "cluster_description": None,
        "total_nodes": 1,
        "busy_nodes": 1,
        "total_running_jobs": 1,
    }
    info = {
        **{key: value for key, value in summary.items() if key != "total_running_jobs"},
        "memory_info": {"total_memory_mb": 65536, "used_memory_mb": 1024},
        "cpu_info": {"total_millicores": 16000, "used_millicores": 12000},
        "gpu_info": {"total_gpus": 2, "used_gpus": 1},
        "job_info": {"total_running_jobs": 1},
        "created_at": "2026-11-24T04:00:00Z",
        "updated_at": "2026-11-24T04:00:00Z",
    }
    listed = [{**job(), "attempts": None}, {**waiting_job(job_id=OTHER_JOB_ID, job_name="giant"), "attempts": None}]
    explanation = {
        "job_id": OTHER_JOB_ID,
        "job_status": "queued",
        "code": "resources",
        "message": "needs 8 × H100 on one node; the best is node-3 with 5 free",
        "position": 2,
        "jobs_ahead": 1,
        "expected_start": "2126-11-24T04:10:00Z",
        "expected_start_note": "when digits reaches its time limit",
        "best_node": "node-3",
        "holders": [{"job_id": JOB_ID, "job_name": "digits", "node_name": "node-3", "ends_at": "2126-11-24T04:10:00Z"}],
        "nodes": [{"node_name": "node-3", "shortages": [{"dimension": "gpu", "needed": 8, "free": 5}]}],
        "smallest_change": {"text": "5 × H100 instead of 8"},
    }
    foreseen = {
        "now": "2026-11-24T04:00:00Z",
        "submitted": None,
        "jobs": [
            {
                "job_id": OTHER_JOB_ID,
                "job_name": "giant",
                "queue_id": QUEUE_ID,
                "before": None,
                "after": "2126-11-24T04:10:00Z",
            }
        ],
        "more": 0,
        "others": {"earlier": 2, "later": 1},
        "left_out": 0,
    }
    answers: dict[tuple[str, str], Answer] = {
        ("GET", "/health"): {"status": "ok", "version": "0.1.0"},
        ("POST", "/auth/login"): {"access_token": "jwt", "token_type": "Bearer"},
        ("GET", "/account/details"): user(),
        ("GET", "/account/api-keys"): [api_key()],
        ("POST", "/account/api-keys"): new_key,
        ("DELETE", f"/account/api-keys/{KEY_ID}"): None,
        ("POST", "/account/password"): {"access_token": "jwt", "token_type": "Bearer"},
        ("GET", "/users"): {"users": [user()]},
        ("POST", "/users"): user(username="bob", role="member"),
        ("GET", "/users/bob"): user(username="bob", role="viewer"),
        ("DELETE", "/users/bob"): None,
        ("PATCH", "/users/bob"): user(username="bob", role="viewer"),
        ("GET", "/clusters"): {"clusters": [summary]},
        ("POST", "/clusters"): {"cluster_id": CLUSTER_ID},
        ("GET", "/clusters/lab/info"): info,
        ("GET", f"/clusters/{CLUSTER_ID}/nodes"): {"cluster_nodes": [node()]},
        ("DELETE", f"/clusters/{CLUSTER_ID}"): None,
        ("GET", "/clusters/lab/api-keys"): [api_key(cluster_id=CLUSTER_ID)],
        ("POST", "/clusters/lab/api-keys"): new_key,
        ("DELETE", f"/clusters/lab/api-keys/{KEY_ID}"): None,
        ("GET", "/nodes"): {"nodes": [node()]},
        ("GET", "/nodes/gpu-1"): node(),
        ("GET", f"/nodes/{NODE_ID}"): node(),
        ("POST", f"/nodes/{NODE_ID}/drain"): node(node_status="draining"),
        ("POST", f"/nodes/{NODE_ID}/resume"): node(),
        ("DELETE", f"/nodes/{NODE_ID}"): None,
        ("PATCH", f"/nodes/{NODE_ID}"): lambda asked: node(labels={"rack": "b2", **_set(asked.body["labels"])}),
        ("GET", f"/nodes/{NODE_ID}/events"): {"events": [event(kind="node.lost")], "next": None},
        ("GET", f"/nodes/{NODE_ID}/jobs"): {"jobs": listed, "next": None},
        ("GET", "/queues"): [queue()],
        ("GET", f"/queues/{QUEUE_ID}/jobs"): {"jobs": [waiting_job(job_name="giant")]},
        ("POST", "/queues"): queue(name="night"),
        ("PUT", f"/queues/{QUEUE_ID}"): lambda asked: queue(**asked.body),
        ("PATCH", f"/queues/{QUEUE_ID}"): lambda asked: queue(**asked.body),
        ("POST", f"/queues/{QUEUE_ID}/pause"): queue(paused=True),
        ("POST", f"/queues/{QUEUE_ID}/resume"): queue(),
        ("DELETE", f"/queues/{QUEUE_ID}"): None,
        ("POST", "/training_jobs"): Reply(created, 201),
        ("POST", "/training_jobs/bulk"): lambda asked: Reply(
            {"jobs": [{"id": f"{at}{JOB_ID[1:]}", "name": each["name"]} for at, each in enumerate(asked.body["jobs"])]},
            201,
        ),
        ("POST", "/training_jobs/cancel"): {"cancelled": [JOB_ID, OTHER_JOB_ID], "ended": [], "unknown": []},
        ("POST", f"/training_jobs/{JOB_ID}/retry"): Reply(created, 201),
        ("PATCH", f"/training_jobs/{OTHER_JOB_ID}"): waiting_job(job_name="giant", priority=7),
        ("GET", "/training_jobs/sweep/elements"): {"array_id": JOB_ID, "jobs": listed, "next": None},
        ("POST", "/what-if"): foreseen,
        ("GET", "/training_jobs"): {"jobs": listed, "next": None},
        ("GET", "/training_jobs/digits"): job(),
        ("GET", f"/training_jobs/{JOB_ID}"): job(),
        ("GET", f"/training_jobs/{JOB_ID}/wait"): job(),
        ("GET", f"/training_jobs/{JOB_ID}/events"): {"events": [event(), event(2, "job.succeeded", actor="system")]},
        ("GET", f"/training_jobs/{JOB_ID}/logs"): logs_of(b"one\ntwo\nend\n"),
        ("POST", f"/training_jobs/{JOB_ID}/cancel"): None,
        ("GET", "/training_jobs/giant"): waiting_job(job_id=OTHER_JOB_ID, job_name="giant"),
        ("GET", f"/training_jobs/{OTHER_JOB_ID}"): waiting_job(job_id=OTHER_JOB_ID, job_name="giant"),
        ("GET", f"/training_jobs/{OTHER_JOB_ID}/explain"): explanation,
        ("GET", "/events"): {"events": [event(), event(2, "job.succeeded", actor="system")], "next": None},
    }
    for (method, path), reply in answers.items():
        stand_in.answer(method, path, reply)
    return stand_in


def _set(labels: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if value is not None}


def logs_of(whole: bytes) -> Callable[[Asked], Reply]:
    """Answers like the route of logs, for output that is complete."""

    def reply(asked: Asked) -> Reply:
        offset = int(asked.query.get("offset", "0"))
        begin = max(len(whole) + offset, 0) if offset < 0 else offset
        end = begin + int(asked.query["limit"]) if "limit" in asked.query else len(whole)
        headers = {"X-Log-Offset": str(begin), "X-Log-Size": str(len(whole))}
        return Reply(iter([whole[begin:end]] if whole[begin:end] else []), 200, headers)

    return reply
