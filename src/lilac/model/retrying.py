"""Trying again: which failures may lead to a new attempt, how often, and after what pause.

Failures fall into four classes, each with a budget of its own, so that a flaky registry does not use up what is there
for lost nodes. A failure of the platform's side is tried again at once, on another place; one that the job or its
image causes would most likely repeat itself at once, so it waits: `PAUSE_S`, doubled with each further try up to
`LONGEST_PAUSE_S`. What ends a job for good whatever the budget (its time limit, a cancel) has no class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lilac.model.states import FailureReason

PAUSE_S = 10.0
LONGEST_PAUSE_S = 600.0


class RetryClass(StrEnum):
    """What kind of failure it was, as far as trying again is concerned."""

    NODE_LOST = "node_lost"
    """The platform's side: the node went silent, a GPU or the engine failed, the replica vanished."""
    IMAGE = "image"
    """The image could not be pulled."""
    OUT_OF_MEMORY = "out_of_memory"
    ERROR = "error"
    """The job itself: it exited with another code than 0, or could not be started."""


CLASS_OF: Mapping[FailureReason, RetryClass] = {
    FailureReason.NODE_LOST: RetryClass.NODE_LOST,
    FailureReason.GPU_LOST: RetryClass.NODE_LOST,
    FailureReason.VANISHED: RetryClass.NODE_LOST,
    FailureReason.ENGINE: RetryClass.NODE_LOST,
    FailureReason.IMAGE: RetryClass.IMAGE,
    FailureReason.OUT_OF_MEMORY: RetryClass.OUT_OF_MEMORY,
    FailureReason.ERROR: RetryClass.ERROR,
    FailureReason.START: RetryClass.ERROR,
    FailureReason.PEER: RetryClass.ERROR,
}
"""Reasons that are not here end a job at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """New attempts by class; None where the job does not say."""

    node_lost: int | None = None
    image: int | None = None
    out_of_memory: int | None = None
    error: int | None = None

    def of(self, failure: RetryClass) -> int | None:
        return {
            RetryClass.NODE_LOST: self.node_lost,
            RetryClass.IMAGE: self.image,
            RetryClass.OUT_OF_MEMORY: self.out_of_memory,
            RetryClass.ERROR: self.error,
        }[failure]


NOT_SAID = RetryBudget()


def pause_s(failure: RetryClass, tries_before: int) -> float:
    """How long to wait before the next attempt, after so many retries of this class before."""
    if failure is RetryClass.NODE_LOST:
        return 0.0
    return min(PAUSE_S * 2.0 ** min(tries_before, 30), LONGEST_PAUSE_S)
