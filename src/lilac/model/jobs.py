"""Jobs, their attempts and the replicas of an attempt.

A job is one user's request for work. `JobSpec` is what was asked and never changes; `Job` adds what became of it.
Times are seconds since the epoch (UTC) as floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lilac.model.clusters import RuntimeName
from lilac.model.errors import InvalidInput
from lilac.model.ids import JobId, NodeId, QueueId, ReplicaKey, UserId
from lilac.model.resources import INT32_MAX, ResourceRequest, check_request
from lilac.model.retrying import NOT_SAID, RetryBudget, RetryClass
from lilac.model.states import AttemptState, FailureReason, Hold, JobState, ReplicaState
from lilac.model.surroundings import (
    DEFAULT_STOP_SIGNAL,
    Feature,
    Port,
    SecretRef,
    VolumeMount,
    check_ports,
    check_secrets,
    check_volumes,
    plain_signal,
)


class JobKind(StrEnum):
    BATCH = "batch"
    ELASTIC = "elastic"
    POD = "pod"


@dataclass(frozen=True, slots=True)
class SizeRange:
    """How many replicas: at least `min`, at most `max`. A job that is not elastic has both equal."""

    min: int = 1
    max: int = 1


class DependencyCondition(StrEnum):
    """What must become of another job before this one may start."""

    SUCCESS = "success"
    FAILURE = "failure"
    """It failed or was cancelled."""
    ANY = "any"
    """It ended, however it did."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job (or all elements of an array) that is waited for."""

    job_id: JobId
    condition: DependencyCondition = DependencyCondition.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What was asked for. `resources` are per replica."""

    name: str
    queue_id: QueueId
    resources: ResourceRequest
    image: str = ""
    command: tuple[str, ...] | None = None
    """Replaces the image's entry point and command; needed where there is no image."""
    args: tuple[str, ...] = ()
    """Appended to `command`; without one, arguments for the image's own entry point."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    working_dir: str | None = None
    runtime: RuntimeName = RuntimeName.DOCKER
    kind: JobKind = JobKind.BATCH
    size: SizeRange = SizeRange()
    priority: int = 0
    """Within its queue; higher first."""
    time_limit_s: int | None = None
    """From the start of its first replica; None means no limit."""
    grace_s: int = 30
    """Between the polite signal and the kill."""
    stop_signal: str = DEFAULT_STOP_SIGNAL
    """The polite signal."""
    max_retries: int = 3
    """New attempts after failures of the platform's side (`states.RETRIED`), unless `retries` says otherwise."""
    retries: RetryBudget = NOT_SAID
    """New attempts by the class of the failure."""
    after: tuple[Dependency, ...] = ()
    """Jobs that must have ended, and how, before this one gets in line."""
    node_selector: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    preemptible: bool = False
    secrets: tuple[SecretRef, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    ports: tuple[Port, ...] = ()
    exclusive: bool = False
    """Never two attempts at once, whatever becomes of nodes and network."""

    def allowed_retries(self, failure: RetryClass) -> int:
        """How many new attempts failures of this class may cost."""
        allowed = self.retries.of(failure)
        if allowed is not None:
            return allowed
        return self.max_retries if failure is RetryClass.NODE_LOST else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and what became of it. `attempt` is 0 until the first start."""

    id: JobId
    seq: int
    """The order of submission: unique, ascending, never reset."""
    spec: JobSpec
    state: JobState
    owner_id: UserId | None
    submitted_at: float
    updated_at: float
    attempt: int = 0
    retries: int = 0
    node_id: NodeId | None = None
    """Where rank 0 of the last attempt is or was."""
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    reason: FailureReason | None = None
    message: str | None = None
    """One sentence about the end, for people."""
    waterfall: Mapping[str, float] = field(default_factory=dict[str, float])
    """Time stamps of the steps of the last attempt, see `WATERFALL`."""
    held: Hold | None = None
    """Why a queued job is not in line; None if it is."""
    not_before: float | None = None
    """When a job that is held for a pause after a failure gets in line again."""
    retry_counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many new attempts it got after failures of each class."""
    retry_of: JobId | None = None
    """The job that this one runs again."""
    array_id: JobId | None = None
    """The array that it is an element of, and which one."""
    array_index: int | None = None
    array_seq: int | None = None
    """The `seq` of its array: all elements have the turn that the array had."""

    @property
    def turn(self) -> int:
        """Its place in the order of submission."""
        return self.seq if self.array_seq is None else self.array_seq

    def retried(self, failure: RetryClass) -> int:
        """How many new attempts failures of this class have cost so far."""
        if not self.retry_counts:
            return self.retries if failure is RetryClass.NODE_LOST else 0
        return self.retry_counts.get(failure, 0)

    def evolve(self, **changes: Any) -> Job:
        return replace(self, **changes)

    def number(self, seq: int) -> Job:
        """Give a new job its `seq`, as the store does once when it takes the job in; nobody else has it before."""
        object.__setattr__(self, "seq", seq)
        return self


WATERFALL: tuple[str, ...] = (
    "submitted",
    "planned",
    "assigned",
    "received",
    "pull_started",
    "pull_finished",
    "created",
    "started",
    "running_reported",
    "exited",
    "finished",
)
"""The steps from submission to the end, in order. `received` to `exited` are told by the node's clock, the others by
the control plane's. Steps that did not happen (no pull for a process) are absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. `number` is the fence: a report about an older attempt changes nothing."""

    job_id: JobId
    number: int
    state: AttemptState
    size: int
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    reason: FailureReason | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One container or process of an attempt, with the resources it holds until it ended."""

    key: ReplicaKey
    node_id: NodeId
    state: ReplicaState
    stop_wanted: bool = False
    """The node is told to end it; it holds its resources until it has."""
    gpu_uuids: tuple[str, ...] = ()
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    reason: FailureReason | None = None
    message: str | None = None
    times: Mapping[str, float] = field(default_factory=dict[str, float])
    ports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Where its ports can be reached: `8080/tcp` to host and port."""

    def evolve(self, **changes: Any) -> Replica:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaReport:
    """What an agent says about one replica it holds (or should hold and does not: state `lost`)."""

    key: ReplicaKey
    state: ReplicaState
    exit_code: int | None = None
    reason: FailureReason | None = None
    message: str | None = None
    times: Mapping[str, float] = field(default_factory=dict[str, float])
    ports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    uncertain: bool = False
    """Whether it may run on all the same: nobody has seen it end. Counts for exclusive jobs."""


OWN_FIELDS = ("name", "command", "args", "env", "labels")
"""What alike jobs differ in, those of a sweep for example; `check_own` checks these alone."""


def check_spec(spec: JobSpec) -> None:
    """Raise `InvalidInput` naming the field and what would be right, for a spec that makes no sense anywhere."""
    check_own(spec)
    check_request(spec.resources)
    if spec.runtime is RuntimeName.DOCKER and not spec.image.strip():
        raise InvalidInput("definition must name a Docker image, such as debian:12.", field="definition")
    if any(c.isspace() or not c.isprintable() for c in spec.image):
        raise InvalidInput(f"definition is not an image reference: {spec.image!r}.", field="definition")
    _check_no_nul("working_dir", (spec.working_dir or "",))
    _check_no_nul("node_selector", (*spec.node_selector, *spec.node_selector.values()))
    _check_range("size.min", spec.size.min, 1, 10_000)
    _check_range("size.max", spec.size.max, spec.size.min, 10_000)
    _check_range("priority", spec.priority, -INT32_MAX, INT32_MAX)
    plain_signal(spec.stop_signal)
    check_volumes(spec.volumes, spec.size.max)
    check_ports(spec.ports)
    if spec.time_limit_s is not None:
        _check_range("time_limit_s", spec.time_limit_s, 1, INT32_MAX)
    _check_range("grace_s", spec.grace_s, 0, 86_400)
    _check_range("max_retries", spec.max_retries, 0, 1000)
    for failure in RetryClass:
        allowed = spec.retries.of(failure)
        if allowed is not None:
            _check_range(f"retries.{failure}", allowed, 0, 1000)
    if spec.kind is not JobKind.ELASTIC and spec.size.min != spec.size.max:
        raise InvalidInput(
            f"size.min and size.max must be equal for a job of kind {spec.kind}; only elastic jobs have a range.",
            field="size",
        )


def check_own(spec: JobSpec) -> None:
    """As `check_spec`, of `OWN_FIELDS` only."""
    _check_name(spec.name)
    if not spec.command:
        if spec.runtime is RuntimeName.PROCESS:
            raise InvalidInput("command must not be empty for a job of runtime process.", field="command")
        if spec.command is not None:
            raise InvalidInput(
                "command must have at least one word (leave it out for the image's own).", field="command"
            )
    else:
        _check_no_nul("command", spec.command)
    if spec.args:
        _check_no_nul("args", spec.args)
    if spec.env:
        _check_no_nul("env", (*spec.env, *spec.env.values()))
        for name in spec.env:
            if not name or "=" in name:
                raise InvalidInput(f"env: {name!r} is not a variable's name.", field="env")
    if spec.labels:
        _check_no_nul("labels", (*spec.labels, *spec.labels.values()))
    if spec.secrets:
        check_secrets(spec.secrets, frozenset(spec.env))


def _check_name(name: str) -> None:
    if not name.strip():
        raise InvalidInput("name must not be empty.", field="name")
    if len(name) > 255:
        raise InvalidInput(f"name must be at most 255 characters long, not {len(name)}.", field="name")
    if not name.isprintable():
        raise InvalidInput("name must not hold line breaks or other control characters.", field="name")


def features_of(spec: JobSpec) -> tuple[Feature, ...]:
    """What an agent must know to run the job as it was asked for, in a fixed order."""
    wanted: list[Feature] = []
    if spec.args and spec.command is None:
        wanted.append(Feature.ARGS)
    if spec.stop_signal != DEFAULT_STOP_SIGNAL:
        wanted.append(Feature.STOP_SIGNAL)
    if spec.secrets:
        wanted.append(Feature.SECRETS)
    if spec.volumes:
        wanted.append(Feature.VOLUMES)
    if spec.ports:
        wanted.append(Feature.PORTS)
    if spec.exclusive:
        wanted.append(Feature.EXCLUSIVE)
    return tuple(wanted)


def _check_no_nul(field_name: str, texts: Iterable[str]) -> None:
    if any("\0" in text for text in texts):
        raise InvalidInput(f"{field_name} must not hold NUL characters.", field=field_name)


def _check_range(field_name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput(f"{field_name} must be between {least} and {most}, not {value}.", field=field_name)
