"""The state of everything in a few figures, and what needs a person."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Shape
from lilac.api.schemas.usage import Amounts
from lilac.scheduling import ReasonCode


class JobsNow(Shape):
    waiting: int
    starting: int
    running: int


class JobsEnded(Shape):
    succeeded: int
    failed: int
    cancelled: int


class NodesNow(Shape):
    available: int
    busy: int
    draining: int
    lost: int


class OverviewShape(Shape):
    at: str
    jobs: JobsNow
    last_day: JobsEnded
    nodes: NodesNow
    capacity: Amounts = Field(description="Of all nodes that are not lost.")
    allocated: Amounts = Field(description="What jobs hold now, used or not.")
    unhealthy_gpus: int


class LostNode(Shape):
    id: str
    name: str
    cluster_id: str
    last_heartbeat: str


class UnhealthyGpu(Shape):
    node_id: str
    node_name: str
    uuid: str
    model: str
    lost: bool
    problem: str | None


class LowDisk(Shape):
    node_id: str
    node_name: str
    free_mb: int
    total_mb: int


class StuckJob(Shape):
    job_id: str = Field(description="The first of them, or their array.")
    job_name: str | None
    jobs: int = Field(description="So many of this owner wait for the same.")
    owner: str | None
    queue_id: str
    queue_name: str | None
    code: ReasonCode
    message: str


class PausedQueue(Shape):
    id: str
    name: str
    waiting_jobs: int


class ExpiringKey(Shape):
    id: str
    name: str
    prefix: str
    cluster_id: str | None = Field(description="Whose agents use it; null for the caller's own.")
    expires_at: str


class AttentionShape(Shape):
    at: str
    total: int
    lost_nodes: list[LostNode]
    unhealthy_gpus: list[UnhealthyGpu]
    low_disks: list[LowDisk]
    stuck_jobs: list[StuckJob] = Field(description="Waiting jobs that can never run as things are.")
    paused_queues: list[PausedQueue]
    expiring_keys: list[ExpiringKey] = Field(description="Within a week, or since less than a week.")
