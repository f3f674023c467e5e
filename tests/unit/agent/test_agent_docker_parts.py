"""The pure parts of the Docker runtime: references, the log's copy, the container's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.agent.docker_config import container_config, container_name
from lilac.agent.docker_log import Cursor, LogCopy, parse_time
from lilac.agent.docker_runtime import DockerRuntime
from lilac.agent.journal import Entry
from lilac.agent.registries.references import full_reference, registry_of_image
from lilac.agent.runtime import StartFailure
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import JobId, NodeId, ReplicaKey


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("debian:12", "docker.io"),
        ("me/app", "docker.io"),
        ("gcr.io/p/app:1", "gcr.io"),
        ("localhost/app", "localhost"),
        ("10.0.0.1:5000/app@sha256:abc", "10.0.0.1:5000"),
        ("GCR.io:443/p/app", "gcr.io"),
        ("index.docker.io/me/app", "docker.io"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of_image(image) == registry


def test_a_reference_always_names_one_image() -> None:
    assert full_reference("debian") == "docker.io/library/debian:latest"
    assert full_reference("me/app:2") == "docker.io/me/app:2"
    assert full_reference("h:5000/app") == "h:5000/app:latest"
    assert full_reference("h:5000/app@sha256:ab") == "h:5000/app@sha256:ab"


def frame(stamp: int, data: bytes, stream: int = 1) -> bytes:
    seconds, nanos = divmod(stamp, 10**9)
    message = b"1970-01-01T00:%02d:%02d.%09dZ " % (seconds // 60, seconds % 60, nanos) + data
    return bytes([stream, 0, 0, 0]) + len(message).to_bytes(4, "big") + message


messages = st.lists(
    st.tuples(st.sampled_from([1, 2, 2_000_000_007]), st.binary(min_size=1, max_size=12)), max_size=12
).map(lambda pairs: sorted(pairs, key=lambda pair: pair[0]))


@given(log=messages, cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 64), st.booleans()), max_size=4))
def test_a_log_is_copied_once_over_any_interruptions(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[int, bytes]], cuts: list[tuple[int, int, bool]]
) -> None:
    """The engine sends everything from the stamp on, inclusive; the agent may die between bytes and cursor."""
    directory = tmp_path_factory.mktemp("log")
    output, cursor = directory / "output", directory / "cursor"
    for taken, size, torn in [*cuts, (10**6, 64, False)]:
        copy = LogCopy(output, cursor)
        since = copy.resume()
        least = int(since.replace(".", "")) if since else 0
        stream = b"".join(frame(stamp, data) for stamp, data in log if stamp >= least)[:taken]
        for place in range(0, len(stream), size):
            copy.take(stream[place : place + size])
        copy.close()
        if torn:  # bytes were written, and the agent died before it noted them
            with output.open("ab") as file:
                file.write(b"torn")
    assert output.read_bytes() == b"".join(data for _, data in log)


def test_a_cursor_speaks_the_engines_language() -> None:
    assert Cursor().since is None
    assert Cursor(1_764_000_000_000_000_001, 1, 5).since == "1764000000.000000001"
    assert parse_time("2025-11-24T16:00:00.5Z") == 1764000000.5
    assert parse_time("2025-11-24T17:00:00+01:00") == 1764000000
    assert parse_time("0001-01-01T00:00:00Z") is None


def test_half_a_cursor_means_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "cursor").write_text("12 3")
    (tmp_path / "output").write_text("abc")
    copy = LogCopy(tmp_path / "output", tmp_path / "cursor")
    assert copy.cursor == Cursor()
    copy.close()


def test_a_container_gets_its_limits_and_exactly_its_gpus() -> None:
    key = ReplicaKey(JobId("1b2e0000-0000-0000-0000-000000000000"), 2, 3)
    assignment = Assignment(
        key=key,
        runtime=RuntimeName.DOCKER,
        image="debian:12",
        command=("sh", "-c", "true"),
        cpu_millicores=1500,
        memory_mb=512,
        gpu_uuids=("GPU-1", "GPU-2"),
        working_dir="/w",
    )
    config = container_config(assignment, {"lilac.job": key.job_id})
    host = config["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (1_500_000_000, 512 << 20, 512 << 20)
    assert host["DeviceRequests"] == [{"DeviceIDs": ["GPU-1", "GPU-2"], "Capabilities": [["gpu"]]}]
    assert (host["Privileged"], host["Init"], host["SecurityOpt"]) == (False, True, ["no-new-privileges"])
    assert (config["Entrypoint"], config["Cmd"], config["WorkingDir"]) == ([""], ["sh", "-c", "true"], "/w")
    assert "NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2" in config["Env"]
    assert container_name(key, NodeId("n")).startswith("lilac-1b2e0000-2-3-")
    assert container_name(key, NodeId("n")) != container_name(key, NodeId("m"))


def test_an_image_runs_its_own_command_where_none_is_given_and_sees_no_gpu() -> None:
    key = ReplicaKey(JobId("j"), 1, 0)
    config = container_config(Assignment(key=key, runtime=RuntimeName.DOCKER, image="x"), {})
    assert "Cmd" not in config
    assert "Entrypoint" not in config
    assert "DeviceRequests" not in config["HostConfig"]
    assert "NVIDIA_VISIBLE_DEVICES=void" in config["Env"]


async def test_an_engine_that_is_gone_for_good_fails_the_start_after_a_while(tmp_path: Path) -> None:
    assignment = Assignment(key=ReplicaKey(JobId("j"), 1, 0), runtime=RuntimeName.DOCKER, image="x")
    runtime = DockerRuntime(NodeId("n"), host=f"unix://{tmp_path}/no.sock", engine_patience_s=0.3)
    try:
        with pytest.raises(StartFailure, match=r"cannot be reached\. Gave up after 0 s\.") as raised:
            await runtime.start(Entry(assignment, tmp_path, 0.0, ""))
        assert str(raised.value.reason) == "engine"
    finally:
        await runtime.close()
