"""Keeps the control plane informed and takes its list: the two concurrent calls of the protocol.

One call is always waiting at the control plane and returns when the list has changed. A second one, sent at once when
something changed here, only tells: its reply is not acted on. So lists arrive on one call after the other and can never
overtake each other, and a change that an immediate report causes comes back on the waiting call.

Many changes in one turn share one report, and while one is on its way further changes wait for the next. A list that
was just applied gets a few milliseconds to take effect, so that the next waiting call already tells it.

An original server does not wait: it is called one call at a time, as `original` says.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import structlog

from lilac.agent import original
from lilac.agent.backoff import Backoff
from lilac.agent.guardian import boot_clock
from lilac.agent.wire import PROTOCOL, OriginalJob, Reply
from lilac.model.errors import Forbidden, InvalidInput, LilacError, Unauthenticated

log = structlog.get_logger(__name__)

WAIT_S = 30
REFUSED_PAUSE_S = 30.0
_GATHER_S = 0.001
_EARLY_ANSWER_PAUSE_S = 0.5


class StatusCalls(Protocol):
    async def status(self, report: Mapping[str, Any]) -> Reply: ...


class Reporter:
    """Speaks for the node. `inventory` gives the report's part about the machine, `replicas` that about its work."""

    def __init__(
        self,
        control_plane: StatusCalls,
        *,
        inventory: Callable[[], Awaitable[Mapping[str, Any]]],
        replicas: Callable[[], list[dict[str, Any]]],
        apply: Callable[[Reply], Awaitable[None]],
        wait_s: int = WAIT_S,
        longest_wait_s: Callable[[], float] = lambda: float(WAIT_S),
        contacted: Callable[[float], None] = lambda sent_at: None,
        removed_volumes: Callable[[], list[str]] = list,
        refused_pause_s: float = REFUSED_PAUSE_S,
    ) -> None:
        self._control_plane = control_plane
        self._inventory = inventory
        self._replicas = replicas
        self._apply = apply
        self._wait_s = wait_s
        self._longest_wait_s = longest_wait_s
        self._contacted = contacted
        self._removed_volumes = removed_volumes
        self._refused_pause_s = refused_pause_s
        self._incarnation = str(uuid.uuid4())
        self._sequence = 0
        self._revision: str | None = None
        self._serves_original = False
        self._original_job: OriginalJob | None = None
        """What an original server named last."""
        self._machine: Mapping[str, Any] = {}
        self._unreported = asyncio.Event()
        self._reachable = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def changed(self) -> None:
        """There is something new to report."""
        self._unreported.set()

    async def run(self) -> None:
        """Report until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wait_for_lists())
            group.create_task(self._tell_changes())

    async def tell_once(self) -> None:
        """Send one last report if something is untold; failing does not matter."""
        if self._unreported.is_set() and self._machine:
            try:
                await self._control_plane.status(self._report(wait_s=0))
            except LilacError as error:
                log.info("the last report was not taken", why=str(error))

    async def _wait_for_lists(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        while True:
            self._machine = await self._inventory()
            report = self._report(wait_s=self._patience_s() if self._revision is not None else 0)
            self._idle.set()
            sent_at = loop.time()
            try:
                reply = await self._call(report)
            except LilacError as error:
                self._reachable.clear()
                self._unreported.set()
                await asyncio.sleep(self._pause(error, backoff))
                continue
            if backoff.failures:
                log.info("the control plane answers again")
            elif self._revision is None and not self._serves_original:
                log.info("connected", replicas=len(reply.replicas), original_server=reply.original)
            backoff.reset()
            self._serves_original, self._original_job = reply.original, reply.original_job
            if reply.original:
                await self._follow_original(report, reply)
                continue
            self._reachable.set()
            same = reply.revision == self._revision
            self._revision = reply.revision
            self._idle.clear()
            await self._apply(reply)
            if same and loop.time() - sent_at < min(1.0, self._patience_s() / 2):
                self._idle.set()
                await asyncio.sleep(_EARLY_ANSWER_PAUSE_S)  # a server that does not wait must not be flooded

    async def _follow_original(self, told: Mapping[str, Any], reply: Reply) -> None:
        self._reachable.clear()  # no second call beside this one
        await self._apply(original.as_list(reply, self._machine))
        pause_s = original.next_call_s(told, reply.original_job, self._replicas())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._unreported.wait()
                await asyncio.sleep(_GATHER_S)

    async def _tell_changes(self) -> None:
        backoff = Backoff()
        while True:
            await self._reachable.wait()
            await self._unreported.wait()
            await asyncio.sleep(_GATHER_S)
            await self._idle.wait()
            if not self._unreported.is_set() or not self._reachable.is_set():
                continue  # the waiting call has told it
            self._machine = await self._inventory()
            try:
                await self._call(self._report(wait_s=0))
            except LilacError:
                self._unreported.set()
                await asyncio.sleep(backoff.next_s())
            else:
                backoff.reset()

    def _patience_s(self) -> float:
        """How long the waiting call may wait: shorter while a lease has to be renewed."""
        return min(float(self._wait_s), self._longest_wait_s())

    async def _call(self, report: Mapping[str, Any]) -> Reply:
        sent_at = boot_clock()
        reply = await self._control_plane.status(report)
        self._contacted(sent_at)
        return reply

    def _report(self, *, wait_s: float) -> dict[str, Any]:
        self._unreported.clear()
        self._sequence += 1
        replicas = self._replicas()
        return {
            **self._machine,
            "job_info": original.job_info(self._original_job, replicas),
            "protocol": PROTOCOL,
            "incarnation": self._incarnation,
            "sequence": self._sequence,
            "replicas": replicas,
            "revision": self._revision,
            "wait_s": wait_s,
            **({"removed_volumes": removed} if (removed := self._removed_volumes()) else {}),
        }

    def _pause(self, error: LilacError, backoff: Backoff) -> float:
        """Say what went wrong, once per silence, and return how long to wait."""
        first = backoff.failures == 0
        pause = backoff.next_s()
        if isinstance(error, Unauthenticated | Forbidden | InvalidInput):
            log.error("refused by the control plane", why=str(error), again_in_s=self._refused_pause_s)
            return self._refused_pause_s
        if first:
            log.warning("the control plane does not answer, trying again", why=str(error))
        return pause
