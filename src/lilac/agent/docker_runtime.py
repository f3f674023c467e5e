"""Replicas as containers of a Docker engine.

A container is found again by its labels, so it may outlive the agent and the engine's daemon (with live-restore).
The engine's events are a wake-up only: at each connection all containers of this node are listed first, so what
happened while nobody listened is seen too. A container's end is told when its log has been copied to the end.

While the engine is away, replicas that are to start wait for it up to a minute and then fail with reason `engine`;
those that run are left alone until it is back.

A container gets its CPUs, memory and exactly its GPUs, a limit on processes, and no way to gain privileges.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from lilac.agent import secrets, volumes
from lilac.agent.backoff import Backoff
from lilac.agent.disk import EngineDisk
from lilac.agent.docker_config import container_config, container_name
from lilac.agent.docker_endings import ENDING_SIGNALS, REMOVED, Seen, end_of, end_of_removed, seen_through_init
from lilac.agent.docker_engine import DockerEngine, EngineAway, EngineError
from lilac.agent.docker_failures import create_failure, start_failure
from lilac.agent.docker_log import LogCopy, parse_time
from lilac.agent.docker_session import open_session
from lilac.agent.guardian import start_ticks, stop_reason_archive
from lilac.agent.image_cache import ImageCache, Keeping
from lilac.agent.journal import Entry, boot_id
from lilac.agent.ports import add_ports, published
from lilac.agent.pulling import Puller
from lilac.agent.registries.credentials import Registries
from lilac.agent.runtime import End, Observer, StartFailure
from lilac.agent.sessions import Session, SessionRefused
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import NodeId, ReplicaKey
from lilac.model.states import FailureReason
from lilac.tunnel.frames import Opening

log = structlog.get_logger(__name__)

ENGINE_PATIENCE_S = 60.0
LOG_PATIENCE_S = 10.0
_REASON_PATIENCE_S = 2.0


@dataclass(slots=True)
class _Container:
    entry: Entry
    id: str
    task: asyncio.Task[None] | None = None
    died: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    died_code: int | None = None
    """As the event said it, for a container that is removed before it can be looked at."""
    killed_by: int | None = None
    """The last signal that somebody sent it through the engine, if that ends programs."""
    paused: bool = False
    found: bool = False
    """Taken over from an earlier life of the agent, and not yet seen running in this one."""


class DockerRuntime:
    """Runs replicas in containers. See the module's text for the mechanism."""

    name = RuntimeName.DOCKER

    def __init__(
        self,
        node_id: NodeId,
        *,
        host: str | None = None,
        registries: Registries | None = None,
        keeping: Keeping | None = None,
        ended_file: Path | None = None,
        address: str = "127.0.0.1",
        port_address: str = "0.0.0.0",
        allowed_host_paths: tuple[str, ...] = (),
        engine_patience_s: float = ENGINE_PATIENCE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._node_id = node_id
        self._engine = DockerEngine(host)
        self._address = address
        self._port_address = port_address
        self._allowed_host_paths = allowed_host_paths
        self._registries = registries if registries is not None else Registries()
        self._disk = EngineDisk(self._engine)
        self._images = ImageCache(self._engine, self._disk, keeping, clock=clock) if keeping is not None else None
        self._puller = Puller(self._engine, self._registries, self._images, clock=clock)
        self._engine_patience_s = engine_patience_s
        self._clock = clock
        self._containers: dict[ReplicaKey, _Container] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._observer: Observer | None = None
        self._back = asyncio.Event()
        """Set while the engine's events are being listened to."""
        self._away: tuple[float, float] | None = None
        """From when to when the engine last did not answer; the end is infinite while it does not."""
        self._ended_file = ended_file
        """Who stops the engine on purpose leaves the time of that here, in seconds since 1970."""
        self._told_away = False
        self._boot_id = boot_id()

    async def open(self, observer: Observer) -> None:
        self._observer = observer
        if self._ended_file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._away = (float(self._ended_file.read_text(encoding="ascii")), math.inf)
                self._ended_file.unlink()
        await self._registries.open()
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        tasks = [c.task for c in self._containers.values() if c.task is not None]
        if self._watcher is not None:
            tasks.append(self._watcher)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._images is not None:
            await self._images.close()
        await self._registries.close()
        await self._engine.close()

    async def start(self, entry: Entry) -> float:
        deadline = asyncio.get_running_loop().time() + self._engine_patience_s
        backoff = Backoff(most_s=5.0)
        while True:
            try:
                return await self._start(entry)
            except EngineAway as error:
                pause = backoff.next_s()
                if asyncio.get_running_loop().time() + pause > deadline:
                    raise StartFailure(
                        FailureReason.ENGINE, f"{error} Gave up after {self._engine_patience_s:.0f} s."
                    ) from error
                self._progressed(entry.key, message=f"{error} Trying again.")
                await asyncio.sleep(pause)

    async def adopt(self, entry: Entry) -> float | None:
        backoff = Backoff()
        while True:
            try:
                found = await self._find(entry.key)
                details = await self._engine.inspect(found) if found is not None else None
                if details is None and not entry.marked("starting"):
                    return None
                if details is None:
                    self._end_soon(entry, End(exit_code=None, exited_at=self._clock(), message=REMOVED))
                    return entry.received_at
                started_at = parse_time(details["State"]["StartedAt"])
                if started_at is None:
                    await self._engine.remove(details["Id"])
                    return None
                self._follow(entry, details["Id"], found=True)
                self._publish(entry, details)
                return started_at
            except (EngineAway, EngineError) as error:
                if backoff.failures == 0:
                    log.warning("waiting for the engine to adopt", replica=str(entry.key), why=str(error))
                await asyncio.sleep(backoff.next_s())

    async def main_process(self, entry: Entry) -> int | None:
        container = self._containers.get(entry.key)
        try:
            details = await self._engine.inspect(container.id) if container is not None else None
        except (EngineAway, EngineError):
            return None
        return int(details["State"]["Pid"]) or None if details is not None else None

    async def terminate(self, entry: Entry) -> None:
        await self._tell_reason(entry)
        await self._signal(entry, entry.assignment.stop_signal)

    async def kill(self, entry: Entry) -> None:
        await self._signal(entry, "SIGKILL")

    async def remove(self, entry: Entry) -> None:
        container = self._containers.pop(entry.key, None)
        if container is not None and container.task is not None:
            container.task.cancel()
            await asyncio.gather(container.task, return_exceptions=True)
        for found in await self._engine.containers(self._labels(entry.key)):
            await self._engine.remove(found["Id"])
        if self._images is not None:
            self._images.look(only_if_tight=True)

    async def guarded(self, entry: Entry) -> Mapping[str, Any] | None:
        container = self._containers.get(entry.key)
        details = await self._engine.inspect(container.id) if container is not None else None
        if container is None or details is None:
            return None
        pid = int(details["State"].get("Pid") or 0)
        return {
            "kind": "container",
            "container": container.id,
            "host": self._engine.host,
            "pid": pid,
            "ticks": start_ticks(pid) if pid else None,
        }

    async def end_all_of(self, assignment: Assignment) -> None:
        for found in await self._engine.containers(self._labels(assignment.key)):
            await self._engine.remove(found["Id"])

    async def sweep(self, is_known: Callable[[ReplicaKey], bool]) -> None:
        for found in await self._engine.containers([f"lilac.node={self._node_id}"]):
            labels = found.get("Labels") or {}
            try:
                key = ReplicaKey(labels["lilac.job"], int(labels["lilac.attempt"]), int(labels["lilac.rank"]))
            except (KeyError, ValueError):
                continue
            if not is_known(key):
                log.warning("removing a container that nobody knows any more", replica=str(key))
                await self._engine.remove(found["Id"])

    async def remove_volume(self, volume_id: str) -> None:
        """Delete a named volume with its data; `EngineError` while a container has it."""
        await self._engine.remove_volume(volumes.name_of(volume_id))

    async def disk(self) -> Mapping[str, int | bool] | None:
        """The engine's disk as the wire has it, None where it cannot be told."""
        disk = await self._disk.measure()
        if disk is None:
            return None
        if self._images is None:
            return disk.report()
        return disk.report() | {"low": self._images.is_low(disk.free_bytes)}

    async def open_session(self, entry: Entry, opening: Opening) -> Session:
        container = self._containers.get(entry.key)
        if container is None or container.over:
            raise SessionRefused("The replica has just ended.")
        return await open_session(self._engine, container.id, opening)

    # Starting

    async def _start(self, entry: Entry) -> float:
        assignment = entry.assignment
        details = None
        if entry.marked("starting"):  # the engine went away in the middle of it
            found = await self._find(entry.key)
            details = await self._engine.inspect(found) if found is not None else None
        started_at = parse_time(details["State"]["StartedAt"]) if details is not None else None
        if details is not None and started_at is not None:
            self._follow(entry, details["Id"])
            return started_at
        async with self._in_use(assignment.image):
            await self._pull(entry)
            container = await self._create(entry)
        self._progressed(entry.key, created=self._clock())
        entry.mark("starting")
        try:
            await self._engine.start(container)
        except EngineError as error:
            await self._engine.remove(container)
            raise start_failure(str(error)) from error
        self._follow(entry, container)
        details = await self._engine.inspect(container)
        if details is not None:
            self._publish(entry, details)
        started_at = parse_time(details["State"]["StartedAt"]) if details is not None else None
        log.debug("container started", replica=str(assignment.key), container=container[:12])
        return started_at if started_at is not None else self._clock()

    async def _pull(self, entry: Entry) -> None:
        image = entry.assignment.image
        if not image:
            raise StartFailure(FailureReason.IMAGE, "A job of runtime docker needs an image.")
        await self._puller.ensure(image, partial(self._progressed, entry.key))

    def _in_use(self, image: str) -> contextlib.AbstractAsyncContextManager[None]:
        return self._images.pinned(image) if self._images is not None and image else contextlib.nullcontext()

    async def _create(self, entry: Entry) -> str:
        config = container_config(entry.assignment, self._labels_map(entry.key))
        add_ports(config, entry.assignment, self._port_address)
        await asyncio.to_thread(volumes.add_mounts, config, entry.assignment, self._allowed_host_paths)
        values = secrets.read(entry)
        secrets.check_all_there(entry.assignment, values)
        told = secrets.variables(entry.assignment, values, secrets.IN_CONTAINER)
        config["Env"] += [f"{name}={value}" for name, value in told.items()]
        container = await self._create_anew(entry, config)
        if any(secret.file is not None for secret in entry.assignment.secrets):
            await self._put_secrets(container, entry, values)
        return container

    async def _put_secrets(self, container: str, entry: Entry, values: Mapping[str, str]) -> None:
        """Put the secret files into a container that has not started, readable by its user only."""
        try:
            details = await self._engine.inspect(container)
            user = str(((details or {}).get("Config") or {}).get("User") or "")
            passwd = await self._engine.read_file(container, "/etc/passwd") if user else b""
            owner = secrets.owner_of(user, passwd.decode("utf-8", "replace"))
            await self._engine.put_archive(container, secrets.archive(entry.assignment, values, owner) or b"")
        except EngineError as error:
            await self._engine.remove(container)
            raise StartFailure(
                FailureReason.START, f"The engine does not take the secret files: {str(error)[:300]}"
            ) from error

    async def _create_anew(self, entry: Entry, config: Mapping[str, Any]) -> str:
        name = container_name(entry.key, self._node_id)
        try:
            try:
                return await self._engine.create(name, config)
            except EngineError as error:
                if error.status != 409:
                    raise
                found = await self._find(entry.key)
                if found is None:
                    raise
                await self._engine.remove(found)  # ours, from a try that was cut short
                return await self._engine.create(name, config)
        except EngineError as error:
            raise create_failure(entry.assignment.image, str(error)) from error

    # Watching

    async def _watch(self) -> None:
        backoff = Backoff()
        while True:
            try:
                async with self._engine.events([f"lilac.node={self._node_id}"]) as events:
                    await self._look_at_all()
                    if backoff.failures:
                        log.info("the Docker engine answers", host=self._engine.host)
                    backoff.reset()
                    if self._away is not None and self._away[1] == math.inf:
                        self._away = (self._away[0], self._clock())
                    self._back.set()
                    async for event in events:
                        self._take(event)
                self._note_away()
            except (EngineAway, EngineError) as error:
                self._note_away()
                if backoff.failures == 0:
                    log.warning("the Docker engine does not answer, trying again", why=str(error))
                if backoff.failures == 1:  # a restart takes no longer than that
                    self._told_away = True
                    for container in self._containers.values():
                        said = "The node's Docker engine does not answer; the container may run on."
                        self._progressed(container.entry.key, message=said)
            except Exception:
                log.exception("watching the Docker engine failed")
            self._back.clear()
            await asyncio.sleep(backoff.next_s())

    async def _look_at_all(self) -> None:
        """See what happened while nobody listened."""
        listed = {item["Id"]: item for item in await self._engine.containers([f"lilac.node={self._node_id}"])}
        for container in self._containers.values():
            item = listed.get(container.id)
            if item is None or item["State"] in ("exited", "dead", "removing"):
                container.died.set()
            else:
                self._tell_paused(container, item["State"] == "paused")
                if self._told_away and not container.paused:
                    self._progressed(container.entry.key)
        self._told_away = False

    def _note_away(self) -> None:
        if self._away is None or self._away[1] != math.inf:
            self._away = (self._clock(), math.inf)

    def _take(self, event: dict[str, Any]) -> None:
        action, actor = event.get("Action"), event.get("Actor") or {}
        for container in self._containers.values():
            if container.id != actor.get("ID"):
                continue
            if action in ("die", "destroy"):
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    container.died_code = int(actor["Attributes"]["exitCode"])
                container.died.set()
            elif action == "kill" and not container.entry.marked("stop"):
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    number = int(actor["Attributes"]["signal"])
                    container.killed_by = number if number in ENDING_SIGNALS else container.killed_by
            elif action in ("pause", "unpause"):
                self._tell_paused(container, action == "pause")

    def _tell_paused(self, container: _Container, paused: bool) -> None:
        if container.paused is not paused:
            container.paused = paused
            said = "Its container is paused on the node (docker pause); docker unpause lets it go on."
            self._progressed(container.entry.key, message=said if paused else None)

    def _follow(self, entry: Entry, container_id: str, *, found: bool = False) -> None:
        container = _Container(entry, container_id, found=found)
        self._containers[entry.key] = container
        container.task = asyncio.get_running_loop().create_task(self._carry(container))

    async def _carry(self, container: _Container) -> None:
        """Copy the log of one container until it is over, then tell its end."""
        copying = asyncio.get_running_loop().create_task(self._copy_log(container))
        try:
            end = await self._await_end(container)
            container.over = True
            copied = -1
            while not copying.done() and copied != (copied := _size(container.entry)):
                await asyncio.wait([copying], timeout=LOG_PATIENCE_S)  # as long as it gets on
            if not copying.done():
                log.warning("the engine does not end the log", replica=str(container.entry.key))
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)
        end = seen_through_init(end, container.entry.assignment.image, _head(container.entry))
        if self._observer is not None:
            self._observer.ended(container.entry.key, end)

    async def _await_end(self, container: _Container) -> End:
        while True:
            try:
                # Looked at once in any case: it may have ended before its events were waited for.
                details = await self._engine.inspect(container.id)
                if details is None:
                    return end_of_removed(await self._seen(container))
                if details["State"]["Status"] in ("exited", "dead"):
                    code = int(details["State"]["ExitCode"])
                    seen = await self._seen(container) if code else Seen(now=self._clock())
                    return end_of(details["State"], seen)
                container.found = False
                if container.died_code is not None:  # it had died, and somebody started it again
                    container.killed_by = container.died_code = None
            except (EngineAway, EngineError) as error:
                log.info("the engine does not tell how it ended", replica=str(container.entry.key), why=str(error))
                await self._back.wait()
                await asyncio.sleep(1.0)
                continue
            await container.died.wait()
            container.died.clear()

    async def _seen(self, container: _Container) -> Seen:
        """What there is to say about the end of a container beside its state."""
        disk = await self._disk.measure()
        return Seen(
            now=self._clock(),
            stopping=container.entry.marked("stop"),
            killed_by=container.killed_by,
            died_code=container.died_code,
            engine_away=self._away,
            engine_keeps=bool((await self._engine.info()).get("LiveRestoreEnabled")),
            unwatched=container.found,
            rebooted=container.found and container.entry.boot_id != self._boot_id,
            disk_full=disk is not None and disk.is_full,
        )

    async def _copy_log(self, container: _Container) -> None:
        copy = LogCopy(container.entry.output, container.entry.path("cursor"))
        backoff = Backoff(most_s=2.0)
        try:
            while True:
                try:
                    async with self._engine.log(container.id, copy.resume()) as chunks:
                        async for chunk in chunks:
                            backoff.reset()
                            if copy.take(chunk) and self._observer is not None:
                                self._observer.wrote(container.entry.key)
                            await self._await_room(container)
                    details = await self._engine.inspect(container.id)
                    if details is None or details["State"]["Status"] in ("exited", "dead"):
                        return  # the stream ended because the container did
                except (EngineAway, EngineError) as error:
                    if isinstance(error, EngineError) and error.status == 404:
                        return
                    log.info("following the log is interrupted", replica=str(container.entry.key), why=str(error))
                await asyncio.sleep(backoff.next_s())
        finally:
            copy.close()

    async def _await_room(self, container: _Container) -> None:
        """Leave the log with the engine while the spool is full; once the container is over the rest is fetched."""
        key = container.entry.key
        while self._observer is not None and not container.over and not self._observer.has_room(key):  # noqa: ASYNC110
            await asyncio.sleep(0.25)

    # Small things

    async def _find(self, key: ReplicaKey) -> str | None:
        found = await self._engine.containers(self._labels(key))
        return found[0]["Id"] if found else None

    async def _tell_reason(self, entry: Entry) -> None:
        """Put the reason why it is stopped into the container. The signal comes after that, but does not wait long."""
        container = self._containers.get(entry.key)
        try:
            reason = entry.path("stop_reason").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return
        if container is not None and reason:
            try:
                async with asyncio.timeout(_REASON_PATIENCE_S):
                    await self._engine.put_archive(container.id, stop_reason_archive(reason))
            except (EngineAway, EngineError, TimeoutError) as error:
                log.info("a container is not told why it is stopped", replica=str(entry.key), why=str(error))

    async def _signal(self, entry: Entry, number: str) -> None:
        container = self._containers.get(entry.key)
        if container is None:
            return
        try:
            await self._engine.kill(container.id, number)
        except (EngineAway, EngineError) as error:
            log.warning("the signal could not be sent", replica=str(entry.key), signal=number, why=str(error))

    def _progressed(
        self,
        key: ReplicaKey,
        *,
        message: str | None = None,
        progress: Mapping[str, Any] | None = None,
        **times: float,
    ) -> None:
        if self._observer is not None:
            self._observer.progressed(key, message=message, progress=progress, **times)

    def _publish(self, entry: Entry, details: Mapping[str, Any]) -> None:
        if entry.assignment.ports and self._observer is not None:
            self._observer.published(entry.key, published(entry.assignment, details, self._address))

    def _end_soon(self, entry: Entry, end: End) -> None:
        if self._observer is not None:
            asyncio.get_running_loop().call_soon(self._observer.ended, entry.key, end)

    def _labels(self, key: ReplicaKey) -> list[str]:
        return [f"{name}={value}" for name, value in self._labels_map(key).items()]

    def _labels_map(self, key: ReplicaKey) -> dict[str, str]:
        return {
            "lilac.node": self._node_id,
            "lilac.job": key.job_id,
            "lilac.attempt": str(key.attempt),
            "lilac.rank": str(key.rank),
        }


def _size(entry: Entry) -> int:
    try:
        return entry.output.stat().st_size
    except OSError:
        return 0


def _head(entry: Entry) -> bytes:
    try:
        with entry.output.open("rb") as output:
            return output.read(4096)
    except OSError:
        return b""
