"""All keys of a job file. Reading, the JSON Schema and the reference page are made from `FIELDS`."""

from __future__ import annotations

import re
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from lilac.cli.jobfile import documents
from lilac.cli.jobfile.documents import Faults, kind_of
from lilac.cli.jobfile.kinds import (
    Choice,
    Cores,
    Field,
    Flag,
    Items,
    Kind,
    Memory,
    Object,
    Span,
    Text,
    TextMap,
    Texts,
    Whole,
)

CONDITIONS = ("success", "any", "failure")


class Command:
    """A line for `sh -c`, or a list of words."""

    def read(self, node: Node, what: str, faults: Faults) -> list[str] | None:
        if isinstance(node, SequenceNode):
            words = Texts().read(node, what, faults)
            if words is not None and not words:
                faults.at(node, f"{what} must have at least one word; leave it out for the image's own")
                return None
            return words
        line = Text().read(node, what, faults)
        return None if line is None else ["sh", "-c", line]

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [Text().schema(), {**Texts().schema(), "minItems": 1}]}


class SizeKind:
    """`4`, `2:8`, or `{min: 2, max: 8}`."""

    _mapping = Object([Field("min", Whole(1), "At least so many."), Field("max", Whole(1), "At most so many.")])

    def read(self, node: Node, what: str, faults: Faults) -> dict[str, int] | None:
        if isinstance(node, MappingNode):
            found = self._mapping.read(node, what, faults)
            if found is None:
                return None
            least = found.get("min", 1)
            return self._range(node, what, faults, least, found.get("max", least))
        text = documents.text(node)
        match = re.fullmatch(r"([0-9]{1,9})(?::([0-9]{1,9}))?", text or "")
        if match is None:
            faults.at(node, f"{what} must be a number of replicas or a range such as 2:8, not {kind_of(node)}")
            return None
        least = int(match[1])
        return self._range(node, what, faults, least, int(match[2] or least))

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+(:[0-9]+)?$"},
                self._mapping.schema(),
            ]
        }

    @staticmethod
    def _range(node: Node, what: str, faults: Faults, least: int, most: int) -> dict[str, int] | None:
        if not 1 <= least <= most:
            faults.at(node, f"{what} must be at least 1, and its end not below its begin")
            return None
        return {"min": least, "max": most}


class Short:
    """A text in a short form, or a mapping with all that can be said."""

    def __init__(self, mapping: Object, pattern: str, form: str, **groups: Any) -> None:
        self._mapping = mapping
        self._pattern = re.compile(pattern)
        self._form = form
        self._groups = groups

    def read(self, node: Node, what: str, faults: Faults) -> dict[str, Any] | None:
        if isinstance(node, MappingNode):
            return self._mapping.read(node, what, faults)
        text = documents.text(node)
        match = self._pattern.fullmatch(text or "")
        if match is None:
            faults.at(node, f"{what} must be {self._form} or a mapping, not {kind_of(node)}")
            return None
        found = {name: turn(value) for name, turn in self._groups.items() if (value := match[name]) is not None}
        return found if self._mapping.build is None else self._mapping.build(found)

    def schema(self) -> dict[str, Any]:
        short = {"type": ["string", "integer"], "pattern": f"^{re.sub(r'[?]P<[a-z_]+>', '', self._pattern.pattern)}$"}
        return {"anyOf": [short, self._mapping.schema()]}


class RetriesKind:
    """A number for failures of the platform, or a budget for each class of failures."""

    _mapping = Object(
        [
            Field("node_lost", Whole(0, 1000), "After a node was lost, or a container vanished."),
            Field("image", Whole(0, 1000), "After the image could not be pulled."),
            Field("out_of_memory", Whole(0, 1000), "After it used more memory than it asked for."),
            Field("error", Whole(0, 1000), "After it exited with a code other than 0."),
        ]
    )

    def read(self, node: Node, what: str, faults: Faults) -> int | dict[str, int] | None:
        return (self._mapping if isinstance(node, MappingNode) else Whole(0, 1000)).read(node, what, faults)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [Whole(0, 1000).schema(), self._mapping.schema()]}


def _gpus_by_count(node: Node, what: str, faults: Faults) -> dict[str, Any] | None:
    count = Whole(0, 1024).read(node, what, faults)
    return None if not count else {"count": count}


GPUS = Object(
    [
        Field("count", Whole(1, 1024), "How many, all on one node.", needed=True, example="8"),
        Field("model", Text(), "Words of the model's name.", example="H100"),
        Field("memory", Memory("g"), "The least memory of each; a plain number counts in GB.", to="memory_gb"),
    ],
    short=_gpus_by_count,
    short_schema={"type": "integer", "minimum": 0},
)
RESOURCES = Object(
    [
        Field("cpu", Cores(), "Cores: `2`, `0.5`, or `1500m`.", to="cpu_millicores", needed=True, example="2"),
        Field("memory", Memory(), "`4GiB`; a plain number is MB.", to="memory_mb", needed=True, example="4GiB"),
        Field("gpus", GPUS, "GPUs of each replica: a number, or a mapping."),
    ]
)
SECRET = Short(
    Object(
        [
            Field("name", Text(), "The secret's name.", needed=True),
            Field("env", Text(), "The variable that holds it."),
            Field("file", Text(), "The file below /run/secrets that holds it."),
        ],
        build=lambda found: found if "env" in found or "file" in found else {**found, "env": found["name"]},
    ),
    r"(?P<name>[^=\s:]+)(?:=(?P<env>[^=\s]+))?",
    "NAME or NAME=VARIABLE",
    name=str,
    env=str,
)
VOLUME = Short(
    Object(
        [
            Field("name", Text(), "A named volume."),
            Field("host_path", Text(), "Or a path of the node, as far as its agent allows it."),
            Field("path", Text(), "Where the job finds it.", needed=True),
            Field("read_only", Flag(), "Whether the job may only read it."),
        ]
    ),
    r"(?P<name>[^:\s]+):(?P<path>/[^:]*)(?::(?P<read_only>ro|rw))?",
    "NAME:PATH or NAME:PATH:ro",
    name=str,
    path=str,
    read_only=lambda text: text == "ro",
)
PORT = Short(
    Object(
        [
            Field("port", Whole(1, 65_535), "The port inside.", needed=True),
            Field("name", Text(), "A name, for the variable LILAC_PORT_NAME."),
            Field("protocol", Choice(("tcp", "udp")), "`tcp` by default."),
        ]
    ),
    r"(?P<port>[0-9]{1,5})(?:/(?P<protocol>tcp|udp))?",
    "a port such as 8080 or 53/udp",
    port=int,
    protocol=str,
)
AFTER = Short(
    Object(
        [
            Field("job", Text(), "A job, by id or name.", to="job_id", needed=True),
            Field("condition", Choice(CONDITIONS), "How it must have ended; `success` by default."),
        ]
    ),
    r"(?P<job_id>.+?)(?::(?P<condition>success|any|failure))?",
    "JOB or JOB:success, JOB:any, JOB:failure",
    job_id=str,
    condition=str,
)
STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


def _field(name: str, kind: Kind, about: str, **more: Any) -> Field:
    return Field(name, kind, about, **more)


FIELDS: tuple[Field, ...] = (
    _field("name", Text(255), "The job's name.", needed=True, example="train"),
    _field("image", Text(), "The Docker image; not needed for runtime process.", to="definition", example="debian:12"),
    _field("command", Command(), "A line for `sh -c`, or a list of words; instead of the image's own command."),
    _field("args", Texts(), "Words behind the command, or for the image's entry point."),
    _field("queue", Text(), "The queue, by name or id.", to="queue_id", needed=True, example="training"),
    _field("resources", RESOURCES, "What each replica needs.", to="resource_requirements", needed=True),
    _field("size", SizeKind(), "How many replicas; a range such as `2:8` makes the job elastic."),
    _field("env", TextMap(), "Variables."),
    _field("secrets", Items(SECRET), "Secrets of the platform, as variables or files."),
    _field("volumes", Items(VOLUME), "Volumes: `NAME:PATH[:ro]`, or a mapping."),
    _field("ports", Items(PORT), "Ports to publish."),
    _field("working_dir", Text(), "The directory in which the command runs."),
    _field("runtime", Choice(("docker", "process")), "A container, or plain processes on the node."),
    _field(
        "time_limit", Span(), "Ends the job after so long; short jobs start sooner.", to="time_limit_s", example="2h"
    ),
    _field("grace", Span(), "Between the polite signal and the kill; 30s by default.", to="grace_s"),
    _field("stop_signal", Choice(STOP_SIGNALS), "The polite signal; SIGTERM by default."),
    _field("priority", Whole(-(2**31) + 1), "Within the queue; higher goes first."),
    _field("retries", RetriesKind(), "New attempts: a number, or one for each class of failures."),
    _field("array", Text(), "Many of one kind: `0-9999`, `1,3,5-9`, `0-99%10` for ten at once."),
    _field("after", Items(AFTER), "Jobs that must have ended before: `JOB[:success|any|failure]`."),
    _field("labels", TextMap(), "Labels of the job."),
    _field("node_selector", TextMap(), "Labels that the node must have."),
    _field("exclusive", Flag(), "Never two attempts at once, even if a node is cut off."),
    _field("preemptible", Flag(), "It may be stopped and queued again for a job of higher priority."),
    _field("strict", Flag(), "Fail now if no node could ever run it, instead of waiting."),
)
