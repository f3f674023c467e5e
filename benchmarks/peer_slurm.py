"""Slurm, measured like the platform: Debian's packages, controller and one node of 64 slots on this machine.

Twice: as it comes, and tuned as its guide for high throughput says. Needs root; everything lives in a temporary
directory and listens on free ports of this machine.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures import NotHere, Section
from tests.fixtures.ports import free_port

INSTALL = "install the Debian packages slurmctld, slurmd, slurm-client, munge and slurm-wlm-basic-plugins"
SLOTS = 64
JOBS = 1000
SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"
TUNED = """\
SchedulerParameters=defer,batch_sched_delay=1,sched_min_interval=50000,default_queue_depth=10000,bf_interval=10
MinJobAge=10
JobRequeue=0
SlurmctldDebug=error
SlurmdDebug=error
"""
CONFIG = """\
ClusterName=bench
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
CredType=cred/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
MaxJobCount=100000
{more}NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={node} CPUs={slots} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def as_it_comes(section: Section) -> None:
    """With the configuration of a fresh installation."""
    _measure(section, "", idle_trials=8)


def tuned(section: Section) -> None:
    """With the settings of its guide for high throughput."""
    _measure(section, TUNED, idle_trials=15)


def _measure(section: Section, more: str, idle_trials: int) -> None:
    if missing := [p for p in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(p, path=SEARCH)]:
        raise NotHere(f"no {missing[0]} on this machine: {INSTALL}")
    if os.geteuid() != 0:
        raise NotHere("starting Slurm's daemons needs root")
    with _running(more) as slurm:
        section.spread("idle.first_instruction", slurm.idle(idle_trials), "sbatch called → the job's own clock")
        slurm.close()
        rates = [slurm.submit(150, clients=1), slurm.submit(400, clients=8)]
        section.rate("submit.1_client", rates[:1], "sbatch, one after the other")
        section.rate("submit.8_clients", rates[1:], "sbatch, eight at a time")
        slurm.submit(JOBS - 550, clients=8)
        section.rate("drain.1000", [slurm.drain(JOBS)], f"{SLOTS} slots")
        section.notes.append(slurm.run("slurmctld", "-V").strip())


class Slurm:
    """A controller and a node in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {"PATH": SEARCH, "SLURM_CONF": str(home / "slurm.conf"), "LC_ALL": "C", "HOME": str(home)}
        (home / "true.sh").write_text("#!/bin/sh\ntrue\n")
        (home / "stamp.sh").write_text(f"#!/bin/sh\ndate +%s.%N > {home}/stamps/$SLURM_JOB_ID\n")

    def run(self, *command: str) -> str:
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=True, timeout=60).stdout

    def idle(self, trials: int) -> list[float]:
        """From calling sbatch to the job's first instruction, seconds."""
        spans: list[float] = []
        for _ in range(trials):
            sent = time.time()
            job = self.run("sbatch", "--parsable", "-o", "/dev/null", f"{self.home}/stamp.sh").strip()
            stamp = self.home / "stamps" / job
            _until(lambda stamp=stamp: stamp.exists() and stamp.read_text().endswith("\n"), 60, "a job to start")
            spans.append(float(stamp.read_text()) - sent)
            _until(lambda: not self.run("squeue", "-h").strip(), 60, "an empty queue")
        return spans

    def close(self) -> None:
        """Accept jobs, start none."""
        self.run("scontrol", "update", "partitionname=main", "state=down")

    def submit(self, jobs: int, clients: int) -> float:
        """Jobs a second, by so many shells at a time."""
        loop = f"i=0; while [ $i -lt {jobs // clients} ]; do sbatch -Q -o /dev/null {self.home}/true.sh || exit 1; "
        loop += "i=$((i+1)); done >/dev/null"
        began = time.monotonic()
        shells = [subprocess.Popen(["sh", "-c", loop], env=self.env) for _ in range(clients)]
        if any(shell.wait(300) for shell in shells):
            raise RuntimeError("sbatch failed")
        return jobs // clients * clients / (time.monotonic() - began)

    def drain(self, jobs: int) -> float:
        """Let the queue go; jobs a second until nothing is left."""
        before = self._ended()
        waiting = len(self.run("squeue", "-h", "-o", "%i").split())
        began = time.monotonic()
        self.run("scontrol", "update", "partitionname=main", "state=up")
        _until(lambda: self._ended() - before >= waiting, 180, f"the drain of {jobs}")
        return waiting / (time.monotonic() - began)

    def _ended(self) -> int:
        report = self.run("sdiag")
        return sum(int(n) for n in re.findall(r"Jobs (?:completed|failed):\s*(\d+)", report))


@contextlib.contextmanager
def _running(more: str) -> Iterator[Slurm]:
    home = Path(tempfile.mkdtemp(prefix="lilac-bench-slurm-", dir="/tmp"))
    home.chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []
    for name in ("munge", "state", "spool", "stamps"):
        (home / name).mkdir()
    (home / "munge").chmod(0o711)
    controller = free_port()
    config = CONFIG.format(home=home, controller=controller, node=free_port(), slots=SLOTS, more=more)
    (home / "slurm.conf").write_text(config)
    (home / "munge" / "key").write_bytes(secrets.token_bytes(128))
    (home / "munge" / "key").chmod(0o400)
    slurm = Slurm(home)

    def start(*command: str) -> None:
        with (home / "daemons.out").open("ab") as out:
            process = subprocess.Popen(command, env=slurm.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            started.append(process)

    try:
        munge = {name: f"--{name}={home}/munge/{name.split('-')[0]}" for name in ("socket", "key-file", "pid-file")}
        start("munged", "-F", *munge.values(), f"--log-file={home}/munge/log", f"--seed-file={home}/munge/seed")
        _until(lambda: (home / "munge" / "socket").exists(), 20, "munged")
        start("slurmctld", "-D", "-i")
        start("slurmd", "-D", "-N", "n1")
        _until(lambda: _idle_nodes(slurm) == 1, 60, "slurmd to be registered")
        yield slurm
    finally:
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _idle_nodes(slurm: Slurm) -> int:
    with contextlib.suppress(subprocess.CalledProcessError):
        return slurm.run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").count("\n")
    return 0


def _until(condition: Callable[[], object], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.01)
