"""A small control plane for tests of the API: a real database, real accounts and directory, a clock that stands still.

What the API only passes on (the scheduling loop, nodes' reports, logs) is not there; jobs and replicas are put into
the store directly.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from argon2 import PasswordHasher

from lilac.api.app import create_app
from lilac.control import job_views
from lilac.control.accounts import Accounts, NewUser
from lilac.control.bus import Bus
from lilac.control.directory import Directory
from lilac.control.fleet import Fleet
from lilac.control.passwords import Passwords
from lilac.control.principals import Principal, PrincipalKind
from lilac.model.accounts import Role
from lilac.model.clusters import Inventory, Node
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, ReplicaKey, UserId
from lilac.model.jobs import Attempt, Job, JobSpec, Replica
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.model.states import AttemptState, JobState, NodeState, ReplicaState
from lilac.store import accounts as account_store
from lilac.store import attempts as attempt_store
from lilac.store import clusters as cluster_store
from lilac.store import jobs as job_store
from lilac.store import listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter

NOW = 1_764_000_000.123456
PASSWORD = "correct horse"
SECRET = b"0123456789abcdef" * 4
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class HouseSettings:
    allow_sign_up: bool = False
    allowed_usernames: list[str] | None = None
    token_lifetime_s: int = 21_600
    session_lifetime_s: int = 14 * 86_400
    login_max_failures: int = 3
    cors_origins: list[str] = field(default_factory=list[str])


class HouseJobs:
    """The part of the jobs' service that lists of queues and clusters need."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def list(
        self, principal: Principal, wanted: JobFilter, *, limit: int = 1000, before_seq: int | None = None
    ) -> list[Job]:
        return await self._db.read(listing.list_jobs, wanted, limit=limit, before_seq=before_seq)

    async def owners_of(self, user_ids: Collection[UserId]) -> dict[UserId, str]:
        known = {user.id: user.username for user in await self._db.read(account_store.list_users)}
        return {user_id: known[user_id] for user_id in user_ids if user_id in known}

    def render(self, job: Job, principal: Principal) -> dict[str, Any]:
        return job_views.job_object(job, queue_name=None, owner=None, node_name=None, with_env=False)


class House:
    """Stands in for the platform."""

    def __init__(self, db: Database, settings: HouseSettings, clock: Clock) -> None:
        self.db = db
        self.settings = settings
        self.clock = clock
        self.ready = True
        self.bus = Bus()
        self.db.on_commit = self.bus.publish
        self.passwords = Passwords(QUICK_HASHER)
        self.accounts = self.open_accounts()
        self.directory = Directory(db, clock)
        self.jobs = HouseJobs(db)
        self.projection = SimpleNamespace(fleet=Fleet())
        self.usage = SimpleNamespace(gpus_now=lambda _: {})
        self.app = create_app(self)

    def open_accounts(self) -> Accounts:
        return Accounts(self.db, self.clock, SECRET, self.settings, passwords=self.passwords)

    def client(self, credential: str | None = None, *, address: str = "10.0.0.1") -> httpx2.AsyncClient:
        """A client of the application, with or without a credential."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, client=(address, 1234)),
            base_url="http://lilac.test",
            headers={} if credential is None else {"Authorization": f"Bearer {credential}"},
        )

    async def add_user(self, username: str, role: Role = Role.MEMBER) -> Principal:
        new = NewUser(username=username, password=PASSWORD, role=role)
        user = await self.accounts.create_user(ROOT, new)
        return Principal(kind=PrincipalKind.USER, user_id=user.id, username=username, role=role)

    async def key_of(self, principal: Principal) -> str:
        return (await self.accounts.keys.create(principal)).text

    async def add_key(self, username: str, role: Role = Role.MEMBER) -> str:
        """A key of a new user."""
        return await self.key_of(await self.add_user(username, role))

    async def add_cluster(self, name: str = "east") -> ClusterId:
        return (await self.directory.create_cluster(ROOT, name)).id

    async def cluster_key(self, cluster_id: ClusterId) -> str:
        return (await self.accounts.keys.create_for_cluster(ROOT, cluster_id)).text

    async def add_node(
        self,
        cluster_id: ClusterId,
        name: str = "gpu-1",
        *,
        state: NodeState = NodeState.AVAILABLE,
        cordoned: bool = False,
        gpus: int = 2,
    ) -> NodeId:
        node = Node(
            id=NodeId(str(uuid.uuid4())),
            cluster_id=cluster_id,
            name=name,
            state=state,
            cordoned=cordoned,
            inventory=inventory(gpus, hostname=name),
            last_heartbeat=self.clock.now,
            created_at=self.clock.now,
            updated_at=self.clock.now,
        )
        await self.db.write(lambda tx: cluster_store.upsert_node(tx.conn, node))
        return node.id

    async def add_job(
        self, queue_id: QueueId, *, node_id: NodeId | None = None, gpu_uuids: Sequence[str] = (), name: str = "digits"
    ) -> JobId:
        """A job that waits, or with a node one that runs there."""
        gpus = GpuRequest(len(gpu_uuids)) if gpu_uuids else None
        resources = ResourceRequest(cpu_millicores=2000, memory_mb=4096, gpus=gpus)
        spec = JobSpec(name=name, queue_id=queue_id, resources=resources, image="debian:12")
        self.clock.advance(1)
        now = self.clock.now
        job = Job(
            id=JobId(str(uuid.uuid4())),
            seq=0,
            spec=spec,
            state=JobState.QUEUED if node_id is None else JobState.RUNNING,
            owner_id=None,
            submitted_at=now,
            updated_at=now,
            attempt=0 if node_id is None else 1,
            node_id=node_id,
        )

        def put(tx: Transaction) -> None:
            job_store.insert_jobs(tx.conn, [job])
            if node_id is None:
                return
            attempt = Attempt(job_id=job.id, number=1, state=AttemptState.RUNNING, size=1, created_at=now)
            replica = Replica(
                key=ReplicaKey(job.id, 1, 0), node_id=node_id, state=ReplicaState.RUNNING, gpu_uuids=tuple(gpu_uuids)
            )
            attempt_store.insert_attempt(tx.conn, attempt)
            attempt_store.insert_replicas(tx.conn, [replica])

        await self.db.write(put)
        return job.id

    async def queue_id(self, name: str) -> QueueId:
        return (await self.directory.queue(name)).queue.id


ROOT = Principal(kind=PrincipalKind.USER, user_id=UserId(str(uuid.uuid4())), username="root", role=Role.ADMIN)
"""An administrator for direct calls of services; not in the database."""


def inventory(gpus: int = 2, *, hostname: str = "gpu-1") -> Inventory:
    return Inventory(
        cpu_millicores=16_000,
        memory_mb=64_000,
        cpu_manufacturer="Intel",
        cpu_architecture="x86_64",
        gpus=tuple(Gpu(f"GPU-{hostname}-{n}", "NVIDIA H100 80GB HBM3", 81_559) for n in range(gpus)),
        gpu_manufacturer="Nvidia" if gpus else None,
        labels={"rack": "b2"},
        hostname=hostname,
        agent_version="0.1.0",
    )


async def make_template(path: Path) -> None:
    """An empty database with the schema, to copy from: migrating once is enough."""
    db = Database.open(f"sqlite:///{path}")
    await db.start()
    await db.close()


@asynccontextmanager
async def open_house(template: Path, path: Path, settings: HouseSettings | None = None) -> AsyncIterator[House]:
    shutil.copyfile(template, path)
    db = Database.open(f"sqlite:///{path}")
    await db.start()
    house = House(db, settings or HouseSettings(), Clock())
    try:
        yield house
    finally:
        house.bus.close()
        house.accounts.close()
        await db.close()
