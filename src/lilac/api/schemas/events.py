"""Events, and what the server says of itself."""

from __future__ import annotations

from typing import Any

from lilac.api.schemas.fields import Shape
from lilac.model.events import EventKind


class EventShape(Shape):
    seq: int
    at: str
    kind: EventKind
    actor: str
    job_id: str | None
    node_id: str | None
    cluster_id: str | None
    queue_id: str | None
    user_id: str | None
    data: dict[str, Any]


class EventsShape(Shape):
    events: list[EventShape]
    next: str | None


class JobEventsShape(Shape):
    events: list[EventShape]


class HealthShape(Shape):
    status: str
    version: str
    leader: bool | None = None


class ReplicaShape(Shape):
    id: str
    name: str
    address: str
    version: str
    started_at: str
    seen_at: str
    leader: bool


class ReplicasShape(Shape):
    replicas: list[ReplicaShape]
    epoch: int
    leading_since: str | None


class VersionShape(Shape):
    version: str
