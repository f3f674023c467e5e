"""Secrets: written, listed by name, never read back."""

from __future__ import annotations

from pydantic import Field, StrictStr

from lilac.api.schemas.fields import Body, Flag, Shape
from lilac.model.surroundings import MOST_SECRET_BYTES


class SecretBody(Body):
    value: StrictStr = Field(min_length=1, max_length=MOST_SECRET_BYTES, repr=False, description="Never given back.")
    shared: Flag = Field(False, description="For everybody; administrators only.")


class SecretShape(Shape):
    name: str
    shared: bool
    created_at: str
    updated_at: str


class SecretsShape(Shape):
    secrets: list[SecretShape]
