from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from lilac.agent.measuring import Counters, of_container, of_sessions

MIB = 1 << 20


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        (
            "0::/docker/abc\n",
            {
                "docker/abc/cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
                "docker/abc/memory.current": f"{100 * MIB}\n",
                "docker/abc/memory.stat": f"anon 1\ninactive_file {40 * MIB}\n",
            },
            Counters(1.5, 60 * MIB),
        ),
        (
            "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
            {
                "cpu,cpuacct/docker/abc/cpuacct.usage": "2500000000\n",
                "memory/docker/abc/memory.usage_in_bytes": f"{50 * MIB}\n",
                "memory/docker/abc/memory.stat": "cache 1\n",
            },
            Counters(2.5, 50 * MIB),
        ),
        ("0::/\n", {"cpu.stat": "usage_usec 1500000\n", "memory.current": "1\n"}, None),
        ("0::/docker/abc\n", {}, None),
        ("0::/docker/abc\n", {"docker/abc/cpu.stat": "garbage", "docker/abc/memory.current": "?"}, None),
    ],
)
def test_a_container_is_read_from_its_control_groups(
    tmp_path: Path, cgroup: str, files: dict[str, str], expected: Counters | None
) -> None:
    (tmp_path / "proc/42").mkdir(parents=True)
    (tmp_path / "proc/42/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert of_container(42, proc=tmp_path / "proc", sys_fs=tmp_path / "sys") == expected
    assert of_container(43, proc=tmp_path / "proc", sys_fs=tmp_path / "sys") is None


def test_processes_of_a_session_are_counted_with_their_ended_children() -> None:
    # A child that works for half a second and ends, then one that stays.
    script = 'timeout 0.5 sh -c "while :; do :; done"; echo done; exec sleep 60'
    with subprocess.Popen(
        ["sh", "-c", f"({script}) & wait"], start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"done\n"
            counters = of_sessions([process.pid, 1 << 22])
            assert list(counters) == [process.pid]
            assert 0.1 < counters[process.pid].cpu_s < 10
            assert 0 < counters[process.pid].memory_bytes < 200 * MIB
        finally:
            os.killpg(process.pid, signal.SIGKILL)
