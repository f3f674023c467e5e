"""Which host paths a job may have: where a path really leads counts, not what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lilac.agent.journal import Entry
from lilac.agent.runtime import StartFailure
from lilac.agent.volumes import add_mounts, prepare, real_path
from lilac.agent.wire import Assignment, assignment_to_json, parse_assignment, replica_environment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.surroundings import VolumeMount


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path.resolve()
    (root / "data/sets/one").mkdir(parents=True)
    (root / "data-private").mkdir()
    (root / "outside/secret").mkdir(parents=True)
    (root / "data/out").symlink_to(root / "outside")
    (root / "data/up").symlink_to("../data-private")
    (root / "data/inner").symlink_to("sets")
    (root / "data/loop").symlink_to("loop")
    (root / "mnt").symlink_to(root / "data")
    return root


def test_what_is_below_an_allowed_path_is_given_as_it_really_is(tree: Path) -> None:
    allowed = [f"{tree}/data"]
    assert real_path(f"{tree}/data", allowed, read_only=False) == f"{tree}/data"
    assert real_path(f"{tree}/data/sets/one", allowed, read_only=False) == f"{tree}/data/sets/one"
    assert real_path(f"{tree}/data/inner/one", allowed, read_only=False) == f"{tree}/data/sets/one"
    assert real_path(f"{tree}/mnt/sets", [f"{tree}/mnt"], read_only=False) == f"{tree}/data/sets"
    assert real_path("/etc", ["/"], read_only=True) == "/etc"


@pytest.mark.parametrize("path", ["data/out", "data/out/secret", "data/up", "data-private", "outside", ""])
def test_what_leads_out_of_it_is_refused_and_said(tree: Path, path: str) -> None:
    with pytest.raises(StartFailure, match=r"does not allow the host path .*allowed_host_paths") as failure:
        real_path(f"{tree}/{path}".rstrip("/"), [f"{tree}/data"], read_only=True)
    assert failure.value.reason == "start"
    if path == "data/out/secret":
        assert f"(it leads to {tree}/outside/secret)" in str(failure.value)


def test_nothing_is_allowed_by_default_and_what_is_not_there_is_not_made(tree: Path) -> None:
    with pytest.raises(StartFailure, match="does not allow"):
        real_path(f"{tree}/data", [], read_only=True)
    with pytest.raises(StartFailure, match="No such file"):
        real_path(f"{tree}/data/absent", [f"{tree}/data"], read_only=False)
    assert not (tree / "data/absent").exists()
    with pytest.raises(StartFailure, match="cannot be mounted"):
        real_path(f"{tree}/data/loop", [f"{tree}/data"], read_only=False)


def test_for_reading_only_means_it(tree: Path) -> None:
    allowed = [f"{tree}/data:ro", f"{tree}/data/sets"]
    assert real_path(f"{tree}/data", allowed, read_only=True) == f"{tree}/data"
    assert real_path(f"{tree}/data/sets/one", allowed, read_only=False) == f"{tree}/data/sets/one"
    with pytest.raises(StartFailure, match="for reading only"):
        real_path(f"{tree}/data", allowed, read_only=False)
    with pytest.raises(StartFailure, match="does not allow"):
        real_path(f"{tree}/data/out", allowed, read_only=True)


def an_entry(tree: Path, *volumes: VolumeMount) -> Entry:
    assignment = Assignment(key=ReplicaKey(JobId("job"), 1, 0), runtime=RuntimeName.DOCKER, volumes=volumes)
    directory = tree / "state/replicas/job.1.0"
    directory.mkdir(parents=True)
    return Entry(assignment, directory, 0.0, "")


def test_containers_get_mounts_and_processes_get_directories(tree: Path) -> None:
    named = VolumeMount(path="/models", name="my.models", volume_id="v-1")
    given = VolumeMount(path="/in", host_path=f"{tree}/mnt/sets", read_only=True)
    entry = an_entry(tree, named, given)
    config: dict[str, Any] = {"HostConfig": {}}
    add_mounts(config, entry.assignment, [f"{tree}/data:ro"])
    first, second = config["HostConfig"]["Mounts"]
    assert (first["Type"], first["Source"], first["Target"], first["ReadOnly"]) == (
        "volume", "lilac-v-1", "/models", False,
    )  # fmt: skip
    assert (second["Type"], second["Source"], second["Target"], second["ReadOnly"]) == (
        "bind", f"{tree}/data/sets", "/in", True,
    )  # fmt: skip
    inside = replica_environment(entry.assignment)
    assert (inside["LILAC_VOLUME_MY_MODELS"], inside["LILAC_VOLUME_IN"]) == ("/models", "/in")
    told = prepare(entry, [f"{tree}/data:ro"])
    directory = tree / "state/volumes/lilac-v-1"
    assert told == {"LILAC_VOLUME_MY_MODELS": str(directory), "LILAC_VOLUME_IN": f"{tree}/data/sets"}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert prepare(entry, [f"{tree}/data:ro"]) == told
    assert parse_assignment(assignment_to_json(entry.assignment)) == entry.assignment


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "a", "path": "/a", "volume_id": "../../etc"},
        {"name": "a", "path": "/a", "volume_id": ""},
        {"name": "a", "path": "/a", "volume_id": None},
        {"name": "a", "path": "/a"},
        {"name": "a", "host_path": "/a", "path": "/a", "volume_id": "v"},
        {"path": "/a"},
    ],
)
def test_volumes_that_cannot_be_are_not_read(volume: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_assignment({"job_id": "j", "attempt": 1, "rank": 0, "volumes": [volume]})
