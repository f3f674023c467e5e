"""Clusters, nodes and queues."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr

from lilac.api.schemas.fields import Body, Flag, Int32, Name, Shape, Text
from lilac.model.clusters import RuntimeName
from lilac.model.limits import NO_LIMITS, Limits, QueueOrder
from lilac.model.states import NodeState

Count = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]


class NewClusterBody(Body):
    cluster_name: Name
    cluster_description: Text | None = None


class LimitsBody(Body):
    """The most of each at once; null or left out is no limit."""

    running_jobs: Count | None = None
    gpus: Count | None = None
    cpu_millicores: Count | None = None
    memory_mb: Count | None = Field(None, description="MiB.")
    waiting_jobs: Count | None = Field(None, description="More are refused at submission.")

    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class QueueOptions(Body):
    """What a queue may have beside name, priority and targets. What is left out stays, or gets its default."""

    paused: Flag | None = Field(None, description="Whether new jobs of this queue are held back.")
    limits: LimitsBody | None = Field(None, description="For the queue as a whole; null for none.")
    user_limits: LimitsBody | None = Field(None, description="For each user in the queue; null for none.")
    order: QueueOrder | None = Field(None, description="Who goes first among jobs of equal priority.")
    ageing_s: Int32 | None = Field(
        None, description="The queue counts as one priority number lower for each such time that its first job waited."
    )
    preemption: Flag | None = Field(
        None, description="Whether elastic and preemptible jobs of lower priority make room for its jobs."
    )

    def options(self) -> dict[str, Any]:
        """The fields of the queue that were given, but for name, priority, targets and pause."""
        given = self.model_fields_set
        found: dict[str, Any] = {}
        if "limits" in given:
            found["limits"] = self.limits.limits() if self.limits is not None else NO_LIMITS
        if "user_limits" in given:
            found["user_limits"] = self.user_limits.limits() if self.user_limits is not None else NO_LIMITS
        if "ageing_s" in given:
            found["ageing_s"] = self.ageing_s
        if self.order is not None:
            found["order"] = self.order
        if self.preemption is not None:
            found["preemption"] = self.preemption
        return found


class QueueBody(QueueOptions):
    name: Name
    priority: Int32 = Field(description="A lower number runs first.")
    cluster_targets: list[Name] = Field(
        max_length=1000, description="Ids or names of clusters, in order of preference."
    )


class QueueChanges(QueueOptions):
    """Some new values; what is left out stays as it is."""

    name: Name | None = None
    priority: Int32 | None = Field(None, description="A lower number runs first.")
    cluster_targets: list[Name] | None = Field(
        None, max_length=1000, description="Ids or names of clusters, in order of preference."
    )

    def changes(self) -> dict[str, Any]:
        plain = {"name": self.name, "priority": self.priority, "cluster_targets": self.cluster_targets}
        found = {name: value for name, value in plain.items() if value is not None} | self.options()
        return found if self.paused is None else found | {"paused": self.paused}


class DrainBody(Body):
    """When what still runs on the node is stopped and queued again; neither: never."""

    deadline_s: Count | None = Field(None, description="Seconds from now.")
    evict: Flag = Field(False, description="At once; the same as a deadline of 0 seconds.")


class NodeChanges(Body):
    labels: dict[Name, StrictStr | None] = Field(
        default_factory=dict[str, str | None],
        description="Labels to set over those of the agent; null takes back what was set.",
    )


class ClusterIdShape(Shape):
    cluster_id: str


class ClusterShape(Shape):
    cluster_id: str
    cluster_name: str
    cluster_description: str | None


class ClusterSummaryShape(ClusterShape):
    total_nodes: int
    busy_nodes: int
    total_running_jobs: int


class ClustersShape(Shape):
    clusters: list[ClusterSummaryShape]


class MemoryInfo(Shape):
    total_memory_mb: int
    used_memory_mb: int


class CpuInfo(Shape):
    total_millicores: int
    used_millicores: int


class GpuInfo(Shape):
    total_gpus: int
    used_gpus: int


class JobInfo(Shape):
    total_running_jobs: int


class ClusterInfoShape(ClusterShape):
    total_nodes: int
    busy_nodes: int
    memory_info: MemoryInfo
    cpu_info: CpuInfo
    gpu_info: GpuInfo
    job_info: JobInfo
    created_at: str
    updated_at: str


class NodeCpu(Shape):
    manufacturer: str
    architecture: str
    millicores: int


class NodeGpuSummary(Shape):
    manufacturer: str
    model: str
    count: int
    memory_mb: int


class NodeGpu(Shape):
    uuid: str
    model: str
    memory_mb: int
    healthy: bool
    lost: bool = Field(description="Whether it does not answer any more, so that what ran on it was failed.")
    problem: str | None = Field(description="Why it is unhealthy.")
    mig: str | None = Field(description="The profile of a MIG device, such as 1g.5gb.")
    parent: str | None = Field(description="The GPU that a MIG device is a part of.")
    pci_bus_id: str | None
    compute_capability: str | None
    job_id: str | None = Field(description="The job that holds it.")
    job_name: str | None = Field(None, description="Of that job, if the caller may see it.")
    owner: str | None = Field(None, description="Of that job, if the caller may see it.")
    utilization_pct: int | None = Field(None, description="Its load now, if that is known.")
    used_memory_mb: int | None = Field(None, description="What of its memory is in use now, if that is known.")


class Free(Shape):
    cpu_millicores: int
    memory_mb: int
    gpus: int


class NodeDisk(Shape):
    total_mb: int
    free_mb: int


class NodeShape(Shape):
    id: str
    cluster_id: str
    node_status: NodeState
    last_heartbeat: str
    memory_mb: int
    cpu: NodeCpu
    gpu: NodeGpuSummary | None
    name: str
    hostname: str
    labels: dict[str, str]
    set_labels: dict[str, str]
    runtimes: list[RuntimeName]
    gpus: list[NodeGpu]
    free: Free
    jobs: list[str]
    drained: bool
    drain_deadline: str | None
    agent_version: str
    disk: NodeDisk | None
    drivers: dict[str, str] = Field(description="Versions of the NVIDIA driver and of the newest CUDA it serves.")
    features: list[str] = Field(
        description="What its agent knows of what jobs may ask; `limits`: jobs are kept to what they asked for."
    )


class NodesShape(Shape):
    nodes: list[NodeShape]


class ClusterNodesShape(Shape):
    cluster_nodes: list[NodeShape]


class InUse(Shape):
    """What jobs hold that run or are being started."""

    running_jobs: int
    gpus: int
    cpu_millicores: int
    memory_mb: int


class QueueShape(Shape):
    id: str
    name: str
    priority: int
    cluster_targets: list[str]
    paused: bool
    waiting_jobs: int
    waiting_since: str | None = Field(description="When the job was submitted that has waited longest.")
    in_use: InUse
    limits: LimitsBody
    user_limits: LimitsBody
    order: QueueOrder
    ageing_s: int | None
    preemption: bool
