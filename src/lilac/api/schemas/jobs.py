"""What clients send about jobs. Unknown fields are ignored, as the original does."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr

from lilac.control.submitting import Order
from lilac.model.arrays import parse_array
from lilac.model.clusters import RuntimeName
from lilac.model.ids import QueueId
from lilac.model.jobs import DependencyCondition, JobKind, JobSpec, SizeRange
from lilac.model.resources import INT32_MAX, GpuRequest, ResourceRequest
from lilac.model.retrying import NOT_SAID, RetryBudget
from lilac.model.states import JobState
from lilac.model.surroundings import STOP_SIGNALS, Port, SecretRef, VolumeMount, plain_signal

Int32 = Annotated[StrictInt, Field(ge=-INT32_MAX - 1, le=INT32_MAX)]


class GpuRequirements(BaseModel):
    """GPUs per replica."""

    count: Int32 = Field(description="How many, all on one node.")
    model: StrictStr | None = Field(None, description="Words that the device's name must contain, such as H100.")
    memory_gb: Int32 | None = Field(None, description="Least memory of each, in GB.")


class ResourceRequirements(BaseModel):
    """What one replica needs."""

    cpu_millicores: Int32 = Field(description="1000 is one core.")
    memory_mb: Int32 = Field(description="MiB.")
    gpus: GpuRequirements | None = None


class Size(BaseModel):
    """How many replicas."""

    min: Int32 = 1
    max: Int32 | None = Field(None, description="Equal to min unless the job is elastic.")


_ONE_REPLICA = Size(min=1, max=None)


class RetriesBody(BaseModel):
    """New attempts by the class of the failure. What is left out is 0, and for node_lost `max_retries`."""

    node_lost: Int32 | None = Field(None, description="The node went silent, the engine failed, the replica vanished.")
    image: Int32 | None = Field(None, description="The image could not be pulled.")
    out_of_memory: Int32 | None = None
    error: Int32 | None = Field(None, description="Another exit code than 0, or it could not be started.")


class DependencyBody(BaseModel):
    """A job that must have ended before this one gets in line."""

    job_id: StrictStr = Field(description="Id or name; in a list also #2 for its third entry. Of an array, all of it.")
    condition: DependencyCondition = DependencyCondition.SUCCESS


class SecretOfJob(BaseModel):
    """A secret by name, as a variable or as a file below /run/secrets."""

    name: StrictStr
    env: StrictStr | None = Field(None, description="The variable that holds it.")
    file: StrictStr | None = Field(None, description="Its file's name below /run/secrets (LILAC_SECRETS_DIR).")


class VolumeOfJob(BaseModel):
    """A named volume, or a path of the node that its agent allows."""

    name: StrictStr | None = Field(None, description="One of one's own volumes; made if there is none of this name.")
    host_path: StrictStr | None = None
    path: StrictStr = Field(description="Where the job finds it.")
    read_only: StrictBool = False


class PortOfJob(BaseModel):
    """A port on which the job listens."""

    port: Int32
    name: StrictStr = Field("", description="Told in LILAC_PORT_<NAME>.")
    protocol: StrictStr = "tcp"


class SubmitJob(BaseModel):
    """A new job."""

    name: StrictStr
    definition: StrictStr = Field(description="Docker image; may be empty for runtime process.")
    queue_id: StrictStr = Field(description="Id or name of a queue.")
    resource_requirements: ResourceRequirements
    command: list[StrictStr] | None = Field(None, description="Replaces the image's entry point and command.")
    args: list[StrictStr] = Field(
        default_factory=list, description="Appended to command; without one, arguments for the image's entry point."
    )
    env: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    working_dir: StrictStr | None = None
    runtime: RuntimeName = RuntimeName.DOCKER
    kind: JobKind = JobKind.BATCH
    size: Size = Field(default_factory=lambda: _ONE_REPLICA)
    priority: Int32 = Field(0, description="Within its queue; higher first.")
    time_limit_s: Int32 | None = None
    grace_s: Int32 = Field(30, description="Between the stop signal and SIGKILL.")
    stop_signal: StrictStr = Field("SIGTERM", description=f"One of {', '.join(STOP_SIGNALS)}.")
    ports: list[PortOfJob] = Field(default_factory=list)
    exclusive: StrictBool = Field(
        False, description="Never two attempts at once: it is stopped where it cannot reach the control plane."
    )
    secrets: list[SecretOfJob] = Field(default_factory=list)
    volumes: list[VolumeOfJob] = Field(default_factory=list)
    max_retries: Int32 = Field(3, description="New attempts after a node was lost and the like.")
    node_selector: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    labels: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    preemptible: bool = Field(
        False, description="Whether it may be stopped and queued again so that a job of higher priority can start."
    )
    retries: RetriesBody | None = Field(None, description="New attempts by the class of the failure.")
    after: list[DependencyBody] = Field(default_factory=list[DependencyBody], max_length=1000)
    array: StrictStr | None = Field(
        None, description="Indices of an array of such jobs: 0-9999, 1,3,5-9, or 0-99%10 for at most 10 at once."
    )
    strict: bool = Field(False, description="Refuse what no node could ever run, instead of waiting.")

    def spec(self, queue_id: QueueId) -> JobSpec:
        """The job as the model knows it."""
        asked = self.resource_requirements
        gpus = GpuRequest(asked.gpus.count, asked.gpus.model, asked.gpus.memory_gb) if asked.gpus else None
        return JobSpec(
            name=self.name,
            queue_id=queue_id,
            resources=ResourceRequest(asked.cpu_millicores, asked.memory_mb, gpus),
            image=self.definition,
            command=tuple(self.command) if self.command is not None else None,
            args=tuple(self.args),
            stop_signal=plain_signal(self.stop_signal),
            exclusive=self.exclusive,
            secrets=tuple(SecretRef(name=s.name, env=s.env, file=s.file) for s in self.secrets),
            volumes=tuple(
                VolumeMount(name=v.name, host_path=v.host_path, path=v.path, read_only=v.read_only)
                for v in self.volumes
            ),
            ports=tuple(Port(port=p.port, name=p.name, protocol=p.protocol) for p in self.ports),
            env=self.env,
            working_dir=self.working_dir,
            runtime=self.runtime,
            kind=self.kind,
            size=SizeRange(self.size.min, self.size.max if self.size.max is not None else self.size.min),
            priority=self.priority,
            time_limit_s=self.time_limit_s,
            grace_s=self.grace_s,
            max_retries=self.max_retries,
            retries=RetryBudget(**self.retries.model_dump()) if self.retries is not None else NOT_SAID,
            node_selector=self.node_selector,
            labels=self.labels,
            preemptible=self.preemptible,
        )

    def order(self, queue_id: QueueId) -> Order:
        """What is to be submitted."""
        indices, limit = parse_array(self.array) if self.array is not None else (None, None)
        return Order(
            spec=self.spec(queue_id),
            indices=indices,
            running_limit=limit,
            after=tuple((each.job_id, each.condition) for each in self.after),
            strict=self.strict,
        )

    def order_like(self, other: Order) -> Order:
        """What is to be submitted, where it differs from another order only in `OWN_FIELDS`."""
        spec = replace(
            other.spec,
            name=self.name,
            command=tuple(self.command) if self.command is not None else None,
            args=tuple(self.args),
            env=self.env,
            labels=self.labels,
        )
        return replace(other, spec=spec, like=other)


class SubmitJobs(BaseModel):
    """Many new jobs: all of them, or none."""

    jobs: list[SubmitJob]


class WhichJobs(BaseModel):
    """Jobs that match all that is given; at least one must be."""

    name: StrictStr | None = None
    status: list[JobState] | None = None
    queue_id: StrictStr | None = None
    owner: StrictStr | None = None
    labels: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    q: StrictStr | None = Field(None, description="Text in the name.")
    kind: JobKind | None = None


class CancelJobs(BaseModel):
    """Jobs by name, or by a filter."""

    jobs: list[StrictStr] | None = Field(None, max_length=20_000, description="Ids or names.")
    where: WhichJobs | None = None


class SetStatus(BaseModel):
    status: JobState


class AppendLogs(BaseModel):
    logs: StrictStr
