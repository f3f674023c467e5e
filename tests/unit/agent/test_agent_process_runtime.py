"""The process runtime and its shim, against real processes of a moment."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lilac.agent.journal import Entry, Journal
from lilac.agent.process_runtime import ProcessRuntime
from lilac.agent.runtime import End, StartFailure
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.errors import Conflict
from lilac.model.ids import JobId, ReplicaKey


class Seen:
    """An observer that waits for ends."""

    def __init__(self) -> None:
        self.ends: dict[ReplicaKey, asyncio.Future[End]] = {}

    def end(self, entry: Entry) -> asyncio.Future[End]:
        return self.ends.setdefault(entry.key, asyncio.get_running_loop().create_future())

    def progressed(self, key: ReplicaKey, *, message: str | None = None, **times: float) -> None: ...

    def ended(self, key: ReplicaKey, end: End) -> None:
        self.ends.setdefault(key, asyncio.get_running_loop().create_future()).set_result(end)

    def wrote(self, key: ReplicaKey) -> None: ...

    def has_room(self, key: ReplicaKey) -> bool:
        return True


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    journal = Journal(tmp_path / "state")
    journal.open()
    yield journal
    journal.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def runtime(seen: Seen) -> AsyncIterator[ProcessRuntime]:
    runtime = ProcessRuntime()
    await runtime.open(seen)
    yield runtime
    await runtime.close()


def noted(journal: Journal, *command: str, job: str = "j", **fields: Any) -> Entry:
    assignment = Assignment(key=ReplicaKey(JobId(job), 1, 0), runtime=RuntimeName.PROCESS, command=command, **fields)
    return journal.note([assignment], time.time())[0]


async def ended(seen: Seen, entry: Entry) -> End:
    return await asyncio.wait_for(seen.end(entry), 10)


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("exit 255", 255)],
)
async def test_the_shim_writes_the_code(
    journal: Journal, runtime: ProcessRuntime, seen: Seen, script: str, code: int
) -> None:
    entry = noted(journal, "sh", "-c", script)
    await runtime.start(entry)
    assert (await ended(seen, entry)).exit_code == code
    assert entry.path("exit").read_text() == f"{code}\n"


async def test_the_shim_outlives_the_polite_signal_and_the_command_gets_it(
    journal: Journal, runtime: ProcessRuntime, seen: Seen
) -> None:
    entry = noted(journal, "sleep", "100")
    await runtime.start(entry)
    await runtime.terminate(entry)  # at once: while the shim may still be on its way to the command
    assert (await ended(seen, entry)).exit_code == 143
    assert entry.path("exit").read_text() == "143\n"


async def test_the_command_has_the_default_handlers(journal: Journal, runtime: ProcessRuntime, seen: Seen) -> None:
    entry = noted(journal, "sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status")
    await runtime.start(entry)
    await ended(seen, entry)
    masks = [int(line.split()[1], 16) for line in entry.output.read_text().splitlines()]
    of_the_c_library = 1 << 31 | 1 << 32  # signals 32 and 33, which only it sees
    assert [mask & ~of_the_c_library for mask in masks] == [0, 0]


async def test_a_name_of_a_builtin_means_the_program(journal: Journal, runtime: ProcessRuntime, seen: Seen) -> None:
    entry = noted(journal, "echo", r"a\nb")
    await runtime.start(entry)
    await ended(seen, entry)
    assert entry.output.read_text() == "a\\nb\n"
    with pytest.raises(StartFailure, match="exit was not found") as raised:
        await runtime.start(noted(journal, "exit", "3", job="k"))
    assert raised.value.exit_code == 127


async def test_a_file_that_is_no_program_is_told(journal: Journal, runtime: ProcessRuntime, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with pytest.raises(StartFailure, match="not an executable") as raised:
        await runtime.start(noted(journal, str(tmp_path / "plain")))
    assert raised.value.exit_code == 126


async def test_the_working_directory_is_a_fresh_one_or_the_one_asked_for(
    journal: Journal, runtime: ProcessRuntime, seen: Seen, tmp_path: Path
) -> None:
    fresh, named = noted(journal, "pwd"), noted(journal, "pwd", job="k", working_dir=str(tmp_path))
    for entry in (fresh, named):
        await runtime.start(entry)
        await ended(seen, entry)
    assert fresh.output.read_text().strip() == str(fresh.path("work"))
    assert named.output.read_text().strip() == str(tmp_path)


async def test_nothing_of_a_replica_is_readable_by_others(
    journal: Journal, runtime: ProcessRuntime, seen: Seen
) -> None:
    entry = noted(journal, "true", env={"TOKEN": "x"})
    await runtime.start(entry)
    await ended(seen, entry)
    assert entry.directory.stat().st_mode & 0o077 == 0
    assert entry.path("replica.json").stat().st_mode & 0o077 == 0


async def test_adopting_what_never_started_says_so(journal: Journal, runtime: ProcessRuntime) -> None:
    assert await runtime.adopt(noted(journal, "true")) is None


async def test_adopting_over_a_restart_of_the_machine_ends_as_unknown(
    journal: Journal, runtime: ProcessRuntime, seen: Seen
) -> None:
    entry = replace(noted(journal, "true"), boot_id="another life")
    entry.output.touch()
    assert await runtime.adopt(entry) is not None
    end = await ended(seen, entry)
    assert end.exit_code is None
    assert "restarted" in (end.message or "")


async def test_a_process_number_that_means_somebody_else_is_not_adopted_nor_killed(
    journal: Journal, runtime: ProcessRuntime, seen: Seen
) -> None:
    entry = noted(journal, "true")
    entry.output.touch()
    stranger = await asyncio.create_subprocess_exec("sleep", "100", start_new_session=True)
    try:
        stat = Path(f"/proc/{stranger.pid}/stat").read_text()  # noqa: ASYNC240
        head, _, tail = stat.rpartition(")")
        words = tail.split()
        words[19] = str(int(words[19]) - 1)
        entry.path("pid").write_text(f"{head}) {' '.join(words)}\n")
        await runtime.adopt(entry)
        assert (await ended(seen, entry)).exit_code is None
        assert stranger.returncode is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        await stranger.wait()


def test_only_one_agent_works_on_a_state_directory(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="Another agent"):
        Journal(tmp_path / "state").open()


def test_the_journal_reads_back_what_it_noted_and_drops_halves(journal: Journal, tmp_path: Path) -> None:
    entry = noted(journal, "sh", "-c", "x", env={"A": "b"}, gpu_uuids=("GPU-1",), grace_s=3.0)
    half = tmp_path / "state" / "replicas" / "x.1.0"
    half.mkdir()
    (half / "replica.json").write_text('{"assignment": {')
    assert journal.entries() == [entry]
    assert not half.exists()
    journal.remove(entry)
    assert journal.entries() == []
