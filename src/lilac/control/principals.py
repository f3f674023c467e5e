"""Who is calling: the outcome of checking a credential, and all that later decisions may rest on.

A person (login token or API key) acts with the role of the account. A node is known by its cluster's key only, so
its principal names the cluster; which node it is stands in the path of its calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lilac.model.accounts import KeyScope, Role
from lilac.model.errors import Forbidden
from lilac.model.ids import ClusterId, KeyId, UserId


class PrincipalKind(StrEnum):
    USER = "user"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    kind: PrincipalKind
    user_id: UserId | None = None
    username: str | None = None
    role: Role | None = None
    cluster_id: ClusterId | None = None
    """The cluster of a node; None for people."""
    key_id: KeyId | None = None
    """The API key that was used; None for a login token."""
    scope: KeyScope = KeyScope.ADMIN
    """How much of the role the credential carries: all of it, unless it is an API key of less."""

    session_id: str | None = field(default=None, compare=False)
    """The sign-in of a browser that the credential belongs to; None for others."""
    expires_at: float | None = field(default=None, compare=False)
    """When the credential ends by itself."""

    @property
    def actor(self) -> str:
        """How the history of events names the caller."""
        return f"user:{self.username}" if self.kind is PrincipalKind.USER else f"cluster:{self.cluster_id}"

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN and self.scope is KeyScope.ADMIN

    @property
    def sees_all(self) -> bool:
        """Whether work of others is the caller's to see: admins and viewers, also with a key that only reads."""
        return self.role in (Role.ADMIN, Role.VIEWER)

    def may_change(self, owner_id: UserId | None) -> bool:
        """Whether something of this owner is the caller's to change: admins' is everything, members' their own."""
        if self.is_admin:
            return True
        own = owner_id is not None and owner_id == self.user_id
        return own and self.role in (Role.ADMIN, Role.MEMBER) and self.scope is not KeyScope.READ


def require_user(principal: Principal) -> UserId:
    """The caller's account, for what only people have (profile, password, keys)."""
    if principal.user_id is None:
        raise Forbidden("Forbidden: this belongs to people; a cluster's key is only good for the reports of nodes.")
    return principal.user_id
