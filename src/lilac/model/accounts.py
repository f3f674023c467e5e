"""People, their roles, and the keys that they and clusters hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lilac.model.ids import ClusterId, KeyId, UserId


class Role(StrEnum):
    """What a person may do: admins everything, members their own work, viewers look."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: UserId
    username: str
    role: Role
    first_name: str | None = None
    last_name: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of a user or of a cluster (exactly one of the two is set). Only its SHA-256 is stored."""

    id: KeyId
    prefix: str
    user_id: UserId | None = None
    cluster_id: ClusterId | None = None
    name: str = ""
    created_at: float = 0.0
    last_used_at: float | None = None
    expires_at: float | None = None
