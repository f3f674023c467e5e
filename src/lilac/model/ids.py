"""Names for the identities of things, so that the type checker tells a job from a node.

Every id is a UUID written lower-case with hyphens. A replica has no id of its own: `ReplicaKey`, the triple of
job, attempt and rank, is its identity, and the attempt number in it is the fence.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple, NewType

INT64_MAX = 2**63 - 1
"""The largest number that a database holds."""

JobId = NewType("JobId", str)
NodeId = NewType("NodeId", str)
ClusterId = NewType("ClusterId", str)
QueueId = NewType("QueueId", str)
UserId = NewType("UserId", str)
KeyId = NewType("KeyId", str)


class ReplicaKey(NamedTuple):
    """One container (or process) of one attempt of a job."""

    job_id: JobId
    attempt: int
    rank: int

    def __str__(self) -> str:
        return f"{self.job_id}/{self.attempt}/{self.rank}"


def parse_uuid(text: str) -> str | None:
    """Return the canonical spelling of a UUID in any of its common spellings, or None if it is not one."""
    try:
        return str(uuid.UUID(text.strip()))
    except (ValueError, AttributeError):
        return None
