"""Control groups of process replicas: limits on memory, CPU and number of processes, and a sure way to end all of one.

Where they are: below the agent's own group, as `/proc/self/cgroup` names it, so that whatever limits the agent limits
its replicas too, and nothing else of the machine is touched. Each agent has a directory `lilac-<node>` there, and each
replica one in it. Version 1 has a hierarchy per controller, and so a directory in each; version 2 has one for all; a
machine may have some controllers here and some there.

Version 2 allows no processes in a group that hands controllers on. So the agent moves itself into a group `lilac-agent`
beside the replicas, but only if it is alone in its own one, or in a container. A service of systemd could not be
started again then while replicas run; there it must be systemd that makes that group (`DelegateSubgroup=lilac-agent`).

A replica's first process puts itself into the group before it becomes the command, so nothing of it is ever outside.
Commands run beside a replica get a group `beside` within the replica's: the same limits, but nobody waits for them.

Ending: `cgroup.kill` where the kernel has it. Elsewhere the group may first not fork any more, and is then signalled
until it is empty. Everything here blocks, for well below a millisecond, but for `kill` and `remove`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lilac.agent.guardian import processes_below

LEAF = "lilac-agent"
CONTROLLERS = ("memory", "cpu", "pids")
PIDS_LIMIT = 16_384
_BESIDE = "beside"
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1_000
_KILL_PATIENCE_S = 2.0
_MIB = 1 << 20


class NoGroups(Exception):
    """Replicas cannot have control groups here; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """The control group of one replica: a directory in each hierarchy."""

    directories: tuple[Path, ...]

    @property
    def doors(self) -> list[str]:
        """The files that a process writes `0` to, to be in the group."""
        return [str(directory / "cgroup.procs") for directory in self.directories]

    def members(self) -> set[int]:
        """The replica's own processes, those beside it not counted."""
        return {pid for directory in self.directories for pid in _processes(directory)}

    def everything(self) -> set[int]:
        """All processes of the replica and beside it."""
        return set(processes_below(self.directories))

    def put_beside(self, pid: int) -> None:
        """Let a process that was just started count as one beside the replica."""
        for directory in self.directories:
            with contextlib.suppress(OSError):  # the replica or the process may have ended
                beside = directory / _BESIDE
                beside.mkdir(exist_ok=True)
                _write(beside / "cgroup.procs", pid)

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel killed a process because the group had reached its limit, and not the machine its end."""
        for directory in self.directories:
            counts = _table(directory / "memory.events")
            if counts.get("oom_kill") and counts.get("oom"):
                return True
            if _table(directory / "memory.oom_control").get("oom_kill"):
                # Version 1 does not count reliably how often the limit was reached, but notes the most that was used.
                limit = _number(directory / "memory.limit_in_bytes")
                most = (_number(directory / f"memory.{name}max_usage_in_bytes") for name in ("", "memsw."))
                if max(most) >= limit - limit // 8:
                    return True
        return False

    def kill(self) -> None:
        """End everything in it; returns when it is empty, or after a while in which the kernel did not let go."""
        for directory in self.directories:
            with contextlib.suppress(OSError):
                if (directory / "cgroup.kill").exists():
                    _write(directory / "cgroup.kill", 1)
                elif (directory / "pids.max").exists():
                    _write(directory / "pids.max", 0)
        deadline = time.monotonic() + _KILL_PATIENCE_S
        while (pids := self.everything()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)

    def remove(self) -> None:
        """Remove the directories, whatever still runs in them ended; `OSError` if they are still in use."""
        if self.everything():
            self.kill()
        for directory in self.directories:
            for inner, _, _ in os.walk(directory, topdown=False):
                with contextlib.suppress(FileNotFoundError):
                    os.rmdir(inner)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where groups can be made in one hierarchy, and what can be limited there."""

    directory: Path
    version: int
    controllers: frozenset[str]


class Groups:
    """Makes the groups of one agent's replicas."""

    def __init__(self, places: Sequence[_Place]) -> None:
        self._places = tuple(places)

    @property
    def limits(self) -> frozenset[str]:
        """What is limited: of `memory`, `cpu` and `pids`."""
        return frozenset(name for place in self._places for name in place.controllers)

    @property
    def are_complete(self) -> bool:
        return self.limits >= set(CONTROLLERS)

    @property
    def directories(self) -> list[Path]:
        return [place.directory for place in self._places]

    def make(self, name: str, *, memory_mb: int, cpu_millicores: int) -> Group:
        """Make a replica's group with its limits; `OSError` if that cannot be."""
        for place in self._places:
            directory = place.directory / name
            directory.mkdir(parents=True, exist_ok=True)
            _limit(directory, place, max(6, memory_mb) * _MIB, cpu_millicores)
        return self.named(name)

    def named(self, name: str) -> Group:
        """The group of this name, which need not be there."""
        return Group(tuple(place.directory / name for place in self._places))

    def names(self) -> list[str]:
        """Which replicas have a group."""
        found: set[str] = set()
        for place in self._places:
            with contextlib.suppress(OSError):
                found |= {each.name for each in place.directory.iterdir() if each.is_dir()}
        return sorted(found)

    def close(self) -> None:
        """Leave nothing behind where no replica runs on."""
        for place in self._places:
            with contextlib.suppress(OSError):
                place.directory.rmdir()


def group_of(directories: Iterable[str]) -> Group:
    """A group that another life of the agent made, by what the journal says of it."""
    return Group(tuple(Path(each) for each in directories))


def find(node: str, *, proc: Path = Path("/proc"), sys_fs: Path = Path("/sys/fs/cgroup")) -> Groups:
    """Make ready for the groups of this node's replicas; `NoGroups` with the reason where they cannot be had."""
    try:
        own = _own_groups(proc)
        places = [*_version_1(own, sys_fs, node), *_version_2(own, proc, sys_fs, node)]
    except OSError as error:
        raise NoGroups(
            f"Control groups cannot be made: {error.filename or 'the kernel'} says {os.strerror(error.errno or 0)}."
        ) from error
    if not any("memory" in place.controllers for place in places):
        raise NoGroups(f"No control group with a limit on memory is within the agent's reach below {sys_fs}.")
    return Groups(places)


def _version_1(own: dict[str, str], sys_fs: Path, node: str) -> Iterator[_Place]:
    by_directory: dict[Path, set[str]] = {}
    for controllers, path in own.items():
        wanted = set(controllers.split(",")) & set(CONTROLLERS)
        roots = [sys_fs / name for name in (controllers, *controllers.split(","))]
        root = next((root for root in roots if root.is_dir()), None)
        if wanted and root is not None:
            by_directory.setdefault(_within(root, path) / f"lilac-{node}", set()).update(wanted)
    for directory, wanted in by_directory.items():
        directory.mkdir(exist_ok=True)
        yield _Place(directory, 1, frozenset(wanted))


def _version_2(own: dict[str, str], proc: Path, sys_fs: Path, node: str) -> Iterator[_Place]:
    root = next((r for r in (sys_fs, sys_fs / "unified") if (r / "cgroup.controllers").exists()), None)
    if root is None or "" not in own:
        return
    group = _within(root, own[""])
    base = group.parent if group.name == LEAF and group != root else group
    wanted = set(_words(base / "cgroup.controllers")) & set(CONTROLLERS)
    if not wanted:
        return
    orders = " ".join(f"+{name}" for name in sorted(wanted))
    if not wanted <= set(_words(base / "cgroup.subtree_control")):
        # The machine's own root group may have both; it alone has no type.
        if (base / "cgroup.type").exists():
            _vacate(base, proc, in_container=base == root)
        _write(base / "cgroup.subtree_control", orders)
    directory = base / f"lilac-{node}"
    directory.mkdir(exist_ok=True)
    _write(directory / "cgroup.subtree_control", orders)
    yield _Place(directory, 2, frozenset(wanted))


def _vacate(base: Path, proc: Path, *, in_container: bool) -> None:
    """Move what runs in a group of version 2 into one below it, if it is the agent's to move."""
    present = _processes(base)
    if not present:
        return
    if base.name.endswith(".service"):
        raise NoGroups(
            f"The agent's control group {base} is systemd's: give its unit Delegate=yes and DelegateSubgroup={LEAF} "
            "(systemd 254 or later)."
        )
    if not in_container and not all(_is_ours(pid, proc) for pid in present):
        raise NoGroups(
            f"Others share the agent's control group {base}: run it as a service, or by systemd-run --scope "
            "-p Delegate=yes."
        )
    leaf = base / LEAF
    leaf.mkdir(exist_ok=True)
    for pid in present:
        with contextlib.suppress(ProcessLookupError):
            _write(leaf / "cgroup.procs", pid)


def _is_ours(pid: int, proc: Path) -> bool:
    """Whether it is this process or a descendant of it."""
    own = os.getpid()
    while pid > 1 and pid != own:
        try:
            pid = int((proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return True  # it has ended
    return pid == own


def _limit(directory: Path, place: _Place, memory_bytes: int, cpu_millicores: int) -> None:
    quota_us = max(_LEAST_QUOTA_US, cpu_millicores * _PERIOD_US // 1000)
    if "memory" in place.controllers and place.version == 1:
        _write(directory / "memory.limit_in_bytes", memory_bytes)
        _write_if_there(directory / "memory.memsw.limit_in_bytes", memory_bytes)
    elif "memory" in place.controllers:
        _write(directory / "memory.max", memory_bytes)
        _write_if_there(directory / "memory.swap.max", 0)
    if "cpu" in place.controllers:
        # More than what holds further up is refused; then that holds.
        with _except_for(errno.EINVAL):
            if place.version == 1:
                _write(directory / "cpu.cfs_period_us", _PERIOD_US)
                _write(directory / "cpu.cfs_quota_us", quota_us)
            else:
                _write(directory / "cpu.max", f"{quota_us} {_PERIOD_US}")
    if "pids" in place.controllers:
        _write(directory / "pids.max", PIDS_LIMIT)


def _own_groups(proc: Path) -> dict[str, str]:
    """The agent's own groups: path by controllers, those of version 2 under no name."""
    found: dict[str, str] = {}
    for line in (proc / "self/cgroup").read_text(encoding="utf-8").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        found[controllers] = path
    return found


def _within(root: Path, path: str) -> Path:
    """Where a group is below a mount point; a container may see its own group mounted as the root."""
    directory = root / path.lstrip("/")
    while directory != root and not directory.is_dir():
        directory = directory.parent
    return directory


def _processes(directory: Path) -> list[int]:
    return [int(word) for word in _words(directory / "cgroup.procs") if word.isdigit() and word != "0"]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _table(path: Path) -> dict[str, int]:
    words = _words(path)
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=False) if value.isdigit()}


def _number(path: Path) -> int:
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else 0


def _write(path: Path, value: int | str) -> None:
    path.write_text(str(value), encoding="ascii")


def _write_if_there(path: Path, value: int) -> None:
    if path.exists():
        _write(path, value)


@contextlib.contextmanager
def _except_for(number: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != number:
            raise
