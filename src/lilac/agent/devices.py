"""The GPUs as the agent's event loop sees them: never waiting longer than it wants to for a sick driver.

A driver can hang in any call, for ever. So NVML lives on one daemon thread, which nobody has to wait for, not even at
the end of the process. While a look takes too long, what is known is told as unhealthy (not as lost: programs may well
go on), and no second look is begun. When the driver comes back, the next look says how things are.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog

from lilac.agent.gpus import GpuReader, Reading
from lilac.model.resources import Gpu

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0
NO_ANSWER = "the GPU driver does not answer"


class Devices:
    """`read` looks at the GPUs; `last` is what the last look said."""

    def __init__(self, *, patience_s: float = PATIENCE_S, reader: GpuReader | None = None) -> None:
        self._patience_s = patience_s
        self._reader = reader or GpuReader()
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._looking: asyncio.Future[Reading] | None = None
        self.last = Reading()

    async def read(self) -> Reading:
        """Look at all GPUs; what is known, marked unhealthy, if the driver does not answer in time."""
        if self._looking is None:
            self._looking = self._call(self._reader.read)
        looking = self._looking
        done, _ = await asyncio.wait([looking], timeout=self._patience_s)
        if not done:
            known = self.last.gpus
            if known is None or all(gpu.healthy for gpu in known):
                log.warning("the GPU driver does not answer", waited_s=self._patience_s)
            gpus = tuple(_unanswered(gpu) for gpu in known) if known else None
            self.last = Reading(gpus, self.last.drivers)
            return self.last
        if self._looking is looking:
            self._looking = None
        self.last = looking.result()
        return self.last

    async def lost_among(self, uuids: tuple[str, ...]) -> list[Gpu]:
        """Those of these GPUs that are lost, as of now."""
        if not uuids:
            return []
        try:
            reading = await self.read()
        except Exception:
            log.exception("the GPUs cannot be read")
            return []
        return [gpu for gpu in reading.gpus or () if gpu.lost and gpu.uuid in uuids]

    def close(self) -> None:
        """Let go of the driver; does not wait for it."""
        if self._thread is not None:
            self._calls.put((self._reader.close, Future()))
            self._calls.put(None)
            self._thread.join(0.5)

    def _call(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="nvml", daemon=True)
            self._thread.start()
        future: Future[Any] = Future()
        self._calls.put((function, future))
        return asyncio.wrap_future(future)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            function, future = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)


def _unanswered(gpu: Gpu) -> Gpu:
    return gpu if gpu.lost else gpu.failed(NO_ANSWER)
