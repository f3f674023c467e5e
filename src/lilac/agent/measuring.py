"""What a replica uses, read from the system: the control group of its container, or the processes of its session.

CPU time is counted from the replica's beginning, so the difference of two readings over the time between is what it
used meanwhile. Of processes, the time of children that ended counts with their parents, as the kernel keeps it.

Memory: of a container, what its control group charges, less the file cache that the kernel would give up first; of
processes, what each has for itself and, once, the largest share of memory that they map together.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Counters:
    """CPU seconds used so far, and bytes of memory in use now."""

    cpu_s: float
    memory_bytes: int


def of_container(pid: int, *, proc: Path = Path("/proc"), sys_fs: Path = Path("/sys/fs/cgroup")) -> Counters | None:
    """Read the control groups of a container, found by its first process; None if they cannot be seen from here."""
    cpu_s: float | None = None
    memory: int | None = None
    for directory in _groups(pid, proc, sys_fs):
        if cpu_s is None:
            cpu_s = _cpu(directory)
        if memory is None:
            memory = _memory(directory)
    return Counters(cpu_s, memory) if cpu_s is not None and memory is not None else None


def of_sessions(leaders: Iterable[int], *, proc: Path = Path("/proc")) -> dict[int, Counters]:
    """Read the processes of these sessions, in one walk over all processes of the machine."""
    wanted = set(leaders)
    cpu = dict.fromkeys(wanted, 0)
    own = dict.fromkeys(wanted, 0)
    shared = dict.fromkeys(wanted, 0)
    found: set[int] = set()
    for name in os.listdir(proc) if wanted else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (proc / name / "stat").read_text(errors="replace").rpartition(")")[2].split()
            session = int(fields[3])
            if session not in wanted:
                continue
            found.add(session)
            cpu[session] += sum(int(ticks) for ticks in fields[11:15])
            pages = (proc / name / "statm").read_text().split()
            resident, mapped = int(pages[1]), int(pages[2])
            own[session] += max(0, resident - mapped)
            shared[session] = max(shared[session], mapped)
    return {leader: Counters(cpu[leader] / _TICKS, (own[leader] + shared[leader]) * _PAGE) for leader in found}


def _groups(pid: int, proc: Path, sys_fs: Path) -> Iterable[Path]:
    try:
        lines = (proc / str(pid) / "cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        path = path.lstrip("/")
        if not path:
            continue  # the whole machine is not a container
        names = ("", "unified") if number == "0" and not controllers else (controllers, *controllers.split(","))
        yield from (sys_fs / name / path for name in names)


def _cpu(directory: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        return int((directory / "cpuacct.usage").read_text()) / 1e9
    used = _table(directory / "cpu.stat").get("usage_usec")
    return used / 1e6 if used is not None else None


def _memory(directory: Path) -> int | None:
    for name, cache in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
        with contextlib.suppress(OSError, ValueError):
            used = int((directory / name).read_text())
            return max(0, used - _table(directory / "memory.stat").get(cache, 0))
    return None


def _table(path: Path) -> dict[str, int]:
    try:
        pairs = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
