"""Things to store: small by default, and with every field set to something unusual where a test asks for it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import Any, TypeVar

from lilac.model.accounts import ApiKey, Role, User
from lilac.model.clusters import Cluster, Inventory, Node, Queue, RuntimeName
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, JobId, KeyId, NodeId, QueueId, ReplicaKey, UserId
from lilac.model.jobs import Attempt, Job, JobKind, JobSpec, Replica, SizeRange
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest
from lilac.model.states import AttemptState, FailureReason, JobState, NodeState, ReplicaState
from lilac.store import clusters, jobs
from lilac.store.database import Database, Transaction

T = TypeVar("T")

NOW = 1_764_000_000.123456


def new_id() -> Any:
    """An id of any kind."""
    return str(uuid.uuid4())


def a_user(**changes: Any) -> User:
    values: dict[str, Any] = {"id": UserId(new_id()), "username": f"u-{new_id()}", "role": Role.MEMBER}
    return User(**(values | changes))


def a_key(**changes: Any) -> ApiKey:
    return ApiKey(**({"id": KeyId(new_id()), "prefix": "lilac_sk_abc"} | changes))


def a_cluster(**changes: Any) -> Cluster:
    return Cluster(**({"id": ClusterId(new_id()), "name": f"c-{new_id()}"} | changes))


def a_node(cluster_id: ClusterId, **changes: Any) -> Node:
    values: dict[str, Any] = {
        "id": NodeId(new_id()),
        "cluster_id": cluster_id,
        "name": "node-1",
        "state": NodeState.AVAILABLE,
        "inventory": Inventory(cpu_millicores=8000, memory_mb=32_000),
        "last_heartbeat": NOW,
    }
    return Node(**(values | changes))


def a_queue(*targets: ClusterId, **changes: Any) -> Queue:
    values = {"id": QueueId(new_id()), "name": f"q-{new_id()}", "priority": 10, "cluster_targets": targets}
    return Queue(**(values | changes))


def a_job(queue_id: QueueId, *, name: str = "digits", **changes: Any) -> Job:
    values: dict[str, Any] = {
        "id": JobId(new_id()),
        "seq": 0,
        "spec": JobSpec(
            name=name,
            queue_id=queue_id,
            resources=ResourceRequest(cpu_millicores=1000, memory_mb=512),
            image="debian:12",
        ),
        "state": JobState.QUEUED,
        "owner_id": None,
        "submitted_at": NOW,
        "updated_at": NOW,
    }
    return Job(**(values | changes))


def an_attempt(job_id: JobId, number: int = 1, **changes: Any) -> Attempt:
    values = {"job_id": job_id, "number": number, "state": AttemptState.STARTING, "size": 1, "created_at": NOW}
    return Attempt(**(values | changes))


def a_replica(job_id: JobId, attempt: int = 1, rank: int = 0, **changes: Any) -> Replica:
    values = {"key": ReplicaKey(job_id, attempt, rank), "node_id": NodeId(new_id()), "state": ReplicaState.ASSIGNED}
    return Replica(**(values | changes))


def an_event(kind: EventKind = EventKind.JOB_SUBMITTED, **changes: Any) -> Event:
    return Event(**({"kind": kind, "at": NOW} | changes))


def a_full_spec(queue_id: QueueId) -> JobSpec:
    return JobSpec(
        name="trainieren – 訓練 🌸",
        queue_id=queue_id,
        resources=ResourceRequest(
            cpu_millicores=2_147_483_647, memory_mb=1, gpus=GpuRequest(count=8, model="H100 80GB", memory_gb=80)
        ),
        image="registry.example/team/image@sha256:abc",
        command=("python", "-c", "print('a\\nb')", ""),
        env={"Z": "1", "A": "two words", "QUOTE": "'\""},
        working_dir="/work",
        runtime=RuntimeName.PROCESS,
        kind=JobKind.ELASTIC,
        size=SizeRange(2, 16),
        priority=-5,
        time_limit_s=3600,
        grace_s=0,
        max_retries=0,
        node_selector={"zone": "a"},
        labels={"team": "vision"},
        preemptible=True,
    )


def a_full_job(queue_id: QueueId, owner_id: UserId) -> Job:
    return Job(
        id=JobId(new_id()),
        seq=0,
        spec=a_full_spec(queue_id),
        state=JobState.FAILED,
        owner_id=owner_id,
        submitted_at=NOW,
        updated_at=NOW + 0.000001,
        attempt=3,
        retries=2,
        node_id=NodeId(new_id()),
        started_at=NOW + 1,
        finished_at=NOW + 2.5,
        exit_code=-9,
        reason=FailureReason.OUT_OF_MEMORY,
        message="It took 64 GB; „mehr“ gab es nicht.",
        waterfall={"submitted": NOW, "planned": NOW + 0.001},
    )


def a_full_attempt(job_id: JobId) -> Attempt:
    return Attempt(
        job_id=job_id,
        number=3,
        state=AttemptState.PREEMPTED,
        size=4,
        created_at=NOW,
        started_at=NOW + 1,
        finished_at=NOW + 2,
        reason=FailureReason.PREEMPTED,
        message="Made room for job 7.",
    )


def a_full_replica(job_id: JobId) -> Replica:
    return Replica(
        key=ReplicaKey(job_id, 3, 15),
        node_id=NodeId(new_id()),
        state=ReplicaState.FAILED,
        stop_wanted=True,
        gpu_uuids=("GPU-1", "GPU-2"),
        created_at=NOW,
        started_at=NOW + 1,
        finished_at=NOW + 2,
        exit_code=137,
        reason=FailureReason.OUT_OF_MEMORY,
        message="killed",
        times={"received": NOW, "exited": NOW + 2},
    )


def a_full_node(cluster_id: ClusterId) -> Node:
    return Node(
        id=NodeId(new_id()),
        cluster_id=cluster_id,
        name="gpu-1",
        state=NodeState.DRAINING,
        inventory=Inventory(
            cpu_millicores=128_000,
            memory_mb=2_000_000,
            cpu_manufacturer="AuthenticAMD",
            cpu_architecture="x86_64",
            gpus=(Gpu("GPU-1", "NVIDIA H100 80GB HBM3", 81_559), Gpu("GPU-2", "NVIDIA L4", 23_034, healthy=False)),
            gpu_manufacturer="NVIDIA",
            runtimes=frozenset({RuntimeName.DOCKER, RuntimeName.PROCESS}),
            labels={"zone": "b"},
            hostname="gpu-1.example",
            agent_version="1.2.3",
            legacy=True,
        ),
        cordoned=True,
        last_heartbeat=NOW + 3,
        created_at=NOW,
        updated_at=NOW + 1,
    )


def store_queue(tx: Transaction, **changes: Any) -> Queue:
    queue = a_queue(**changes)
    clusters.insert_queue(tx.conn, queue)
    return queue


def store_job(tx: Transaction, queue_id: QueueId | None = None, **changes: Any) -> Job:
    """A stored job, in a queue of its own by default."""
    job = a_job(queue_id or store_queue(tx).id, **changes)
    return jobs.insert_jobs(tx.conn, [job])[0]


class Gate:
    """Holds the writer in an operation, so that a test decides what is queued behind it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._released = threading.Event()
        self._held: asyncio.Future[None] | None = None

    async def hold(self, database: Database) -> None:
        """Returns when the writer is held."""
        self._held = asyncio.ensure_future(database.write(self._wait))
        await asyncio.to_thread(self._entered.wait, 30)

    def release(self) -> None:
        self._released.set()

    async def released(self) -> None:
        """Let the writer go on, and wait until the operation that held it is committed."""
        self.release()
        if self._held is not None:
            await self._held

    def _wait(self, tx: Transaction) -> None:
        self._entered.set()
        assert self._released.wait(30)


async def queue_up(*calls: Any) -> list[asyncio.Task[Any]]:
    """Start calls in this order and return when each waits for the writer."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    return tasks
