"""Where control groups are found and what is written there, on trees of plain files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lilac.agent.cgroups import LEAF, Groups, NoGroups, find

V1_KILLED = {"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}


class Machine:
    """A /proc and a /sys/fs/cgroup of plain files. The agent is this very process."""

    def __init__(self, root: Path) -> None:
        self.proc, self.sys_fs = root / "proc", root / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.sys_fs.mkdir()
        self._lines: list[str] = []

    def version_1(self, controllers: str, path: str = "/", *, mounted_as: str | None = None) -> Path:
        directory = self.sys_fs / (mounted_as or controllers) / path.lstrip("/")
        directory.mkdir(parents=True)
        self._tell(f"{len(self._lines) + 1}:{controllers}:{path}")
        return directory

    def version_2(
        self, path: str = "/", *, mount: str = "", controllers: str = "cpu memory pids io", processes: str = ""
    ) -> Path:
        root = self.sys_fs / mount
        directory = root / path.lstrip("/")
        directory.mkdir(parents=True, exist_ok=True)
        (root / "cgroup.controllers").write_text(controllers)
        inner = directory
        while True:
            (inner / "cgroup.controllers").write_text(controllers)
            (inner / "cgroup.type").write_text("domain")
            if inner == root:
                break
            inner = inner.parent
        (directory / "cgroup.procs").write_text(processes)
        self._tell(f"0::{path}")
        return directory

    def process(self, pid: int, parent: int) -> None:
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "stat").write_text(f"{pid} (a) S {parent} 1 1 0")

    def find(self) -> Groups:
        return find("n1", proc=self.proc, sys_fs=self.sys_fs)

    def _tell(self, line: str) -> None:
        self._lines.append(line)
        (self.proc / "self/cgroup").write_text("\n".join(self._lines) + "\n")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_version_1_has_a_directory_in_each_hierarchy(machine: Machine) -> None:
    for name in ("memory", "cpu", "pids", "blkio"):
        machine.version_1(name)
    groups = machine.find()
    (machine.sys_fs / "memory/lilac-n1/a").mkdir()
    (machine.sys_fs / "memory/lilac-n1/a/memory.memsw.limit_in_bytes").touch()
    group = groups.make("a", memory_mb=64, cpu_millicores=1500)
    assert group.directories == tuple(machine.sys_fs / name / "lilac-n1/a" for name in ("memory", "cpu", "pids"))
    written = {path.name: path.read_text() for each in group.directories for path in each.iterdir()}
    assert written == {
        "memory.limit_in_bytes": str(64 << 20),
        "memory.memsw.limit_in_bytes": str(64 << 20),
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "150000",
        "pids.max": "16384",
    }
    assert groups.are_complete


def test_groups_are_made_below_the_agents_own(machine: Machine) -> None:
    own = [machine.version_1(name, f"/system.slice/{name}-a") for name in ("memory", "cpu", "pids")]
    assert machine.find().directories == [directory / "lilac-n1" for directory in own]


def test_controllers_that_share_a_hierarchy_share_a_directory(machine: Machine) -> None:
    machine.version_1("cpu,cpuacct", mounted_as="cpu,cpuacct")
    machine.version_1("memory", "/x")
    groups = machine.find()
    assert groups.directories == [machine.sys_fs / "cpu,cpuacct/lilac-n1", machine.sys_fs / "memory/x/lilac-n1"]
    assert groups.limits == {"memory", "cpu"}
    assert not groups.are_complete


def test_a_path_that_a_container_does_not_see_means_its_root(machine: Machine) -> None:
    for name in ("memory", "cpu", "pids"):
        (machine.sys_fs / name).mkdir()
    (machine.proc / "self/cgroup").write_text("3:memory:/docker/abc\n2:cpu:/docker/abc\n1:pids:/docker/abc\n")
    assert machine.find().directories[0] == machine.sys_fs / "memory/lilac-n1"


def test_version_2_moves_the_agent_aside_and_hands_controllers_on(machine: Machine) -> None:
    own = machine.version_2("/run.scope", processes=f"{os.getpid()}\n4711\n")
    machine.process(4711, os.getpid())
    groups = machine.find()
    assert (own / LEAF / "cgroup.procs").read_text() in (str(os.getpid()), "4711")
    assert (own / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (own / "lilac-n1/cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    group = groups.make("a", memory_mb=1, cpu_millicores=250)
    written = {path.name: path.read_text() for path in group.directories[0].iterdir()}
    assert written == {"memory.max": str(6 << 20), "cpu.max": "25000 100000", "pids.max": "16384"}


def test_version_2_is_ready_where_systemd_has_made_the_agents_group(machine: Machine) -> None:
    own = machine.version_2(f"/system.slice/lilac-agent.service/{LEAF}", processes=str(os.getpid()))
    assert machine.find().directories == [own.parent / "lilac-n1"]
    assert (own / "cgroup.procs").read_text() == str(os.getpid())


def test_a_service_whose_processes_would_be_in_the_way_of_its_next_start_is_left_alone(machine: Machine) -> None:
    own = machine.version_2("/system.slice/lilac-agent.service", processes=str(os.getpid()))
    with pytest.raises(NoGroups, match=f"DelegateSubgroup={LEAF}"):
        machine.find()
    assert not (own / LEAF).exists()


def test_processes_of_others_are_not_moved(machine: Machine) -> None:
    machine.version_2("/user.slice/session-3.scope", processes=f"{os.getpid()}\n4711\n")
    machine.process(4711, 1)
    with pytest.raises(NoGroups, match="Others share"):
        machine.find()


def test_in_a_container_everything_is_moved_aside(machine: Machine) -> None:
    own = machine.version_2("/", processes="1\n")
    machine.process(1, 0)
    assert machine.find().directories == [own / "lilac-n1"]
    assert (own / LEAF / "cgroup.procs").read_text() == "1"


def test_a_hybrid_machine_has_each_controller_where_it_is(machine: Machine) -> None:
    machine.version_1("memory")
    machine.version_2("/", mount="unified", controllers="cpu pids", processes="1")
    groups = machine.find()
    assert groups.directories == [machine.sys_fs / "memory/lilac-n1", machine.sys_fs / "unified/lilac-n1"]
    assert groups.are_complete


def test_a_hierarchy_of_version_2_without_controllers_is_not_used(machine: Machine) -> None:
    for name in ("memory", "cpu", "pids"):
        machine.version_1(name)
    machine.version_2("/", mount="unified", controllers="hugetlb", processes="1")
    assert len(machine.find().directories) == 3


def test_without_a_limit_on_memory_there_are_no_groups(machine: Machine) -> None:
    machine.version_1("cpu")
    with pytest.raises(NoGroups, match="memory"):
        machine.find()


def test_what_cannot_be_written_is_told(machine: Machine) -> None:
    own = machine.version_1("memory")
    own.rmdir()
    own.symlink_to("/proc/self/fdinfo")  # where nobody can make a directory, whoever asks
    with pytest.raises(NoGroups, match="cannot be made"):
        machine.find()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"memory.events": "low 0\nmax 9\noom 1\noom_kill 1\n"}, True),
        ({"memory.events": "low 0\nmax 0\noom 0\noom_kill 1\n"}, False),  # the machine had no memory left
        ({"memory.events": "low 0\nmax 9\noom 1\noom_kill 0\n"}, False),
        (V1_KILLED | {"memory.max_usage_in_bytes": str(63 << 20)}, True),
        (
            V1_KILLED | {"memory.max_usage_in_bytes": str(30 << 20), "memory.memsw.max_usage_in_bytes": str(64 << 20)},
            True,
        ),
        (V1_KILLED | {"memory.max_usage_in_bytes": str(30 << 20)}, False),
        ({"memory.oom_control": "oom_kill 0\n", "memory.max_usage_in_bytes": str(64 << 20)}, False),
        ({}, False),
    ],
)
def test_out_of_memory_is_read_from_the_counters(machine: Machine, files: dict[str, str], told: bool) -> None:
    machine.version_1("memory")
    group = machine.find().make("a", memory_mb=64, cpu_millicores=100)
    for name, text in files.items():
        (group.directories[0] / name).write_text(text)
    assert group.ran_out_of_memory() is told
