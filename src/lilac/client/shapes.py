"""The JSON objects of the API, as types for the checker. At run time they are plain dictionaries.

Times are RFC 3339 text in UTC unless said otherwise. `total=False` marks requests whose other fields have defaults.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class GpuRequirement(TypedDict):
    count: int
    model: NotRequired[str | None]
    memory_gb: NotRequired[int | None]


class ResourceRequirements(TypedDict):
    """Per replica: 1000 millicores are one core, memory is in MiB."""

    cpu_millicores: int
    memory_mb: int
    gpus: NotRequired[GpuRequirement | None]


class Size(TypedDict):
    """How many replicas."""

    min: int
    max: int


class NewJob(TypedDict, total=False):
    """The body of a submission. The first four are required."""

    name: str
    definition: str
    queue_id: str
    resource_requirements: ResourceRequirements
    command: list[str] | None
    env: dict[str, str]
    working_dir: str | None
    runtime: str
    kind: str
    size: Size
    priority: int
    time_limit_s: int | None
    grace_s: int
    max_retries: int
    node_selector: dict[str, str]
    labels: dict[str, str]
    preemptible: bool
    strict: bool
    args: list[str]
    stop_signal: str
    retries: dict[str, int]
    secrets: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    ports: list[dict[str, Any]]
    exclusive: bool
    array: str
    after: list[dict[str, Any]]


class Secret(TypedDict):
    """A secret as everybody sees it: without its value."""

    name: str
    shared: bool
    created_at: str
    updated_at: str


class Volume(TypedDict):
    """A named volume; `node_id` is null until a job uses it."""

    id: str
    name: str
    owner: str | None
    node_id: str | None
    node_name: str | None
    node_state: NotRequired[str | None]
    created_at: str
    last_used_at: str | None


class CreatedJob(TypedDict):
    """The reply to a submission; every other reply has the shape `Job`."""

    id: str
    name: str
    definition: str
    status: str
    node_id: str | None
    queue_id: str | None
    resource_requirements: ResourceRequirements
    created_at: str
    updated_at: str


class Replica(TypedDict):
    rank: int
    node_id: str
    node_name: str | None
    state: str
    gpu_uuids: list[str]
    exit_code: int | None
    reason: str | None
    message: str | None
    started_at: str | None
    finished_at: str | None
    log_bytes: int


class Attempt(TypedDict):
    number: int
    state: str
    size: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    reason: str | None
    message: str | None
    replicas: list[Replica]


class Waiting(TypedDict):
    code: str
    message: str
    expected_start: str | None
    smallest_change: str | None


class ArrayFacts(TypedDict):
    """What of a job is the array's."""

    indices: str
    size: int
    running_limit: int | None
    counts: dict[str, int]


class Progress(TypedDict):
    """How far a job that is starting has got: bytes of `total`, which is null while nobody knows."""

    step: str
    done: int
    total: int | None


class Job(TypedDict):
    """A job. The fields after `updated_at` are absent where the server is an original Lilac; `attempts` and
    `waiting` come only when one job is asked for."""

    job_id: str
    job_name: str
    job_status: str
    node_id: str | None
    queue_id: str | None
    resource_requirements: ResourceRequirements
    created_at: str
    updated_at: str
    queue_name: NotRequired[str | None]
    owner: NotRequired[str | None]
    kind: NotRequired[str]
    runtime: NotRequired[str]
    definition: NotRequired[str]
    command: NotRequired[list[str] | None]
    env: NotRequired[dict[str, str] | None]
    working_dir: NotRequired[str | None]
    size: NotRequired[Size]
    priority: NotRequired[int]
    time_limit_s: NotRequired[int | None]
    grace_s: NotRequired[int]
    max_retries: NotRequired[int]
    node_selector: NotRequired[dict[str, str]]
    labels: NotRequired[dict[str, str]]
    preemptible: NotRequired[bool]
    node_name: NotRequired[str | None]
    attempt: NotRequired[int]
    retries: NotRequired[int]
    started_at: NotRequired[str | None]
    finished_at: NotRequired[str | None]
    exit_code: NotRequired[int | None]
    reason: NotRequired[str | None]
    message: NotRequired[str | None]
    waiting: NotRequired[Waiting | None]
    retries_allowed: NotRequired[dict[str, int]]
    retries_used: NotRequired[dict[str, int]]
    retry_of: NotRequired[str | None]
    array_id: NotRequired[str | None]
    array_index: NotRequired[int | None]
    progress: NotRequired[Progress | None]
    array: NotRequired[ArrayFacts | None]
    after: NotRequired[list[dict[str, Any]]]
    waterfall: NotRequired[dict[str, float]]
    """Seconds since the epoch by step, see `lilac.model.jobs.WATERFALL`."""
    attempts: NotRequired[list[Attempt]]


class JobPage(TypedDict):
    jobs: list[Job]
    next: NotRequired[str | None]


class Holder(TypedDict):
    """A job that holds what another one waits for."""

    job_id: str
    job_name: str
    node_name: str | None
    ends_at: str | None


class Shortage(TypedDict):
    dimension: str
    needed: Any
    free: Any


class NodeShortages(TypedDict):
    node_name: str
    shortages: list[Shortage]
    unsuitable: NotRequired[str | None]
    """Why the node is out of the question, whatever is free."""


class SmallestChange(TypedDict):
    text: str


class Explanation(TypedDict):
    job_id: str
    job_status: str
    code: str | None
    message: str
    position: NotRequired[int | None]
    jobs_ahead: NotRequired[int]
    expected_start: NotRequired[str | None]
    expected_start_note: NotRequired[str | None]
    best_node: NotRequired[str | None]
    holders: NotRequired[list[Holder]]
    nodes: NotRequired[list[NodeShortages]]
    smallest_change: NotRequired[SmallestChange | None]


class Event(TypedDict):
    seq: int
    at: str
    kind: str
    actor: str
    job_id: str | None
    node_id: str | None
    cluster_id: str | None
    queue_id: str | None
    user_id: str | None
    data: dict[str, Any]


class EventPage(TypedDict):
    events: list[Event]
    next: NotRequired[int | str | None]


class Limits(TypedDict, total=False):
    """The most at once; None is no limit."""

    running_jobs: int | None
    gpus: int | None
    cpu_millicores: int | None
    memory_mb: int | None
    waiting_jobs: int | None


class QueueChanges(TypedDict, total=False):
    """New values for some fields of a queue."""

    name: str
    priority: int
    cluster_targets: list[str]
    paused: bool
    limits: Limits | None
    user_limits: Limits | None
    order: str
    ageing_s: int | None
    preemption: bool


class Queue(TypedDict):
    id: str
    name: str
    priority: int
    cluster_targets: list[str]
    paused: NotRequired[bool]
    waiting_jobs: NotRequired[int]
    limits: NotRequired[Limits]
    user_limits: NotRequired[Limits]
    order: NotRequired[str]
    ageing_s: NotRequired[int | None]
    preemption: NotRequired[bool]


class Turn(TypedDict):
    job_id: str
    job_name: str | None
    priority: int
    position: int
    expected_start: str | None
    code: str | None
    message: str | None


class QueueLine(TypedDict):
    jobs: list[Turn]
    waiting_jobs: int


class ClusterSummary(TypedDict):
    cluster_id: str
    cluster_name: str
    cluster_description: str | None
    total_nodes: int
    busy_nodes: int
    total_running_jobs: int


class ClusterInfo(TypedDict):
    cluster_id: str
    cluster_name: str
    cluster_description: str | None
    total_nodes: int
    busy_nodes: int
    memory_info: dict[str, int]
    cpu_info: dict[str, int]
    gpu_info: dict[str, int]
    job_info: dict[str, int]
    created_at: str
    updated_at: str


class CpuInfo(TypedDict):
    manufacturer: str
    architecture: str
    millicores: int


class GpuInfo(TypedDict):
    """A node's GPUs as the original Lilac tells them: the first one and a count."""

    manufacturer: str
    model: str
    count: int
    memory_mb: int


class Gpu(TypedDict):
    uuid: str
    model: str
    memory_mb: int
    healthy: bool
    job_id: str | None
    lost: NotRequired[bool]
    problem: NotRequired[str | None]
    mig: NotRequired[str | None]
    parent: NotRequired[str | None]
    pci_bus_id: NotRequired[str | None]
    compute_capability: NotRequired[str | None]


class Free(TypedDict):
    cpu_millicores: int
    memory_mb: int
    gpus: int


class Disk(TypedDict):
    """Of the node's container engine."""

    total_mb: int
    free_mb: int


class Node(TypedDict):
    id: str
    cluster_id: str
    node_status: str
    last_heartbeat: str
    memory_mb: int
    cpu: CpuInfo
    gpu: GpuInfo | None
    name: NotRequired[str]
    hostname: NotRequired[str]
    set_labels: NotRequired[dict[str, str]]
    drained: NotRequired[bool]
    drain_deadline: NotRequired[str | None]
    labels: NotRequired[dict[str, str]]
    runtimes: NotRequired[list[str]]
    gpus: NotRequired[list[Gpu]]
    free: NotRequired[Free]
    jobs: NotRequired[list[str]]
    agent_version: NotRequired[str]
    drivers: NotRequired[dict[str, str]]
    features: NotRequired[list[str]]
    disk: NotRequired[Disk | None]


class ApiKey(TypedDict):
    """A key as it is listed: never with its secret part. Cluster keys also tell their `cluster_id`."""

    id: str
    prefix: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    name: NotRequired[str]
    scope: NotRequired[str]
    cluster_id: NotRequired[str]


class NewApiKey(TypedDict):
    """The only reply that ever holds the whole key."""

    id: str
    prefix: str
    key: str
    created_at: str
    scope: NotRequired[str]


class LoginToken(TypedDict):
    access_token: str
    token_type: str


class Account(TypedDict):
    user_id: str
    username: str
    first_name: str | None
    last_name: str | None
    role: NotRequired[str]


class User(TypedDict):
    user_id: str
    username: str
    first_name: str | None
    last_name: str | None
    role: str
    created_at: str
    disabled: NotRequired[bool]


class Health(TypedDict):
    status: str
    version: NotRequired[str]


class UsageSample(TypedDict):
    at: str
    cpu_millicores: int
    memory_mb: int
    gpu_utilization_pct: float | None
    gpu_memory_mb: int | None


class UsageFigures(TypedDict):
    """Peaks and means of one replica over its whole life."""

    rank: int
    cpu_millicores_mean: int
    cpu_millicores_max: int
    memory_mb_max: int
    gpu_utilization_pct_mean: float | None
    gpu_memory_mb_max: int | None


class UsageSeries(TypedDict):
    """Usage over time; `replicas` of a job, `capacity` of a node or cluster, `allocated` of a cluster."""

    since: str
    until: str
    step_s: int
    samples: list[UsageSample]
    replicas: NotRequired[list[UsageFigures]]
    capacity: NotRequired[dict[str, int]]
    allocated: NotRequired[dict[str, int]]
