"""What this machine has: CPU and memory within the limits that hold for the agent.

Several limits can hold at once: control groups of version 2 and of version 1, on every level up to the root, with their
quotas and sets of CPUs; the CPUs that the process is bound to (affinity); and the machine itself. The least of them
counts. Everything that cannot be read limits nothing.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_MIB = 1 << 20
_NO_LIMIT_V1 = 1 << 60
"""Version 1 writes "no limit" as a number near 2^63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """CPU in millicores and memory in MiB that replicas may use."""

    cpu_millicores: int
    memory_mb: int
    architecture: str


def measure(*, proc: Path = Path("/proc"), sys_fs: Path = Path("/sys/fs/cgroup")) -> Machine:
    """Measure this machine. Takes about a millisecond."""
    limits = list(_groups(proc, sys_fs))
    cpus = [
        float(_host_cpus()),
        *(_cpus_v2(group) for group in limits),
        *(_cpus_v1(group) for group in limits),
        *(_cpu_set(group) for group in limits),
    ]
    memory = [
        psutil.virtual_memory().total,
        *(_memory(group / "memory.max") for group in limits),
        *(_memory(group / "memory.limit_in_bytes") for group in limits),
    ]
    return Machine(
        cpu_millicores=max(1, int(min(value for value in cpus if value) * 1000)),
        memory_mb=max(1, int(min(value for value in memory if value) // _MIB)),
        architecture=architecture(platform.machine(), platform.system()),
    )


def architecture(machine: str, system: str) -> str:
    """Return the wire's word for a processor: `x86_64`, `arm64`, `i386`, with `-mac` on a Mac."""
    words = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    machine = machine.lower()
    word = words.get(machine) or ("i386" if machine in ("i386", "i486", "i586", "i686", "x86") else "x86_64")
    return f"{word}-mac" if system == "Darwin" and word in ("x86_64", "arm64") else word


def _host_cpus() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return psutil.cpu_count() or 1


def _groups(proc: Path, sys_fs: Path) -> Iterator[Path]:
    """Yield the directories of all control groups that the agent is in, with their parents.

    A path of `/proc/self/cgroup` may lie outside of what a container sees mounted; then its last existing parent,
    at the latest the mount point itself, is where the limits of the container stand.
    """
    try:
        lines = (proc / "self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = ["0::/"]
    seen: set[Path] = set()
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            roots = [sys_fs, sys_fs / "unified"]
        else:
            roots = [sys_fs / name for name in (controllers, *controllers.split(","))]
        for root in roots:
            directory = root / path.lstrip("/")
            while directory == root or root in directory.parents:
                if directory not in seen and directory.is_dir():
                    seen.add(directory)
                    yield directory
                directory = directory.parent


def _cpus_v2(group: Path) -> float | None:
    words = _words(group / "cpu.max")
    if len(words) != 2 or not words[0].isdigit() or not words[1].isdigit() or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def _cpus_v1(group: Path) -> float | None:
    quota, period = _words(group / "cpu.cfs_quota_us"), _words(group / "cpu.cfs_period_us")
    if not quota or not period or not quota[0].isdigit() or not period[0].isdigit() or int(period[0]) == 0:
        return None
    return int(quota[0]) / int(period[0])


def _cpu_set(group: Path) -> float | None:
    """How many CPUs a group may use: version 2 and 1 write the set that holds, the inherited one included, so."""
    for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
        words = _words(group / name)
        if words:
            return float(count) if (count := cpus_in(words[0])) else None
    return None


def cpus_in(text: str) -> int:
    """How many CPUs a list such as `0-3,8` names; 0 for text that is no list."""
    count = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return 0
        count += max(0, int(last or first) - int(first) + 1)
    return count


def _memory(path: Path) -> int | None:
    words = _words(path)
    if not words or not words[0].isdigit():
        return None
    limit = int(words[0])
    return limit if 0 < limit < _NO_LIMIT_V1 else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
