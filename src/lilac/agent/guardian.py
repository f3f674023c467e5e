"""A small process beside each exclusive replica that ends it when its lease is over, whatever became of the agent.

The agent moves the end of the lease (`lease`, in seconds of the machine's boot clock) further with every contact to
the control plane. A killed or stopped agent moves it no more, so the guardian asks the replica to end when the lease is
over and kills it before lease and grace period are over; at once when the replica's directory goes away.

It is started by file name, uses the standard library only, and talks to nobody but the kernel and, for a container, the
engine; where the engine does not answer it kills the container's first process. Its limits: a guardian that is killed
or stopped itself guards nothing (it asks the kernel not to be chosen when memory is short), and a machine whose clock
stands still, such as a suspended virtual one, notices only when it runs on.

It polls, on purpose: whatever could wake it could also fail to.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOK_EVERY_S = 0.5
ENGINE_PATIENCE_S = 2.0
STOP_REASON_IN_CONTAINER = "/run/lilac/stop_reason"
KILL_EARLY_S = 0.5
"""So much before the end of the grace period it kills, so that the replica is gone when it is over."""


def boot_clock() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def guard(directory: Path) -> None:
    """Wait until the replica has ended or its lease is over; then end it."""
    config: dict[str, Any] = json.loads((directory / "guardian.json").read_text())
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("-1000")
    target = Container(config) if config["kind"] == "container" else Processes(config)
    while True:
        if (directory / "result.json").exists() or not target.may_live():
            return
        deadline = read_lease(directory)
        left = deadline - boot_clock()
        if left <= 0:
            break
        time.sleep(min(left, LOOK_EVERY_S))
    grace_s = max(0.0, float(config["grace_s"]) - KILL_EARLY_S) if deadline else 0.0
    if deadline and mark(directory):
        if grace_s > 2 * ENGINE_PATIENCE_S:  # an engine that hangs must not cost the signal its time
            target.tell("lease")
        target.send(config["stop_signal"])
    while target.lives() and boot_clock() < deadline + grace_s:
        time.sleep(0.05)
    while target.lives():
        target.send("SIGKILL")
        time.sleep(0.2)


def read_lease(directory: Path) -> float:
    """When the lease ends; 0 where that cannot be known any more."""
    try:
        return float((directory / "lease").read_text())
    except (OSError, ValueError):
        return 0.0


def mark(directory: Path) -> bool:
    """Note that the replica is being stopped; False if the agent has begun to stop it before."""
    try:
        os.close(os.open(directory / "stop", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        (directory / "stop_reason").write_text("lease\n")
    except OSError:
        return False
    return True


class Processes:
    """A replica of the process runtime: its process group, its control group, and what carries its variables."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._group = int(config["pid"])
        self._marks = {mark.encode() for mark in config["marks"]}
        self._directories = [Path(each) for each in config.get("groups") or ()]

    def may_live(self) -> bool:
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return self.lives()
        except PermissionError:
            return True
        return True

    def lives(self) -> bool:
        return bool(self._members())

    def tell(self, reason: str) -> None:
        """It reads the reason in its directory, where `mark` has put it."""

    def send(self, name: str) -> None:
        number = signal.Signals[name]
        if number is not signal.SIGKILL:
            with contextlib.suppress(OSError):
                os.killpg(self._group, number)
            return
        for pid in self._members():
            with contextlib.suppress(OSError):
                os.kill(pid, number)

    def _members(self) -> list[int]:
        found: list[int] = []
        inside = set(processes_below(self._directories))
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if stat[0] in "ZX":
                    continue
                mine = int(stat[2]) == self._group or int(stat[3]) == self._group or int(entry.name) in inside
                if mine or self._marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    found.append(int(entry.name))
        return found


class Container:
    """A replica in a container, by the engine and by the number of its first process."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._id = str(config["container"])
        self._host = str(config["host"])
        self._pid = int(config["pid"])
        self._ticks = config["ticks"]

    def may_live(self) -> bool:
        return self._ticks is None or start_ticks(self._pid) == self._ticks

    def lives(self) -> bool:
        if self._ticks is not None:
            return start_ticks(self._pid) == self._ticks
        status, body = self._ask("GET", "json")
        return status == 200 and bool(json.loads(body)["State"]["Running"]) if status else True

    def tell(self, reason: str) -> None:
        """Put the reason into the container."""
        self._ask("PUT", "archive?path=/", stop_reason_archive(reason))

    def send(self, name: str) -> None:
        status, _ = self._ask("POST", f"kill?signal={name}")
        if status == 0 and self._ticks is not None and start_ticks(self._pid) == self._ticks:
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.Signals[name])

    def _ask(self, method: str, what: str, sent: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the engine's answer; status 0 where it does not answer."""
        parts = urlsplit(self._host)
        host, port = parts.hostname or "localhost", parts.port or 2375
        connection = http.client.HTTPConnection(host, port, timeout=ENGINE_PATIENCE_S)
        try:
            if parts.scheme == "unix":
                connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.sock.settimeout(ENGINE_PATIENCE_S)
                connection.sock.connect(parts.path)
            kind = {} if sent is None else {"Content-Type": "application/x-tar"}
            connection.request(method, f"/containers/{self._id}/{what}", sent, kind)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


def stop_reason_archive(reason: str) -> bytes:
    """A tar archive that, unpacked at a container's root, tells anybody in it why it is stopped, in one word."""
    content = f"{reason}\n".encode("ascii", "replace")
    path = STOP_REASON_IN_CONTAINER.lstrip("/")
    directory, member = tarfile.TarInfo(path.rpartition("/")[0]), tarfile.TarInfo(path)
    directory.type, directory.mode = tarfile.DIRTYPE, 0o755
    member.size, member.mode = len(content), 0o444
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(directory)
        tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def processes_below(directories: Iterable[Path]) -> Iterator[int]:
    """The processes of control groups, and of all groups within them."""
    for directory in directories:
        for inner, _, _ in os.walk(directory):
            try:
                words = Path(inner, "cgroup.procs").read_text().split()
            except OSError:  # it is going away
                continue
            yield from (int(word) for word in words if word.isdigit() and word != "0")


def start_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks; None if there is none or it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if stat[0] in "ZX" else int(stat[19])
    except (OSError, ValueError, IndexError):
        return None


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
