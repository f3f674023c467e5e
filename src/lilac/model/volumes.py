"""Named volumes: directories that outlive jobs, each on the one node where a job used it first.

A volume belongs to a person and has no place until the first attempt that uses it is assigned; from then on its data is
on that node, and jobs that name it run there.
"""

from __future__ import annotations

from dataclasses import dataclass

from lilac.model.ids import NodeId, UserId
from lilac.model.jobs import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    id: str
    name: str
    owner_id: UserId | None
    """None if the account was deleted; the volume is then the administrators' to remove."""
    node_id: NodeId | None = None
    """Where its data is."""
    created_at: float
    last_used_at: float | None = None
    """When an attempt that uses it was last assigned."""


def volumes_of(spec: JobSpec) -> tuple[str, ...]:
    """The ids of the named volumes that a stored job uses, each once."""
    return tuple(dict.fromkeys(v.volume_id for v in spec.volumes if v.volume_id is not None))
