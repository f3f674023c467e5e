from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lilac.agent import inventory
from lilac.agent.config import AgentConfig
from lilac.agent.gpus import Reading, legacy_word
from lilac.agent.inventory import Machine, architecture, measure
from lilac.agent.node import describe
from lilac.model.ids import NodeId
from lilac.model.resources import Gpu

GIB = 1 << 30


@pytest.fixture(autouse=True)
def a_large_host(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        total = 64 * GIB

    monkeypatch.setattr(inventory, "_host_cpus", lambda: 16)
    monkeypatch.setattr(psutil, "virtual_memory", Memory)


def tree(tmp_path: Path, cgroup: str, files: dict[str, str]) -> Machine:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return measure(proc=tmp_path / "proc", sys_fs=tmp_path / "sys")


@pytest.mark.parametrize(
    ("cgroup", "files", "millicores", "gib"),
    [
        ("", {}, 16000, 64),
        ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}, 16000, 64),
        ("0::/\n", {"cpu.max": "250000 100000\n", "memory.max": f"{8 * GIB}\n"}, 2500, 8),
        (
            "0::/a/b\n",
            {"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000", "a/b/memory.max": f"{4 * GIB}"},
            2000,
            4,
        ),
        ("0::/a/b\n", {"a/memory.max": f"{2 * GIB}", "a/b/memory.max": f"{4 * GIB}", "a/b/cpu.max": "5 0"}, 16000, 2),
        ("0::/not/mounted\n", {"cpu.max": "100000 100000"}, 1000, 64),
        (
            "4:memory:/d\n3:cpu,cpuacct:/d\n",
            {
                "memory/d/memory.limit_in_bytes": f"{3 * GIB}",
                "memory/memory.limit_in_bytes": "9223372036854771712",
                "cpu,cpuacct/d/cpu.cfs_quota_us": "150000",
                "cpu,cpuacct/d/cpu.cfs_period_us": "100000",
            },
            1500,
            3,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16000, 64),
        ("0::/\n", {"cpu.max": "garbage", "memory.max": "?"}, 16000, 64),
        ("0::/a\n", {"a/cpuset.cpus.effective": "0-3,8\n"}, 5000, 64),
        ("0::/a\n", {"a/cpuset.cpus.effective": "\n", "a/cpuset.cpus": "2\n"}, 1000, 64),
        ("0::/a\n", {"a/cpuset.cpus.effective": "0-3", "a/cpu.max": "150000 100000"}, 1500, 64),
        ("0::/a\n", {"a/cpuset.cpus.effective": "all"}, 16000, 64),
        ("6:cpuset:/d/e\n", {"cpuset/d/cpuset.cpus": "0-2", "cpuset/d/e/cpuset.cpus": "0-1"}, 2000, 64),
        ("6:cpuset:/d\n", {"cpuset/d/cpuset.effective_cpus": "5", "cpuset/d/cpuset.cpus": "0-2"}, 1000, 64),
        (
            "4:memory:/d\n0::/u\n",
            {"memory/d/memory.limit_in_bytes": f"{6 * GIB}", "unified/u/memory.max": f"{5 * GIB}"},
            16000,
            5,
        ),
        ("0::/\n", {"cpu.max": "9900000 100000", "memory.max": f"{900 * GIB}"}, 16000, 64),
    ],
)
def test_the_least_limit_counts(tmp_path: Path, cgroup: str, files: dict[str, str], millicores: int, gib: int) -> None:
    machine = tree(tmp_path, cgroup, files)
    assert (machine.cpu_millicores, machine.memory_mb) == (millicores, gib * 1024)


LEVELS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 4_000).map(lambda hundredths: hundredths * 1_000),
        st.none() | st.integers(1, 100_000),
        st.none() | st.integers(1, 64),
    ),
    min_size=1,
    max_size=5,
)


@given(levels=LEVELS, version=st.sampled_from([1, 2]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_nested_groups_the_least_limit_of_any_level_counts(
    levels: list[tuple[int | None, int | None, int | None]], version: int
) -> None:
    files: dict[str, str] = {}
    path = ""
    for number, (quota, mib, cpus) in enumerate(levels):
        path += f"/level-{number}"
        if version == 2:
            files[f"{path}/cpu.max"] = f"{'max' if quota is None else quota} 100000\n"
            files[f"{path}/memory.max"] = "max\n" if mib is None else f"{mib << 20}\n"
            files[f"{path}/cpuset.cpus.effective"] = "\n" if cpus is None else f"0-{cpus - 1}\n"
        else:
            files[f"cpu{path}/cpu.cfs_quota_us"] = f"{-1 if quota is None else quota}\n"
            files[f"cpu{path}/cpu.cfs_period_us"] = "100000\n"
            files[f"memory{path}/memory.limit_in_bytes"] = f"{(1 << 63) - 4096 if mib is None else mib << 20}\n"
            files[f"cpuset{path}/cpuset.cpus"] = "\n" if cpus is None else f"0-{cpus - 1}\n"
    groups = f"0::{path}\n" if version == 2 else "".join(f"1:{name}:{path}\n" for name in ("cpu", "memory", "cpuset"))
    quotas, limits, sets = ([level[n] for level in levels if level[n] is not None] for n in range(3))
    millicores = min([16_000, *(quota // 100 for quota in quotas), *(cpus * 1000 for cpus in sets)])
    with tempfile.TemporaryDirectory() as directory:
        machine = tree(Path(directory), groups, {name.lstrip("/"): text for name, text in files.items()})
    assert machine.cpu_millicores == max(1, millicores)
    assert machine.memory_mb == min([64 * 1024, *limits])


def test_the_words_of_processors() -> None:
    assert architecture("x86_64", "Linux") == "x86_64"
    assert architecture("aarch64", "Linux") == "arm64"
    assert architecture("arm64", "Darwin") == "arm64-mac"
    assert architecture("i686", "Linux") == "i386"


def test_the_original_words_of_gpus() -> None:
    assert legacy_word("NVIDIA H100 80GB HBM3") == "H100"
    assert legacy_word("NVIDIA L40S") == "L40S"
    assert legacy_word("NVIDIA L4") == "L4"
    assert legacy_word("NVIDIA RTX A1000") == "T4"


def test_a_report_serves_original_servers_and_ours() -> None:
    config = AgentConfig(api_endpoint="http://x", cluster_api_key="k", node_id=NodeId("n"), node_name="gpu-1")
    machine = Machine(cpu_millicores=8000, memory_mb=1000, architecture="x86_64")
    gpus = (
        Gpu(uuid="GPU-1", model="NVIDIA H100 80GB HBM3", memory_mb=81559, healthy=False),
        Gpu(uuid="GPU-2", model="NVIDIA H100 80GB HBM3", memory_mb=81559),
    )
    report = describe(config, machine, Reading(gpus))
    assert report["cpu_info"] == {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 8000}
    assert report["gpu_info"] == {"manufacturer": "Nvidia", "model": "H100", "count": 1, "memory_mb": 81559}
    assert [(gpu["uuid"], gpu["healthy"]) for gpu in report["gpus"]] == [("GPU-1", False), ("GPU-2", True)]
    assert describe(config, machine, Reading())["gpu_info"] is None
    assert describe(config, machine, Reading(gpus=None))["gpus"] is None
