"""What is told about jobs, for the documentation: replies are built as plain values (`control.job_views`)."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Shape
from lilac.model.clusters import RuntimeName
from lilac.model.jobs import DependencyCondition, JobKind
from lilac.model.states import AttemptState, FailureReason, JobState, ReplicaState
from lilac.scheduling import ReasonCode
from lilac.scheduling.reasons import Dimension


class GpuNeeds(Shape):
    count: int
    model: str | None
    memory_gb: int | None


class Needs(Shape):
    cpu_millicores: int
    memory_mb: int
    gpus: GpuNeeds | None


class JobSize(Shape):
    min: int
    max: int


class JobSecret(Shape):
    name: str
    env: str | None
    file: str | None


class JobVolume(Shape):
    name: str | None
    host_path: str | None
    path: str
    read_only: bool


class JobPort(Shape):
    port: int
    name: str
    protocol: str


class JobDependency(Shape):
    job_id: str
    condition: DependencyCondition


class StateCounts(Shape):
    queued: int
    starting: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class ArrayFacts(Shape):
    indices: str = Field(examples=["0-9999"])
    size: int
    running_limit: int | None
    counts: StateCounts


class JobProgress(Shape):
    step: str = Field(examples=["pull"])
    done: int
    total: int | None = Field(description="null while nobody knows.")


class Waterfall(Shape):
    """When the steps of the last attempt were, in seconds since the epoch; what has not happened is left out."""

    submitted: float | None = None
    planned: float | None = None
    assigned: float | None = None
    received: float | None = None
    pull_started: float | None = None
    pull_finished: float | None = None
    created: float | None = None
    started: float | None = None
    running_reported: float | None = None
    exited: float | None = None
    finished: float | None = None


class JobShape(Shape):
    job_id: str
    job_name: str
    job_status: JobState
    node_id: str | None
    queue_id: str
    resource_requirements: Needs
    created_at: str
    updated_at: str
    queue_name: str | None = Field(description="null when the queue is gone.")
    owner: str | None = Field(description="null when the account is gone.")
    kind: JobKind
    runtime: RuntimeName
    definition: str
    command: list[str] | None
    env: dict[str, str] | None = Field(description="For the owner and administrators only.")
    args: list[str]
    stop_signal: str
    exclusive: bool
    secrets: list[JobSecret]
    volumes: list[JobVolume]
    ports: list[JobPort]
    working_dir: str | None
    size: JobSize
    priority: int
    time_limit_s: int | None
    grace_s: int
    max_retries: int
    retries_allowed: dict[str, int]
    retries_used: dict[str, int]
    after: list[JobDependency]
    retry_of: str | None
    array: ArrayFacts | None
    array_id: str | None
    array_index: int | None
    node_selector: dict[str, str]
    labels: dict[str, str]
    preemptible: bool
    node_name: str | None
    attempt: int
    retries: int
    started_at: str | None
    finished_at: str | None
    exit_code: int | None
    reason: FailureReason | None
    message: str | None
    progress: JobProgress | None
    waterfall: Waterfall


class WaitingShape(Shape):
    code: ReasonCode
    message: str
    expected_start: str | None
    smallest_change: str | None


class ReplicaUsage(Shape):
    cpu_millicores_mean: int
    cpu_millicores_max: int
    memory_mb_max: int
    gpu_utilization_pct_mean: float | None
    gpu_memory_mb_max: int | None


class ReplicaPort(Shape):
    host: str
    port: int
    address: str


class JobReplicaShape(Shape):
    rank: int
    node_id: str
    node_name: str | None
    state: ReplicaState
    stop_wanted: bool
    gpu_uuids: list[str]
    exit_code: int | None
    reason: FailureReason | None
    message: str | None
    started_at: str | None
    finished_at: str | None
    usage: ReplicaUsage | None
    log_bytes: int
    ports: dict[str, ReplicaPort] = Field(description="By port and protocol, such as 8080/tcp.")


class AttemptShape(Shape):
    number: int
    state: AttemptState
    size: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    reason: FailureReason | None
    message: str | None
    replicas: list[JobReplicaShape]


class JobDetailShape(JobShape):
    waiting: WaitingShape | None = Field(description="Why it waits, if it does.")
    attempts: list[AttemptShape]


class WhyShape(Shape):
    code: ReasonCode
    message: str


class ListedJobShape(JobShape):
    waiting: WhyShape | None = Field(None, description="Why it waits, where that was asked for and is known.")


class JobsShape(Shape):
    jobs: list[ListedJobShape]
    next: str | None = Field(description="What to give as `after` for the following page.")


class SummaryShape(Shape):
    counts: StateCounts
    total: int


class ElementsShape(Shape):
    jobs: list[JobShape]
    next: str | None
    array_id: str
    array: ArrayFacts


class QueueJobsShape(Shape):
    jobs: list[JobShape]


class ClusterJobsShape(Shape):
    cluster_jobs: list[JobShape]


class HolderShape(Shape):
    job_id: str
    job_name: str | None
    node_name: str | None
    ends_at: str | None = Field(description="By its time limit; null if it has none.")


class ShortageShape(Shape):
    dimension: Dimension
    needed: int
    free: int


class NodeAnswer(Shape):
    node_name: str
    fits: int = Field(description="How many replicas have room there now.")
    unsuitable: str | None = Field(description="Why it can never run there.")
    shortages: list[ShortageShape]


class SmallestChange(Shape):
    text: str


class ExplanationShape(Shape):
    job_id: str
    job_name: str
    job_status: JobState
    code: ReasonCode | JobState = Field(description="Why it waits; of a job that does not wait, its state.")
    message: str
    position: int | None
    jobs_ahead: int
    expected_start: str | None
    expected_start_note: str | None
    best_node: str | None
    holders: list[HolderShape]
    nodes: list[NodeAnswer]
    smallest_change: SmallestChange | None


class CreatedJobShape(Shape):
    id: str
    name: str
    definition: str
    status: JobState
    node_id: str | None
    queue_id: str
    resource_requirements: Needs
    created_at: str
    updated_at: str
    array: str | None = Field(None, description="Of an array: its indices.")


class CreatedShape(Shape):
    id: str
    name: str


class CreatedJobsShape(Shape):
    jobs: list[CreatedShape]


class CancelledShape(Shape):
    cancelled: list[str]
    ended: list[str] = Field(description="Had ended already.")
    unknown: list[str] = Field(description="Names that no job has.")
