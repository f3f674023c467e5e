"""How long to wait before trying again: doubling, with jitter, so that a fleet does not come back in step."""

from __future__ import annotations

import random

FIRST_S = 0.2
MOST_S = 10.0


class Backoff:
    def __init__(self, *, first_s: float = FIRST_S, most_s: float = MOST_S, rng: random.Random | None = None) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._rng = rng or random.Random()
        self._failures = 0

    @property
    def failures(self) -> int:
        return self._failures

    def reset(self) -> None:
        self._failures = 0

    def next_s(self) -> float:
        """Return the next wait: between half and the whole of the doubled time."""
        whole = min(self._most_s, self._first_s * 2 ** min(self._failures, 30))
        self._failures += 1
        return whole * self._rng.uniform(0.5, 1.0)
