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


class KeyScope(StrEnum):
    """How much of its holder's rights an API key carries; each includes the one before."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


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
    scope: KeyScope = KeyScope.ADMIN
    """Of a user's key. A cluster's key is good for the reports of nodes only, whatever this says."""
    created_at: float = 0.0
    last_used_at: float | None = None
    expires_at: float | None = None
