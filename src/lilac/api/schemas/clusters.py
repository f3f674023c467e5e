"""Clusters, nodes and queues."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Body, Flag, Int32, Name, Shape, Text
from lilac.model.clusters import RuntimeName
from lilac.model.states import NodeState


class NewClusterBody(Body):
    cluster_name: Name
    cluster_description: Text | None = None


class QueueBody(Body):
    name: Name
    priority: Int32 = Field(description="A lower number runs first.")
    cluster_targets: list[Name] = Field(
        max_length=1000, description="Ids or names of clusters, in order of preference."
    )
    paused: Flag | None = Field(None, description="Whether new jobs of this queue are held back.")


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
    job_id: str | None


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
    runtimes: list[RuntimeName]
    gpus: list[NodeGpu]
    free: Free
    jobs: list[str]
    agent_version: str
    disk: NodeDisk | None


class NodesShape(Shape):
    nodes: list[NodeShape]


class ClusterNodesShape(Shape):
    cluster_nodes: list[NodeShape]


class QueueShape(Shape):
    id: str
    name: str
    priority: int
    cluster_targets: list[str]
    paused: bool
    waiting_jobs: int


class QueueJobsShape(Shape):
    jobs: list[dict[str, object]]


class ClusterJobsShape(Shape):
    cluster_jobs: list[dict[str, object]]
