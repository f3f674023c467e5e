"""A whole control plane in this process, on a SQLite file and with a clock moved by hand, and agents that only talk.

`FakeAgent` keeps to docs/explanation/agent-protocol.md and speaks by the same parser and writer as the HTTP route,
but runs nothing: a test says what becomes of its replicas. `OriginalAgent` speaks as section 2 of the wire contract.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lilac.api.schemas.node import read_report, write_legacy_reply, write_reply
from lilac.control.accounts import NewUser
from lilac.control.directory import QueueWanted
from lilac.control.platform import Platform
from lilac.control.principals import Principal, PrincipalKind
from lilac.control.settings import Settings
from lilac.model.accounts import Role
from lilac.model.clusters import RuntimeName
from lilac.model.ids import ClusterId, NodeId, QueueId, UserId
from lilac.model.jobs import Job, JobKind, JobSpec, SizeRange
from lilac.model.resources import GpuRequest, ResourceRequest
from tests.fixtures.invariants import Invariants

PASSWORD = "correct horse battery"
ROOT = Principal(kind=PrincipalKind.USER, user_id=None, username="root", role=Role.ADMIN)
ENDED = ("succeeded", "failed", "stopped", "lost")


class Clock:
    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


class Stand:
    """The control plane; `restart` is a new process on the same data."""

    monotonic: Callable[[], float] | None = None
    """The clock that nobody sets, of a control plane that is started from now on; `clock` unless given."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(data_dir=directory / "data", admin_password=PASSWORD)
        self.clock = Clock()
        self.platform = Platform(self.settings, self.clock)
        self.invariants = Invariants(self.platform)
        self.cluster_id: ClusterId
        self.queue_id: QueueId
        self.user: Principal

    async def start(self) -> None:
        await self.platform.start()
        self.cluster_id = (await self.platform.directory.cluster("default")).id
        self.queue_id = self.platform.jobs.queue("default").id
        self.user = await self.add_user("ada")

    async def add_user(self, username: str, role: Role = Role.MEMBER) -> Principal:
        user = await self.platform.accounts.create_user(ROOT, NewUser(username=username, password=PASSWORD, role=role))
        return Principal(kind=PrincipalKind.USER, user_id=UserId(user.id), username=username, role=role)

    async def admin(self) -> Principal:
        """An administrator with an account, who can have keys."""
        return await self.add_user("grace", Role.ADMIN)

    async def restart(self) -> None:
        await self.platform.stop()
        self.platform = self.invariants.platform = Platform(self.settings, self.clock, monotonic=self.monotonic)
        await self.platform.start()

    async def settle(self) -> None:
        await self.platform.settling.settle()
        await self.platform.loop.settled()

    async def check(self) -> None:
        await self.invariants.check()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, and what it is due for happen."""
        self.clock.now += seconds
        await self.platform.nodes.lose_silent()
        await self.platform.deadlines.end_due()
        await self.platform.pauses.end_due()
        await self.settle()

    async def submit(self, *, by: Principal | None = None, **more: Any) -> str:
        return (await self.platform.jobs.submit(by or self.user, self.spec(**more))).id

    def spec(
        self,
        *,
        cpu: int = 1000,
        memory: int = 1000,
        gpus: int = 0,
        size: int | tuple[int, int] = 1,
        queue_id: str | None = None,
        **more: Any,
    ) -> JobSpec:
        return JobSpec(
            name=more.pop("name", "job"),
            queue_id=QueueId(queue_id or self.queue_id),
            resources=ResourceRequest(cpu, memory, GpuRequest(gpus) if gpus else None),
            image="debian:12",
            runtime=RuntimeName.DOCKER,
            kind=JobKind.BATCH if isinstance(size, int) else JobKind.ELASTIC,
            size=SizeRange(size, size) if isinstance(size, int) else SizeRange(*size),
            **more,
        )

    async def job(self, job_id: str) -> Job:
        return await self.platform.jobs.get(ROOT, job_id)

    async def state(self, job_id: str) -> str:
        await self.settle()
        return str((await self.job(job_id)).state)

    async def add_queue(self, name: str, priority: int = 0) -> QueueId:
        wanted = QueueWanted(name=name, priority=priority, cluster_targets=("default",))
        return (await self.platform.directory.create_queue(ROOT, wanted)).queue.id


@asynccontextmanager
async def open_stand(directory: Path) -> AsyncIterator[Stand]:
    stand = Stand(directory)
    await stand.start()
    try:
        yield stand
    finally:
        await stand.platform.stop()


@dataclass
class FakeAgent:
    stand: Stand
    name: str = "node-1"
    cpu: int = 4000
    memory: int = 8000
    gpus: int = 0
    node_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    held: dict[tuple[str, int, int], dict[str, Any]] = field(default_factory=dict)
    incarnation: str = "first"
    sequence: int = 0
    revision: str | None = None
    reply: dict[str, Any] = field(default_factory=dict)

    def body(self, wait_s: float = 0) -> dict[str, Any]:
        """The next report."""
        self.sequence += 1
        return {
            "memory_info": self.memory,
            "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": self.cpu},
            "gpu_info": None,
            "job_info": None,
            "protocol": 1,
            "hostname": self.name,
            "runtimes": ["docker"],
            "gpus": [{"uuid": f"{self.name}-{n}", "model": "H100", "memory_mb": 80_000} for n in range(self.gpus)],
            "incarnation": self.incarnation,
            "sequence": self.sequence,
            "replicas": [
                {"job_id": key[0], "attempt": key[1], "rank": key[2], **told} for key, told in sorted(self.held.items())
            ],
            "revision": self.revision,
            "wait_s": wait_s,
        }

    async def send(self, body: dict[str, Any]) -> dict[str, Any]:
        told = read_report(orjson.loads(orjson.dumps(body)))
        answer = await self.stand.platform.nodes.status(NodeId(self.node_id), self.stand.cluster_id, told)
        return write_reply(answer, {})

    async def beat(self) -> None:
        """Report, and make the machine look like the answer."""
        self.obey(await self.send(self.body()))

    def obey(self, reply: dict[str, Any]) -> None:
        self.reply, self.revision = reply, reply["revision"]
        listed = {(e["job_id"], e["attempt"], e["rank"]): e for e in reply["replicas"]}
        for key, entry in listed.items():
            told = self.held.get(key)
            if told is None and entry["desired"] == "stop":
                self.held[key] = {"state": "stopped"}
            elif told is None and entry["known_state"] == "assigned":
                self.held[key] = {"state": "preparing", "times": {"received": self.stand.clock.now}}
            elif told is None:
                self.held[key] = {"state": "lost", "reason": "vanished", "message": "It is not here any more."}
            elif entry["desired"] == "stop" and told["state"] not in ENDED:
                told |= {"state": "stopped", "exit_code": 143}
        for key in self.held.keys() - listed.keys():
            del self.held[key]

    def become(self, state: str, key: tuple[str, int, int] | None = None, **more: Any) -> None:
        """Something happens to one of its replicas (by default to all)."""
        for one in list(self.held) if key is None else [key]:
            if self.held[one]["state"] not in ENDED:
                times = {**self.held[one].get("times", {}), "started": self.stand.clock.now}
                self.held[one] = {"state": state, "times": times, **more}

    def wipe(self) -> None:
        """The agent is installed anew: it knows nothing, not even what runs."""
        self.held, self.revision = {}, None
        self.restart()

    def restart(self) -> None:
        self.incarnation, self.sequence = uuid.uuid4().hex, 0

    async def run_until_running(self) -> None:
        """Take what is assigned, and report it running."""
        await self.stand.settle()
        await self.beat()
        self.become("running")
        await self.beat()


@dataclass
class OriginalAgent:
    """One job at a time; acts on the job's id in the reply as table 2.5 of the contract says."""

    stand: Stand
    cpu: int = 4000
    memory: int = 8000
    gpus: int = 0
    node_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    job: str | None = None
    status: str = "running"
    killed: list[str] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        gpu = {"manufacturer": "Nvidia", "model": "H100", "count": self.gpus, "memory_mb": 81_559}
        return {
            "memory_info": self.memory,
            "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": self.cpu},
            "gpu_info": gpu if self.gpus else None,
            "job_info": {"current_job_id": self.job, "status": self.status} if self.job else None,
        }

    async def send(self) -> str | None:
        told = read_report(orjson.loads(orjson.dumps(self.body())))
        answer = await self.stand.platform.nodes.status(NodeId(self.node_id), self.stand.cluster_id, told)
        assigned = write_legacy_reply(answer)["assigned_job"]
        return assigned["id"] if assigned else None

    async def beat(self) -> str | None:
        """One heartbeat; the id of the job in the reply."""
        answered = await self.send()
        if answered != self.job:
            if self.job is not None:
                self.killed.append(self.job)
            self.job, self.status = answered, "running"
        return answered


async def cancelled_at_once(coroutine: Any) -> None:
    """Begin something and go away, as a caller does whose connection breaks."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
