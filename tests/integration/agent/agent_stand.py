"""A small control plane that speaks the agent's protocol and is strict about it, and a handle on a real agent."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from tests.fixtures.groups import remove_groups

Key = tuple[str, int, int]

ENDS = {"succeeded", "failed", "stopped", "lost"}
CLUSTER_KEY = "lilac_sk_cluster_for_tests"


class FakeControlPlane:
    """Holds a list of replicas, and remembers what it was told. Mistakes of the agent end up in `faults`."""

    def __init__(self) -> None:
        self.items: dict[Key, dict[str, Any]] = {}
        self.reports: dict[Key, dict[str, Any]] = {}
        self.history: dict[Key, list[str]] = {}
        self.told_at: dict[tuple[Key, str], float] = {}
        self.logs: dict[Key, bytearray] = {}
        self.log_ends: set[Key] = set()
        self.unknown_logs: set[Key] = set()
        self.doomed_volumes: list[str] = []
        self.faults: list[str] = []
        self.machine: dict[str, Any] = {}
        self.calls = 0
        self.refuse: int | None = None
        self.release_at_end = True
        self.port = 0
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._sequences: dict[str, int] = {}
        self._seen_sequences: set[tuple[str, int]] = set()
        self._node_id: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/node/{node}/status", self._status)
        app.router.add_post("/node/{node}/logs/{job}/{attempt}/{rank}", self._log)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def assign(self, *command: str, **fields: Any) -> Key:
        return (await self.assign_many([{"command": list(command) or None, **fields}]))[0]

    async def assign_many(self, many: list[dict[str, Any]]) -> list[Key]:
        keys: list[Key] = []
        async with self._changed:
            for fields in many:
                item = {
                    "job_id": str(uuid.uuid4()),
                    "attempt": 1,
                    "rank": 0,
                    "desired": "run",
                    "known_state": "assigned",
                    "job_name": "test",
                    "runtime": "process",
                    "image": "",
                    "command": None,
                    "env": {},
                    "working_dir": None,
                    "world_size": 1,
                    "cpu_millicores": 100,
                    "memory_mb": 64,
                    "gpu_uuids": [],
                    "grace_s": 30,
                    **fields,
                }
                key = (item["job_id"], item["attempt"], item["rank"])
                self.items[key] = item
                self.told_at[key, "assigned"] = time.time()
                keys.append(key)
            self._changed.notify_all()
        return keys

    async def stop(self, key: Key, **fields: Any) -> None:
        async with self._changed:
            self.items[key].update(desired="stop", **fields)
            self._changed.notify_all()

    async def doom(self, *volume_ids: str) -> None:
        async with self._changed:
            self.doomed_volumes = list(volume_ids)
            self._changed.notify_all()

    async def unlist(self, key: Key) -> None:
        async with self._changed:
            self.items.pop(key, None)
            self._changed.notify_all()

    async def until(self, condition: Any, timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def until_state(self, key: Key, *states: str, timeout_s: float = 30.0) -> dict[str, Any]:
        try:
            await self.until(lambda: self.reports.get(key, {}).get("state") in states, timeout_s)
        except TimeoutError:
            raise AssertionError(f"not {states} in time: {self.reports.get(key)}, {self.history.get(key)}") from None
        return self.reports[key]

    async def until_output(self, key: Key, text: bytes, timeout_s: float = 30.0) -> None:
        await self.until(lambda: text in self.logs.get(key, b""), timeout_s)

    async def until_log_end(self, key: Key, timeout_s: float = 30.0) -> bytes:
        await self.until(lambda: key in self.log_ends, timeout_s)
        return bytes(self.logs.get(key, b""))

    async def _status(self, request: web.Request) -> web.Response:
        if self.refuse is not None:
            return web.json_response({"error": "refused"}, status=self.refuse)
        if request.headers.get("Authorization") != f"Bearer {CLUSTER_KEY}":
            return web.json_response({"error": "who are you"}, status=401)
        self.calls += 1
        report = orjson.loads(await request.read())
        if self._node_id not in (None, request.match_info["node"]):
            self.faults.append(f"another node id: {request.match_info['node']}")
        self._node_id = request.match_info["node"]
        await self._take(report)
        deadline = time.monotonic() + report["wait_s"]
        async with self._changed:
            while self._revision() == report["revision"] and (left := deadline - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._changed.wait()
            replicas = [
                {**item, "log_offset": len(self.logs.get(key, b""))} for key, item in sorted(self.items.items())
            ]
            body = {
                "assigned_job": None,
                "revision": self._revision(),
                "replicas": replicas,
                "removed_volumes": self.doomed_volumes,
            }
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    async def _take(self, report: dict[str, Any]) -> None:
        incarnation, sequence = report["incarnation"], report["sequence"]
        if (incarnation, sequence) in self._seen_sequences:
            self.faults.append(f"sequence {sequence} twice")
        self._seen_sequences.add((incarnation, sequence))
        if report["protocol"] != 1 or report["job_info"] is not None:
            self.faults.append(f"not a report of this protocol: {report}")
        if sequence < self._sequences.get(incarnation, 0):
            return
        self._sequences[incarnation] = sequence
        async with self._changed:
            self.machine = {name: value for name, value in report.items() if name != "replicas"}
            for item in report["replicas"]:
                self._take_replica((item["job_id"], item["attempt"], item["rank"]), item)
            self._changed.notify_all()

    def _take_replica(self, key: Key, item: dict[str, Any]) -> None:
        state = item["state"]
        history = self.history.setdefault(key, [])
        if not history or history[-1] != state:
            if history and history[-1] in ENDS:
                self.faults.append(f"{key} was {history[-1]} and became {state}")
            history.append(state)
            self.told_at[key, state] = time.time()
        self.reports[key] = item
        if key in self.items:
            if self.items[key]["known_state"] not in ENDS:
                self.items[key]["known_state"] = state
            if state in ENDS and self.release_at_end:
                del self.items[key]

    async def _log(self, request: web.Request) -> web.Response:
        job, attempt, rank = (request.match_info[name] for name in ("job", "attempt", "rank"))
        key = (job, int(attempt), int(rank))
        offset = int(request.query["offset"])
        data = await request.read()
        if key in self.unknown_logs:
            return web.json_response({"error": "not known"}, status=404)
        async with self._changed:
            stored = self.logs.setdefault(key, bytearray())
            if offset > len(stored):
                return web.json_response({"error": "gap", "code": "log_gap", "offset": len(stored)}, status=409)
            known = len(stored) - offset
            if bytes(stored[offset : offset + len(data)]) != data[:known]:
                self.faults.append(f"output of {key} at {offset} is not what it was")
            if data[known:] and key in self.log_ends:
                self.faults.append(f"output of {key} after its end")
            stored += data[known:]
            if request.query.get("end") == "true":
                self.log_ends.add(key)
            self._changed.notify_all()
            return web.json_response({"offset": len(stored)})

    def _revision(self) -> str:
        told = [sorted(self.items.items()), self.doomed_volumes]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Agent:
    """A real agent in a process of its own."""

    def __init__(self, control_plane: FakeControlPlane, state_dir: Path, **environment: str) -> None:
        self.state_dir = state_dir
        self._log = state_dir.parent / f"{state_dir.name}.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(state_dir.parent),
            "LILAC_API_ENDPOINT": control_plane.url,
            "LILAC_CLUSTER_API_KEY": CLUSTER_KEY,
            "LILAC_AGENT_STATE_DIR": str(state_dir),
            "LILAC_AGENT_RUNTIMES": "process",
            "PYTHONWARNINGS": "error",
            **environment,
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "lilac.agent", env=self._environment, stdout=log, stderr=log
            )

    async def wait(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 30)

    async def terminate(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return await self.wait()

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self.wait()

    async def clean_up(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        for replica in (self.state_dir / "replicas").glob("*"):
            _kill_replica(replica)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(remove_groups, (self.state_dir / "node_id").read_text().strip())

    async def until_clean(self, timeout_s: float = 20.0) -> None:
        """Wait until the agent has removed everything of its ended replicas; it reports that to nobody."""
        async with asyncio.timeout(timeout_s):
            while any((self.state_dir / "replicas").iterdir()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def _kill_replica(directory: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((directory / "pid").read_text().split()[0])
        if str(directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.killpg(pid, 9)
