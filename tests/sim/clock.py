"""Virtual time: an event loop that does not wait, and in which nothing happens in another thread.

When nothing is ready the loop's clock jumps to the next timer (looptime), so an hour of heartbeats costs what its
work costs. Work for thread pools is done at once, in the loop's own thread, and its result arrives in the next turn:
the order of everything follows from the program alone, and the same seed gives the same run.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

import looptime
import structlog

T = TypeVar("T")

EPOCH_S = 1_764_000_000.0
MOST_TURNS = 20_000
"""At one moment."""


class SimLoop(looptime.LoopTimeEventLoop, asyncio.SelectorEventLoop):
    """See above. `end` bounds the virtual time: whoever still waits then gets `looptime.LoopTimeoutError`."""

    def __init__(self) -> None:
        super().__init__(noop_cycles=0, end=1e7)
        self._stood_at = 0.0
        self._turns = 0

    def _run_once(self) -> None:
        if self.time() > self._stood_at:
            self._stood_at, self._turns = self.time(), 0
        self._turns += 1
        if self._turns > MOST_TURNS:
            self._turns = 0
            raise AssertionError(f"{MOST_TURNS} turns of the loop, and no time has passed: something runs in circles")
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_soon(_unless_done, future, future.set_exception, error)
        else:
            self.call_soon(_unless_done, future, future.set_result, result)
        return future


def _unless_done(future: asyncio.Future[Any], tell: Callable[[Any], None], what: Any) -> None:
    if not future.done():
        tell(what)


def run(main: Coroutine[Any, Any, T], rng: Random) -> T:
    """Run to the end on virtual time; ids are made from `rng`."""
    with _ids_from(rng), _silence(), asyncio.Runner(loop_factory=SimLoop) as runner:
        return runner.run(main)


@contextmanager
def _ids_from(rng: Random) -> Iterator[None]:
    with patch.object(uuid, "uuid4", lambda: uuid.UUID(int=rng.getrandbits(128), version=4)):
        yield


@contextmanager
def _silence() -> Iterator[None]:
    """The control plane's and the agents' own log would tell every fault of thousands."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
