"""Named volumes."""

from __future__ import annotations

from pydantic import Field, StrictStr

from lilac.api.schemas.fields import Body, Shape


class VolumeBody(Body):
    name: StrictStr = Field(description="1 to 63 letters, digits or any of . _ -")


class VolumeShape(Shape):
    id: str
    name: str
    owner: str | None
    node_id: str | None = Field(description="Where its data is; null until a job uses it.")
    node_name: str | None
    node_state: str | None = Field(description="The state of that node; `removed` where the platform has forgotten it.")
    created_at: str
    last_used_at: str | None


class VolumesShape(Shape):
    volumes: list[VolumeShape]
