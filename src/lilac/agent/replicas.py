"""The replicas that this machine holds: carries out what `reconciling.decide` says, and knows how each one is.

Each active replica has one task from its assignment to its end: start, wait for its end or for the wish to stop it,
stop it politely and then for good. Replicas never end because the agent does: cancelling these tasks leaves everything
running for the next life of the agent to adopt.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from lilac.agent.backoff import Backoff
from lilac.agent.guardian import KILL_EARLY_S
from lilac.agent.journal import Entry, Journal
from lilac.agent.leases import RENEWALS_PER_LEASE, Leases
from lilac.agent.masking import Mask
from lilac.agent.reconciling import HeldView, Remove, Start, Stop, TellLost, TellStopped, decide
from lilac.agent.runtime import End, Runtime, StartFailure, end_sentence
from lilac.agent.secrets import mask_for
from lilac.agent.shipping import Shipper
from lilac.agent.wire import Assignment, Listed, Reply
from lilac.model.clusters import RuntimeName
from lilac.model.ids import ReplicaKey
from lilac.model.resources import Gpu
from lilac.model.states import FailureReason, ReplicaState, is_terminal

log = structlog.get_logger(__name__)

KILL_AGAIN_S = 5.0
ADOPTION_PATIENCE_S = 5.0

_STEPS = ("received", "pull_started", "pull_finished", "created", "started", "exited")
STEPS_BEFORE = {step: _STEPS[:place] for place, step in enumerate(_STEPS)}


class _Held:
    """One replica and everything that the agent knows of it."""

    def __init__(self, assignment: Assignment, entry: Entry | None) -> None:
        loop = asyncio.get_running_loop()
        self.assignment = assignment
        self.entry = entry
        self.state = ReplicaState.PREPARING
        self.exit_code: int | None = None
        self.reason: FailureReason | None = None
        self.message: str | None = None
        self.progress: Mapping[str, Any] | None = None
        self.times: dict[str, float] = {}
        self.ports: Mapping[str, Mapping[str, Any]] = {}
        self.stop_reason: str | None = None
        self.mask = Mask(())
        self.stop: asyncio.Future[None] = loop.create_future()
        self.settled: asyncio.Future[None] = loop.create_future()
        """Done when it is running or has ended."""
        self.end: asyncio.Future[End] = loop.create_future()
        self.shipped = False
        self.removing = False
        self.task: asyncio.Task[None] | None = None

    @property
    def key(self) -> ReplicaKey:
        return self.assignment.key

    @property
    def ended(self) -> bool:
        return is_terminal(self.state)

    def passed(self, step: str, at: float) -> None:
        """Note when a step was taken: never before the steps that went before it, whatever clock told that."""
        self.times[step] = max([at, *(self.times[earlier] for earlier in STEPS_BEFORE[step] if earlier in self.times)])

    def view(self) -> HeldView:
        return HeldView(ended=self.ended, stopping=self.stop.done(), shipped=self.shipped and not self.removing)

    def report(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "job_id": self.key.job_id,
            "attempt": self.key.attempt,
            "rank": self.key.rank,
            "state": str(self.state),
            "exit_code": self.exit_code,
            "reason": str(self.reason) if self.reason is not None else None,
            "message": self.mask.text(self.message),
            "times": self.times,
        }
        if self.progress is not None:
            told["progress"] = self.progress
        if self.ports:
            told["ports"] = self.ports
        return told


class Replicas:
    """All replicas of this machine. `changed` is called whenever there is something new to report."""

    def __init__(
        self,
        journal: Journal,
        runtimes: Mapping[RuntimeName, Runtime],
        *,
        changed: Callable[[], None],
        lost_gpus: Callable[[tuple[str, ...]], Awaitable[list[Gpu]]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._runtimes = runtimes
        self._changed = changed
        self._lost_gpus = lost_gpus
        self._clock = clock
        self._held: dict[ReplicaKey, _Held] = {}
        self._listed: Mapping[ReplicaKey, Listed] | None = None
        self._ensuring: set[ReplicaKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._released = asyncio.Condition()
        self.shipper: Shipper | None = None
        self.leases = Leases()

    # What the agent's life consists of

    async def adopt(self) -> None:
        """Take over what earlier lives of the agent left."""
        for entry in await asyncio.to_thread(self._journal.entries):
            held = self._hold(entry.assignment, entry)
            held.times["received"] = entry.received_at
            held.mask = mask_for(entry)
            result = entry.read_json("result.json")
            if result is not None and self._restore(held, result):
                continue
            progress = entry.read_json("progress.json")
            if progress is not None:  # it ran; whether it still does may take a while to find out
                held.state = ReplicaState.RUNNING
                held.times.update(progress)
            held.task = self._spawn(self._live(held, adopted=True))
        if self._held:
            await asyncio.wait([held.settled for held in self._held.values()], timeout=ADOPTION_PATIENCE_S)

    async def apply(self, reply: Reply, *, patience_s: float = 0.02) -> None:
        """Make the machine look like this list; waits a moment for what starts at once."""
        first = self._listed is None
        self._listed = reply.replicas
        if first:
            self._spawn(self._sweep(frozenset(reply.replicas)))
        started = await self._reconcile()
        if started:
            await asyncio.wait([held.settled for held in started], timeout=patience_s)

    def contacted(self, sent_at: float) -> None:
        """The control plane has answered: the leases of exclusive replicas count from here."""
        self.leases.contacted(sent_at)
        for held in self._held.values():
            if held.assignment.exclusive and held.entry is not None and not held.ended:
                self.leases.renew(held.entry)

    def longest_wait_s(self) -> float:
        """How long may pass until the next contact, so that no lease is in danger."""
        leases = [held.assignment.lease_s for held in self._held.values() if held.assignment.exclusive]
        return min(leases, default=math.inf) / RENEWALS_PER_LEASE

    def volumes(self) -> set[str]:
        """The named volumes of everything that is held, also of what has ended and is not removed yet."""
        mounts = (volume for held in self._held.values() for volume in held.assignment.volumes)
        return {volume.volume_id for volume in mounts if volume.volume_id is not None}

    def reports(self) -> list[dict[str, Any]]:
        """Return the state of every held replica, as the wire has it."""
        return [held.report() for held in self._held.values()]

    def all_running(self) -> list[tuple[Runtime, Entry]]:
        """Everything that runs now, with what runs it."""
        return [
            (self._runtimes[held.assignment.runtime], held.entry)
            for held in self._held.values()
            if held.entry is not None
            and held.state is ReplicaState.RUNNING
            and held.assignment.runtime in self._runtimes
        ]

    def running(self, key: ReplicaKey) -> tuple[Runtime, Entry, asyncio.Future[End]] | None:
        """What runs this replica, and the future of its end; None if it does not run or is to stop."""
        held = self._held.get(key)
        if held is None or held.entry is None or held.state is not ReplicaState.RUNNING or held.stop.done():
            return None
        runtime = self._runtimes.get(held.assignment.runtime)
        return None if runtime is None else (runtime, held.entry, held.end)

    def shipped(self, key: ReplicaKey) -> None:
        """The output of this replica has been stored to its end."""
        held = self._held.get(key)
        if held is not None:
            held.shipped = True
            self._reconcile_soon()

    async def close(self) -> None:
        """Stop watching; what runs goes on running."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What the runtimes tell

    def progressed(
        self,
        key: ReplicaKey,
        *,
        message: str | None = None,
        progress: Mapping[str, Any] | None = None,
        **times: float,
    ) -> None:
        held = self._held.get(key)
        if held is None or held.ended:
            return
        for step, at in times.items():
            held.passed(step, at)
        held.message, held.progress = message, progress
        self._changed()

    def published(self, key: ReplicaKey, ports: Mapping[str, Mapping[str, Any]]) -> None:
        held = self._held.get(key)
        if held is not None and held.ports != ports:
            held.ports = ports
            self._changed()

    def ended(self, key: ReplicaKey, end: End) -> None:
        held = self._held.get(key)
        if held is not None and not held.end.done():
            held.end.set_result(end)

    def wrote(self, key: ReplicaKey) -> None:
        if self.shipper is not None:
            self.shipper.wrote(key)

    def has_room(self, key: ReplicaKey) -> bool:
        return self.shipper is None or self.shipper.has_room(key)

    # How it is done

    async def _reconcile(self) -> list[_Held]:
        if self._listed is None:
            return []
        starts: list[Assignment] = []
        for action in decide(self._listed, {key: held.view() for key, held in self._held.items()}):
            match action:
                case Start(assignment):
                    starts.append(assignment)
                case TellLost(assignment) if assignment.exclusive and assignment.key not in self._ensuring:
                    self._ensuring.add(assignment.key)
                    self._spawn(self._tell_certainly_lost(assignment))
                case TellLost(assignment) if not assignment.exclusive:
                    self._ghost(
                        assignment,
                        ReplicaState.LOST,
                        FailureReason.VANISHED,
                        "The node does not hold this replica, and it may have run already.",
                    )
                case TellStopped(assignment):
                    self._ghost(assignment, ReplicaState.STOPPED, None, "It had not been started.")
                case Stop(key):
                    listed = self._listed.get(key)
                    self._held[key].stop_reason = listed.stop_reason if listed is not None else "replaced"
                    log.info("stopping", replica=str(key), reason=self._held[key].stop_reason)
                    self._held[key].stop.set_result(None)
                case Remove(key):
                    self._held[key].removing = True
                    self._spawn(self._remove(self._held[key]))
        return await self._begin(starts)

    async def _sweep(self, listed: frozenset[ReplicaKey]) -> None:
        """Once, after the first list: have what neither the journal nor the control plane knows removed."""
        for runtime in self._runtimes.values():
            backoff = Backoff()
            while True:
                try:
                    await runtime.sweep(lambda key: key in listed or key in self._held)
                    break
                except Exception as error:
                    log.info("looking for what is left over is tried again", why=str(error))
                    await asyncio.sleep(backoff.next_s())

    def _reconcile_soon(self) -> None:
        """For changes that can only lead to stops and removals."""
        if self._listed is None:
            return
        for action in decide(self._listed, {key: held.view() for key, held in self._held.items()}):
            if isinstance(action, Remove):
                self._held[action.key].removing = True
                self._spawn(self._remove(self._held[action.key]))

    async def _begin(self, starts: list[Assignment]) -> list[_Held]:
        if not starts:
            return []
        received_at = self._clock()
        # Held before the journal is written, so that nothing decided meanwhile starts them twice.
        begun = [self._hold(assignment, None) for assignment in starts]
        try:
            values = {key: item.secret_values for key, item in (self._listed or {}).items() if item.secret_values}
            entries = await asyncio.to_thread(self._journal.note, starts, received_at, values)
        except OSError as error:
            log.error("the journal cannot be written", why=str(error))
            for held in begun:
                message = f"The agent cannot write its journal: {error}."
                self._finish(held, ReplicaState.FAILED, None, FailureReason.ENGINE, message)
                held.shipped = True
            return begun
        for held, entry in zip(begun, entries, strict=True):
            held.entry = entry
            held.mask = mask_for(entry)
            held.times["received"] = received_at
            held.task = self._spawn(self._live(held, adopted=False))
        return begun

    def _hold(self, assignment: Assignment, entry: Entry | None) -> _Held:
        held = _Held(assignment, entry)
        self._held[assignment.key] = held
        self._changed()
        return held

    def _ghost(self, assignment: Assignment, state: ReplicaState, reason: FailureReason | None, message: str) -> None:
        """A replica that is not here, and only held to say so."""
        held = self._hold(assignment, None)
        held.state, held.reason, held.message, held.shipped = state, reason, message, True
        held.settled.set_result(None)
        log.info("not here", replica=str(held.key), state=str(state))

    async def _tell_certainly_lost(self, assignment: Assignment) -> None:
        """Say that an exclusive replica is not here only after making sure of it."""
        try:
            runtime = self._runtimes.get(assignment.runtime)
            if runtime is not None:
                await runtime.end_all_of(assignment)
            message = "The node does not hold this replica, and has made sure that nothing of it runs."
            self._ghost(assignment, ReplicaState.LOST, FailureReason.VANISHED, message)
        except Exception as error:
            log.warning("cannot make sure that a replica is gone", replica=str(assignment.key), why=str(error))
            await asyncio.sleep(1.0)
        finally:
            self._ensuring.discard(assignment.key)
            self._changed()

    async def _watch_lease(self, held: _Held, entry: Entry) -> None:
        """Have an exclusive replica stopped when its lease is over, or when its guardian has begun to stop it."""
        self.leases.renew(entry)
        while not held.ended and not held.stop.done():
            left_s = self.leases.left_s(entry)
            if left_s <= 0 or entry.marked("stop"):
                log.warning("stopping, the control plane could not be reached for the lease", replica=str(held.key))
                held.stop_reason = "lease"
                held.stop.set_result(None)
                return
            await asyncio.wait([held.stop], timeout=min(left_s, 0.5))

    async def _guard(self, held: _Held, runtime: Runtime, entry: Entry) -> None:
        """Have a guardian for an exclusive replica that runs; without one it may not run."""
        try:
            target = await runtime.guarded(entry)
            if target is not None:
                self.leases.guard(entry, target)
        except Exception as error:
            log.error("an exclusive replica cannot be guarded", replica=str(held.key), why=str(error))
            if not held.stop.done():
                held.stop_reason = "unguarded"
                held.stop.set_result(None)

    def _restore(self, held: _Held, result: Mapping[str, Any]) -> bool:
        try:
            held.state = ReplicaState(result["state"])
            held.exit_code = result["exit_code"]
            held.reason = FailureReason(result["reason"]) if result["reason"] is not None else None
            held.message = result["message"]
            held.times = dict(result["times"])
        except (KeyError, TypeError, ValueError):
            held.state = ReplicaState.PREPARING
            return False
        held.settled.set_result(None)
        self._follow_output(held)
        if self.shipper is not None:
            self.shipper.finish(held.key)
        return True

    async def _live(self, held: _Held, *, adopted: bool) -> None:
        try:
            await self._run(held, adopted=adopted)
        except Exception as error:
            log.exception("a replica could not be carried through", replica=str(held.key))
            if not held.ended:
                self._finish(held, ReplicaState.FAILED, None, FailureReason.ENGINE, f"The agent failed: {error}")
        finally:
            if not held.settled.done():
                held.settled.set_result(None)

    async def _run(self, held: _Held, *, adopted: bool) -> None:
        assert held.entry is not None
        runtime = self._runtimes.get(held.assignment.runtime)
        if runtime is None:
            self._finish(
                held,
                ReplicaState.FAILED,
                None,
                FailureReason.START,
                f"This node does not run jobs of runtime {held.assignment.runtime}.",
            )
            return
        if held.assignment.exclusive:
            self._spawn(self._watch_lease(held, held.entry))
        started_at = await runtime.adopt(held.entry) if adopted else None
        if started_at is None:
            if held.stop.done() or held.entry.marked("stop"):
                self._finish(held, ReplicaState.STOPPED, None, None, "It was stopped before it had started.")
                return
            started_at = await self._start(held, runtime, held.entry)
            if started_at is None:
                return
        if held.assignment.exclusive:
            await self._guard(held, runtime, held.entry)
        held.state = ReplicaState.RUNNING
        held.message = held.progress = None
        held.passed("started", started_at)
        if held.times.keys() - {"received", "started"}:  # more than the journal's other files tell
            held.entry.write_json("progress.json", held.times)
        held.settled.set_result(None)
        self._follow_output(held)
        self._changed()
        log.info("adopted" if adopted else "started", replica=str(held.key), job=held.assignment.job_name)
        await self._until_end(held, runtime, held.entry)

    async def _start(self, held: _Held, runtime: Runtime, entry: Entry) -> float | None:
        """Start it unless it is to stop meanwhile; return when it started, or None if it has ended already."""
        start = asyncio.get_running_loop().create_task(self._start_when_free(held, runtime, entry))
        try:
            await asyncio.wait([start, held.stop], return_when=asyncio.FIRST_COMPLETED)
            if not start.done():
                start.cancel()
                await asyncio.wait([start])
            if start.cancelled():
                await self._clear(runtime, entry)
                self._finish(held, ReplicaState.STOPPED, None, None, "It was stopped before it had started.")
                return None
            return start.result()
        except StartFailure as failure:
            self._finish(held, ReplicaState.FAILED, failure.exit_code, failure.reason, str(failure))
            return None
        finally:
            if not start.done():
                start.cancel()
                await asyncio.wait([start])

    async def _clear(self, runtime: Runtime, entry: Entry) -> None:
        try:
            await runtime.remove(entry)
        except Exception as error:
            log.warning("what was half started could not be removed yet", replica=str(entry.key), why=str(error))

    async def _start_when_free(self, held: _Held, runtime: Runtime, entry: Entry) -> float:
        wanted = set(held.assignment.gpu_uuids)
        if wanted:
            async with self._released:
                while users := self._users_of(wanted, held.key):
                    self.progressed(held.key, message=f"Waiting until {users[0]} has let go of its GPUs.")
                    await self._released.wait()
        if held.assignment.exclusive and self.leases.left_s(entry) <= 0:
            await asyncio.shield(held.stop)
        return await runtime.start(entry)

    def _users_of(self, gpu_uuids: set[str], but: ReplicaKey) -> list[ReplicaKey]:
        """Return the replicas of old that still use one of these GPUs, though the list gave it away."""
        return [
            key
            for key, held in self._held.items()
            if key != but and not held.ended and held.stop.done() and gpu_uuids & set(held.assignment.gpu_uuids)
        ]

    async def _until_end(self, held: _Held, runtime: Runtime, entry: Entry) -> None:
        await asyncio.wait([held.end, held.stop], return_when=asyncio.FIRST_COMPLETED)
        if not held.end.done():
            await self._stop(held, runtime, entry)
        end = held.end.result()
        held.passed("exited", end.exited_at)
        if entry.marked("stop") and not end.of_itself:
            message = None
            if entry.marked("stop_reason") and entry.path("stop_reason").read_text().strip() == "lease":
                message = "It was stopped because the node could not reach the control plane for the job's lease."
            self._finish(held, ReplicaState.STOPPED, end.exit_code, None, message)
        elif end.exit_code == 0:
            self._finish(held, ReplicaState.SUCCEEDED, 0, None, None)
        elif lost := await self._lost(held):
            message = f"GPU {lost[0].uuid} ({lost[0].model}) was lost: {lost[0].problem}."
            self._finish(held, ReplicaState.FAILED, end.exit_code, FailureReason.GPU_LOST, message)
        elif end.exit_code is None:
            self._finish(held, ReplicaState.LOST, None, FailureReason.VANISHED, end.message)
        elif end.reason is FailureReason.OUT_OF_MEMORY:
            message = f"It used more than its {held.assignment.memory_mb} MiB of memory and was killed."
            self._finish(held, ReplicaState.FAILED, end.exit_code, end.reason, message)
        else:
            message = end.message or end_sentence(end.exit_code)
            self._finish(held, ReplicaState.FAILED, end.exit_code, end.reason or FailureReason.ERROR, message)

    async def _lost(self, held: _Held) -> list[Gpu]:
        """The GPUs of a failed replica that are lost: then it was not the program's fault."""
        if self._lost_gpus is None or not held.assignment.gpu_uuids:
            return []
        return await self._lost_gpus(held.assignment.gpu_uuids)

    async def _stop(self, held: _Held, runtime: Runtime, entry: Entry) -> None:
        first = not entry.marked("stop")
        entry.mark("stop")
        if held.stop_reason:
            with contextlib.suppress(OSError):
                entry.path("stop_reason").write_text(f"{held.stop_reason}\n", encoding="ascii", errors="replace")
        grace_s = held.assignment.grace_s
        if held.stop_reason == "lease":  # gone before lease and grace period are over
            grace_s = max(0.0, grace_s - KILL_EARLY_S)
        if not first:  # an earlier life of the agent began to stop it
            grace_s = max(0.0, grace_s - (self._clock() - entry.path("stop").stat().st_mtime))
        await runtime.terminate(entry)
        await asyncio.wait([held.end], timeout=grace_s)
        while not held.end.done():
            log.info("killing", replica=str(held.key), grace_s=held.assignment.grace_s)
            await runtime.kill(entry)
            await asyncio.wait([held.end], timeout=KILL_AGAIN_S)

    def _finish(
        self,
        held: _Held,
        state: ReplicaState,
        exit_code: int | None,
        reason: FailureReason | None,
        message: str | None,
    ) -> None:
        held.state, held.exit_code, held.reason, held.message = state, exit_code, reason, message
        held.progress = None
        if held.entry is not None:
            held.entry.write_json(
                "result.json",
                {
                    "state": str(state),
                    "exit_code": exit_code,
                    "reason": str(reason) if reason is not None else None,
                    "message": message,
                    "times": held.times,
                },
            )
        log.info("ended", replica=str(held.key), state=str(state), exit_code=exit_code, why=message)
        if not held.settled.done():
            held.settled.set_result(None)
        self._follow_output(held)
        if self.shipper is not None:
            self.shipper.finish(held.key)
        self._changed()
        if held.assignment.gpu_uuids:
            self._spawn(self._tell_released())

    async def _tell_released(self) -> None:
        async with self._released:
            self._released.notify_all()

    def _follow_output(self, held: _Held) -> None:
        if self.shipper is None or held.entry is None:
            return
        listed = self._listed.get(held.key) if self._listed is not None else None
        self.shipper.add(
            held.key,
            held.entry.output,
            offset=listed.log_offset if listed is not None else None,
            watch=held.assignment.runtime is RuntimeName.PROCESS and not held.ended,
            mask=held.mask,
        )

    async def _remove(self, held: _Held) -> None:
        try:
            if held.entry is not None:
                runtime = self._runtimes.get(held.assignment.runtime)
                if runtime is not None:
                    await runtime.remove(held.entry)
                self.leases.reap(held.entry)
                self._journal.remove(held.entry)
        except Exception as error:
            log.warning("removing failed, trying again later", replica=str(held.key), why=str(error))
            held.removing = False
            return
        del self._held[held.key]  # no news: it is absent from the next report

    def _spawn(self, coroutine: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
