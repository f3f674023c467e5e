"""What the agent must remember over its own death: one directory per replica.

    state_dir/replicas/<job>.<attempt>.<rank>/
        replica.json   the assignment, written and synced before anything starts
        output         the output so far (process: written by the replica itself; Docker: by the agent)
        pid            process: the shim's line of /proc/<pid>/stat, written by the shim
        exit           process: the exit code and a newline, written by the shim
        stop           there once the agent has sent the polite signal
        cursor         Docker: how far the engine's log has been copied into `output`
        cut            process: from where on `output` was dropped, because too much of it waited (see `spool`)
        starting       Docker: there once the container may have been started
        progress.json  the times of a running replica, where other files do not tell them
        result.json    the end as it is reported, once it is known
        secrets.json   the values of its secrets by name, which masking needs until the output is shipped
        secrets/       process: its secret files, until it has ended
        stop_reason    why it was stopped, in one word
        work/          process: the working directory, where the job named none

Directories have mode 0700 and files 0600: assignments hold the job's environment. Secrets are never in `replica.json`;
`secrets.json` goes away with the directory, when the output of the ended replica is shipped.

Only `replica.json` is synced to disk. The others survive the agent but not the machine, and nor do the replicas.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lilac.agent.wire import Assignment, assignment_to_json, parse_assignment
from lilac.model.errors import Conflict
from lilac.model.ids import ReplicaKey

SECRETS = "secrets.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One replica's place in the journal."""

    assignment: Assignment
    directory: Path
    received_at: float
    boot_id: str

    @property
    def key(self) -> ReplicaKey:
        return self.assignment.key

    @property
    def output(self) -> Path:
        return self.directory / "output"

    def path(self, name: str) -> Path:
        return self.directory / name

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return what `write_json` left under this name, or None; half a file counts as none."""
        try:
            document = orjson.loads(self.path(name).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return document if isinstance(document, dict) else None

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Replace a file in one step."""
        _write(self.directory, name, orjson.dumps(document), sync=False)

    def mark(self, name: str) -> None:
        """Leave an empty file as a mark; its presence is what counts."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    def marked(self, name: str) -> bool:
        return self.path(name).exists()


class Journal:
    """The replicas that this agent has taken on. Blocking: the calls are short, but belong into a thread where
    many come at once."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._replicas = state_dir / "replicas"
        self._lock: int | None = None
        self._boot_id = boot_id()

    def open(self) -> None:
        """Make the directories and take the lock; `Conflict` if another agent works on this state."""
        for directory in (self._state_dir, self._replicas):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._state_dir / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Conflict(
                f"Another agent is running on {self._state_dir}. Stop it first, or give this one its own "
                "LILAC_AGENT_STATE_DIR."
            ) from None
        self._lock = lock

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def note(
        self,
        assignments: Iterable[Assignment],
        received_at: float,
        secrets: Mapping[ReplicaKey, Mapping[str, str]] | None = None,
    ) -> list[Entry]:
        """Write these assignments down, durably, and return their entries."""
        values = secrets or {}
        entries = [self._note(each, received_at, values.get(each.key)) for each in assignments]
        if entries:
            _sync_directory(self._replicas)
        return entries

    def entries(self) -> list[Entry]:
        """Return what the journal holds; remove directories that never got as far as an assignment."""
        found: list[Entry] = []
        for directory in sorted(self._replicas.iterdir()):
            entry = self._read(directory)
            if entry is not None:
                found.append(entry)
            elif directory.is_dir():
                shutil.rmtree(directory, ignore_errors=True)
        return found

    def remove(self, entry: Entry) -> None:
        """Forget a replica. The assignment goes first, so that a half-removed directory means nothing."""
        entry.path("replica.json").unlink(missing_ok=True)
        shutil.rmtree(entry.directory, ignore_errors=True)

    def _note(self, assignment: Assignment, received_at: float, secrets: Mapping[str, str] | None) -> Entry:
        key = assignment.key
        directory = self._replicas / f"{key.job_id}.{key.attempt}.{key.rank}"
        directory.mkdir(mode=0o700, exist_ok=True)
        if secrets:
            _write(directory, SECRETS, orjson.dumps(dict(secrets)), sync=False)
        document = {
            "version": 1,
            "assignment": assignment_to_json(assignment),
            "received_at": received_at,
            "boot_id": self._boot_id,
        }
        _write(directory, "replica.json", orjson.dumps(document), sync=True)
        return Entry(assignment, directory, received_at, self._boot_id)

    def _read(self, directory: Path) -> Entry | None:
        try:
            document = orjson.loads((directory / "replica.json").read_bytes())
            return Entry(
                parse_assignment(document["assignment"]),
                directory,
                float(document["received_at"]),
                str(document["boot_id"]),
            )
        except (OSError, KeyError, TypeError, ValueError):
            return None


def boot_id() -> str:
    """Return a name of this life of the machine; process numbers mean nothing beyond it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _write(directory: Path, name: str, data: bytes, *, sync: bool) -> None:
    temporary = directory / f".{name}"
    handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        os.write(handle, data)
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(directory / name)
    if sync:
        _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
