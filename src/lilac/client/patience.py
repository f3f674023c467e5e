"""How long a broken stream is tried again: with growing pauses, until nothing new has come for too long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from lilac.model.errors import Unavailable


class Patience:
    """Pauses of 0.1 s doubling to 3 s with jitter; after `limit_s` without progress the error is raised.

    `sleep` and `clock` are seams for tests; `told` hears of each interruption once.
    """

    def __init__(
        self,
        limit_s: float = 120.0,
        *,
        told: Callable[[Unavailable], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_s = limit_s
        self._told = told
        self._sleep = sleep
        self._clock = clock
        self._failing_since: float | None = None
        self._pause_s = 0.1

    def progress(self) -> None:
        """Something came: the next interruption is a new one."""
        self._failing_since = None
        self._pause_s = 0.1

    def wait(self, error: Unavailable, *, quietly: bool = False) -> None:
        """Pause before the next try, or raise `error` when there were enough."""
        now = self._clock()
        if self._failing_since is None:
            self._failing_since = now
            if self._told is not None and not quietly:
                self._told(error)
        elif now - self._failing_since >= self.limit_s:
            raise error
        self._sleep(self._pause_s * random.uniform(0.7, 1.3))
        self._pause_s = min(self._pause_s * 2, 3.0)
