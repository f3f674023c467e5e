"""The agent's reading of GPUs against a driver library made for the test, in a process that finds it as any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.nvml import FakeGpu, FakeNvml, FakePart, build_nvml

A = FakeGpu("GPU-a", used=1000, util=37)
B = FakeGpu("GPU-b", pci="00000000:02:00.0")
DIVIDED = FakeGpu(
    "GPU-m",
    name="NVIDIA A100-SXM4-40GB",
    memory=40_960,
    mig=1,
    parts=(
        FakePart(0, "MIG-1", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4_864),
        FakePart(3, "MIG-2", "NVIDIA A100-SXM4-40GB MIG 3g.20gb", 19_968, used=512),
    ),
)

# Looks at the GPUs whenever a line comes in, and answers with a line.
READER = """
import asyncio, json, sys
from dataclasses import asdict
from lilac.agent import diary
from lilac.agent.devices import Devices

async def main():
    diary.configure()
    devices = Devices(patience_s=float(sys.argv[1]))
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        reading = await devices.read()
        gpus = None if reading.gpus is None else {gpu.uuid: asdict(gpu) for gpu in reading.gpus}
        use = {uuid: asdict(used) for uuid, used in reading.use.items()}
        print(json.dumps({"gpus": gpus, "drivers": reading.drivers, "use": use}), flush=True)
    devices.close()

asyncio.run(main())
"""


class Reader:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the reader ended"
        return json.loads(line)

    def states(self) -> dict[str, str]:
        gpus = self.read()["gpus"]
        return {u: "lost" if g["lost"] else "healthy" if g["healthy"] else "unhealthy" for u, g in gpus.items()}


@contextmanager
def reader(nvml: FakeNvml, *, patience_s: float = 30.0) -> Iterator[Reader]:
    environment = {"PATH": os.environ["PATH"], **nvml.environment}
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", READER, str(patience_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield Reader(process)
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_nvml(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def nvml(library: Path, tmp_path: Path) -> FakeNvml:
    return FakeNvml(library, tmp_path / "gpus")


def test_all_gpus_are_told_with_their_details_use_and_drivers(nvml: FakeNvml) -> None:
    nvml.tell(A, B)
    with reader(nvml) as looking:
        told = looking.read()
    assert told["drivers"] == {"nvidia": "580.95.05", "cuda": "13.0"}
    assert list(told["gpus"]) == ["GPU-a", "GPU-b"]
    assert told["gpus"]["GPU-b"] == {
        "uuid": "GPU-b",
        "model": "NVIDIA H100 80GB HBM3",
        "memory_mb": 81_559,
        "healthy": True,
        "lost": False,
        "problem": None,
        "mig": None,
        "parent": None,
        "pci_bus_id": "00000000:02:00.0",
        "compute_capability": "9.0",
    }
    assert told["use"]["GPU-a"] == {"memory_mb": 1000, "utilization_pct": 37}


def test_a_gpu_in_mig_mode_is_its_mig_devices(nvml: FakeNvml) -> None:
    nvml.tell(A, DIVIDED)
    with reader(nvml) as looking:
        told = looking.read()
        assert list(told["gpus"]) == ["GPU-a", "MIG-1", "MIG-2"]
        part = told["gpus"]["MIG-2"]
        assert (part["mig"], part["parent"], part["memory_mb"]) == ("3g.20gb", "GPU-m", 19_968)
        assert part["model"] == "NVIDIA A100-SXM4-40GB MIG 3g.20gb"
        assert told["use"]["MIG-2"] == {"memory_mb": 512, "utilization_pct": None}

        nvml.tell(A, DIVIDED.but(parts=DIVIDED.parts[:1]))
        assert looking.states() == {"GPU-a": "healthy", "MIG-1": "healthy"}  # taken away on purpose

        nvml.tell(A, DIVIDED.but(lost=1))
        assert looking.states() == {"GPU-a": "healthy", "MIG-1": "lost"}

        nvml.tell(A, DIVIDED.but(mig=0))
        assert looking.states() == {"GPU-a": "healthy", "GPU-m": "healthy"}


def test_a_lost_gpu_is_remembered_and_comes_back(nvml: FakeNvml) -> None:
    nvml.tell(A, B)
    with reader(nvml) as looking:
        assert looking.states() == {"GPU-a": "healthy", "GPU-b": "healthy"}
        nvml.tell(A.but(lost=1), B)
        assert looking.states() == {"GPU-a": "lost", "GPU-b": "healthy"}
        nvml.tell(B)  # not even counted any more
        assert looking.states() == {"GPU-a": "lost", "GPU-b": "healthy"}
        nvml.tell(A, B)
        assert looking.states() == {"GPU-a": "healthy", "GPU-b": "healthy"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ecc": 3}, "3 uncorrected memory errors"),
        ({"pages": 1}, "pages of its memory wait"),
        ({"rows": 1}, "rows of its memory wait"),
        ({"rows": 2}, "could not be replaced"),
    ],
)
def test_a_gpu_with_bad_memory_is_unhealthy_and_not_lost(nvml: FakeNvml, wrong: dict[str, int], words: str) -> None:
    nvml.tell(A, B.but(**wrong))
    with reader(nvml) as looking:
        gpu = looking.read()["gpus"]["GPU-b"]
        assert (gpu["healthy"], gpu["lost"]) == (False, False)
        assert words in gpu["problem"]
        nvml.tell(A, B)
        assert looking.states()["GPU-b"] == "healthy"


def test_errors_of_the_driver_count_and_errors_of_programs_do_not(nvml: FakeNvml) -> None:
    nvml.tell(A, B)
    with reader(nvml) as looking:
        looking.read()
        nvml.tell(A, B, xids=((31, 0), (74, 1)))
        told = looking.read()["gpus"]
    assert told["GPU-a"]["healthy"]
    assert told["GPU-b"]["problem"] == "the driver reported Xid 74"


def test_a_driver_that_hangs_delays_nobody_and_loses_nothing(nvml: FakeNvml) -> None:
    nvml.tell(A, B)
    with reader(nvml, patience_s=2.0) as looking:
        looking.read()
        nvml.tell(A, B, hang=True)
        told = looking.read()["gpus"]
        assert {(gpu["healthy"], gpu["lost"], gpu["problem"]) for gpu in told.values()} == {
            (False, False, "the GPU driver does not answer")
        }
        nvml.tell(A, B)
        while looking.states() != {"GPU-a": "healthy", "GPU-b": "healthy"}:
            pass


def test_a_driver_that_hangs_from_the_beginning_leaves_the_gpus_unknown(nvml: FakeNvml) -> None:
    nvml.tell(A, hang=True)
    with reader(nvml, patience_s=0.2) as looking:
        assert looking.read()["gpus"] is None


def test_a_driver_that_does_not_start_leaves_the_gpus_unknown_and_no_driver_means_none(nvml: FakeNvml) -> None:
    nvml.tell(A, init=18)  # driver and library of different versions
    with reader(nvml) as looking:
        assert looking.read()["gpus"] is None
        nvml.tell(A)
        assert looking.states() == {"GPU-a": "healthy"}
    nvml.state.unlink()
    with reader(nvml) as looking:
        assert looking.read()["gpus"] == {}


def test_a_driver_without_the_newer_calls_still_tells_its_gpus(tmp_path: Path) -> None:
    bare = FakeNvml(build_nvml(tmp_path / "bare", bare=True), tmp_path / "gpus")
    bare.tell(A)
    with reader(bare) as looking:
        told = looking.read()
    assert told["gpus"]["GPU-a"]["healthy"]
    assert told["gpus"]["GPU-a"]["pci_bus_id"] is None
    assert told["drivers"] == {}
    assert told["use"]["GPU-a"] == {"memory_mb": 1000, "utilization_pct": None}
