"""What a job may ask of the place it runs in: what makes sense, and what an agent must know for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lilac.model.clusters import RuntimeName
from lilac.model.errors import InvalidInput
from lilac.model.ids import NodeId, QueueId
from lilac.model.jobs import JobKind, JobSpec, SizeRange, check_spec, features_of
from lilac.model.resources import ResourceRequest
from lilac.model.surroundings import Port, SecretRef, VolumeMount, allows_path, plain_signal
from lilac.scheduling.capacity import suits
from lilac.scheduling.satisfying import objection
from lilac.scheduling.views import Shape
from lilac.store.encoding import dumps, loads, spec_from_json, spec_to_json
from tests.unit.scheduling.builders import node


def spec(**more: Any) -> JobSpec:
    asked = {"runtime": RuntimeName.PROCESS, "command": ("true",), **more}
    return JobSpec(name="job", queue_id=QueueId("q"), resources=ResourceRequest(100, 16), **asked)


EVERYTHING = {
    "args": ("--epochs", "3"),
    "stop_signal": "SIGINT",
    "secrets": (SecretRef(name="token", env="TOKEN"), SecretRef(name="key", file="key.pem")),
    "volumes": (
        VolumeMount(name="data", path="/data", volume_id="v"),
        VolumeMount(host_path="/shared/set", path="/set", read_only=True),
    ),
    "ports": (Port(port=8080, name="http"), Port(port=53, protocol="udp")),
    "exclusive": True,
}


def test_what_a_job_asks_is_stored_and_read_back() -> None:
    asked = spec(**EVERYTHING)
    check_spec(asked)
    assert spec_from_json(loads(dumps(spec_to_json(asked)))) == asked


def test_a_spec_of_the_release_before_reads_as_asking_nothing() -> None:
    old = {k: v for k, v in spec_to_json(spec()).items() if k not in EVERYTHING}
    assert spec_from_json(loads(dumps(old))) == spec()


def test_a_job_needs_an_agent_that_knows_what_it_asks() -> None:
    assert features_of(spec()) == ()
    # Arguments after a command are part of it on the wire, which every agent knows.
    assert features_of(spec(args=("x",))) == ()
    assert features_of(spec(command=None, image="i", runtime=RuntimeName.DOCKER, args=("x",))) == ("args",)
    assert features_of(spec(**EVERYTHING)) == ("stop_signal", "secrets", "volumes", "ports", "exclusive")


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("secrets", {"secrets": (SecretRef(name="a"),)}),
        ("secrets.env", {"secrets": (SecretRef(name="a", env="no-name"),)}),
        ("secrets.env", {"secrets": (SecretRef(name="a", env="LILAC_JOB_ID"),)}),
        ("secrets.env", {"secrets": (SecretRef(name="a", env="A"),), "env": {"A": "b"}}),
        ("secrets.file", {"secrets": (SecretRef(name="a", file="../x"),)}),
        ("secrets.name", {"secrets": (SecretRef(name="", env="A"),)}),
        ("volumes", {"volumes": (VolumeMount(path="/a"),)}),
        ("volumes.path", {"volumes": (VolumeMount(name="a", path="relative"),)}),
        ("volumes.path", {"volumes": (VolumeMount(name="a", path="/"),)}),
        ("volumes.host_path", {"volumes": (VolumeMount(host_path="/data/../etc", path="/x"),)}),
        ("volumes.host_path", {"volumes": (VolumeMount(host_path="/data:/etc", path="/x"),)}),
        ("volumes", {"volumes": (VolumeMount(name="a", path="/x"),), "size": SizeRange(2, 2)}),
        ("ports.port", {"ports": (Port(port=0),)}),
        ("ports.protocol", {"ports": (Port(port=1, protocol="sctp"),)}),
        ("ports", {"ports": (Port(port=1, name="a"), Port(port=2, name="A"))}),
        ("stop_signal", {"stop_signal": "SIGSTOP"}),
        ("args", {"args": ("a\0b",)}),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_field(field: str, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_spec(spec(kind=JobKind.BATCH, **asked))
    assert refused.value.details["field"] == field


@pytest.mark.parametrize("word", ["SIGINT", "int", "Int"])
def test_signals_have_one_spelling(word: str) -> None:
    assert plain_signal(word) == "SIGINT"


@pytest.mark.parametrize(
    ("path", "read_only", "allowed"),
    [
        ("/data", False, True),
        ("/data/x", False, True),
        ("/database", False, False),
        ("/ro/x", True, True),
        ("/ro/x", False, False),
        ("/", True, False),
    ],
)
def test_host_paths_are_allowed_by_whole_names(path: str, read_only: bool, allowed: bool) -> None:
    assert allows_path(("/data", "/ro:ro"), path, read_only=read_only) is allowed


def test_variables_are_named_after_things() -> None:
    assert Port(port=80, name="web-ui").variable == "LILAC_PORT_WEB_UI"
    assert Port(port=80).variable == "LILAC_PORT_80"
    assert VolumeMount(host_path="/a", path="/mnt/my.set").variable == "LILAC_VOLUME_MY_SET"


def test_the_scheduler_places_only_where_agent_path_and_data_are() -> None:
    def shape(**more: Any) -> Shape:
        return Shape(queue_id=QueueId("q"), resources=ResourceRequest(1, 1), **more)

    here = replace(node("here"), host_paths=("/data:ro",), features=frozenset({"secrets"}))
    assert suits(here, shape(features=("secrets",), host_paths=(("/data/x", True),), on_node=here.id))
    for asked, why in (
        (shape(features=("exclusive",)), "does not know exclusive yet"),
        (shape(host_paths=(("/data", False),)), "does not allow the host path /data for writing"),
        (shape(on_node=NodeId("there")), "does not hold the data of its volume"),
    ):
        assert not suits(here, asked)
        assert why in (objection(here, asked) or "")
