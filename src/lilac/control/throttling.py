"""Holding back guesses: after some failures in a row, each further one doubles the wait before the next try.

The rule is one function (`wait_after`); accounts that exist keep their count in the store, where every server of
the control plane sees it. `Throttle` keeps counts in memory for what has no row: remote addresses, and names that are
nobody's (which must behave as if they were somebody's). It is bounded: the oldest counts are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict

MAX_WAIT_S = 900.0
_FORGET_AFTER_S = 3600.0


def wait_after(failures: int, free: int) -> float:
    """Seconds to wait after this many failures in a row, the first `free` of which cost nothing."""
    if failures < free:
        return 0.0
    return min(MAX_WAIT_S, 2.0 ** min(failures - free, 30))


class Throttle:
    """Failures by name. An attempt counts as failed from its beginning, so that parallel guesses gain nothing."""

    def __init__(self, free: int, *, capacity: int = 10_000) -> None:
        self._free = free
        self._capacity = capacity
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, name: str, now: float) -> float:
        """How long until the next attempt is allowed; 0 when it is now."""
        count, last = self._failures.get(name, (0, now))
        return max(0.0, last + wait_after(count, self._free) - now)

    def begin(self, name: str, now: float) -> None:
        """Count an attempt, as a failure until `succeeded` or `forgive` says otherwise."""
        count, last = self._failures.pop(name, (0, now))
        if now - last > _FORGET_AFTER_S:
            count = 0
        self._failures[name] = (count + 1, now)
        while len(self._failures) > self._capacity:
            self._failures.popitem(last=False)

    def forgive(self, name: str) -> None:
        """Take one counted attempt back."""
        count, last = self._failures.get(name, (0, 0.0))
        if count > 1:
            self._failures[name] = (count - 1, last)
        else:
            self._failures.pop(name, None)

    def succeeded(self, name: str) -> None:
        self._failures.pop(name, None)
