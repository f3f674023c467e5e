"""The leases of exclusive replicas: how long each may run on without the control plane.

A lease begins when a report was sent that the control plane answered; so the agent never believes in a contact that is
later than what the control plane saw. Its end is kept in the replica's directory, where the guardian reads it, in
seconds of the boot clock, which goes on while processes are stopped and machines sleep.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from lilac.agent import guardian
from lilac.agent.guardian import boot_clock, read_lease, start_ticks
from lilac.agent.journal import Entry, boot_id

log = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 3
"""How often a lease is renewed in its time, when all is well."""


class Leases:
    """The last contact, and the guardians of this life of the agent."""

    def __init__(self) -> None:
        self._contact_at = 0.0
        self._guardians: dict[Path, int] = {}

    def contacted(self, sent_at: float) -> None:
        """The control plane answered a report that was sent at this time of the boot clock."""
        self._contact_at = max(self._contact_at, sent_at)

    def renew(self, entry: Entry) -> None:
        """Let the replica run for its lease from the last contact on; never after it was over."""
        until = self._contact_at + entry.assignment.lease_s
        if self._contact_at and until > read_lease(entry.directory):
            temporary = entry.path(".lease")
            with open(os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
                file.write(f"{until:.3f}\n")
            temporary.replace(entry.path("lease"))

    def left_s(self, entry: Entry) -> float:
        """How long the replica may still run; not above 0 when the lease is over or nothing is known of it."""
        if entry.boot_id != boot_id():
            return 0.0
        return read_lease(entry.directory) - boot_clock()

    def guard(self, entry: Entry, target: Mapping[str, Any]) -> None:
        """Have a guardian for the replica, a new one unless an earlier life of the agent left one that lives."""
        if self._has_guardian(entry):
            return
        path = entry.path("guardian.json")
        config = {**target, "grace_s": entry.assignment.grace_s, "stop_signal": entry.assignment.stop_signal}
        with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(orjson.dumps(config))
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", guardian.__file__, str(entry.directory)],
            {"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
            file_actions=[(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
        )
        self._guardians[entry.directory] = pid
        entry.write_json("guardian_pid.json", {"pid": pid, "ticks": start_ticks(pid)})

    def reap(self, entry: Entry) -> None:
        """The replica is gone for good: let its guardian go."""
        pid = self._guardians.pop(entry.directory, None)
        if pid is not None:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def _has_guardian(self, entry: Entry) -> bool:
        known = entry.read_json("guardian_pid.json")
        return known is not None and known.get("ticks") is not None and start_ticks(int(known["pid"])) == known["ticks"]
