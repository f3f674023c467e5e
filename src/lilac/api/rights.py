"""Who may call what: the one table, from method and path to the least right that is needed.

Denied by default: an application with a route that is not in this table does not start, and a route that was never
guarded answers nobody. Rules about single things (one's own jobs, one's own account) are checked by the services,
which get the principal.

A right includes the weaker ones: ADMIN > MEMBER > VIEWER. An API key carries at most what its scope says: `read` is
good for VIEWER, `submit` for MEMBER, `admin` for all that its holder may. ACCOUNT is everybody's own account: a key of
less than the whole scope could otherwise make itself one of more. NODE is apart: a cluster's key is good for these
routes only, and people's credentials are not good for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lilac.control.principals import Principal, PrincipalKind
from lilac.model.accounts import KeyScope, Role
from lilac.model.errors import Forbidden


class Rule(StrEnum):
    PUBLIC = "public"
    NODE = "node"
    ACCOUNT = "account"
    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"


RULES: Mapping[tuple[str, str], Rule] = {  # the method of a WebSocket is WS
    ("GET", "/health"): Rule.PUBLIC,
    ("GET", "/health/ready"): Rule.PUBLIC,
    ("GET", "/version"): Rule.PUBLIC,
    ("GET", "/openapi.json"): Rule.PUBLIC,
    ("GET", "/"): Rule.PUBLIC,
    ("HEAD", "/"): Rule.PUBLIC,
    ("GET", "/ui"): Rule.PUBLIC,
    ("HEAD", "/ui"): Rule.PUBLIC,
    ("GET", "/ui/{path:path}"): Rule.PUBLIC,
    ("HEAD", "/ui/{path:path}"): Rule.PUBLIC,
    ("GET", "/docs"): Rule.PUBLIC,
    ("GET", "/docs/{asset}"): Rule.PUBLIC,
    ("POST", "/auth/login"): Rule.PUBLIC,
    ("POST", "/auth/signup"): Rule.PUBLIC,
    ("GET", "/auth/logout"): Rule.PUBLIC,
    ("GET", "/auth/policy"): Rule.PUBLIC,
    ("POST", "/auth/session"): Rule.PUBLIC,
    ("POST", "/auth/session/refresh"): Rule.PUBLIC,
    ("DELETE", "/auth/session"): Rule.PUBLIC,
    ("GET", "/auth/session"): Rule.VIEWER,
    ("GET", "/account/details"): Rule.VIEWER,
    ("POST", "/account/password"): Rule.ACCOUNT,
    ("GET", "/account/api-keys"): Rule.VIEWER,
    ("POST", "/account/api-keys"): Rule.ACCOUNT,
    ("DELETE", "/account/api-keys/{key_id}"): Rule.ACCOUNT,
    ("GET", "/users"): Rule.ADMIN,
    ("POST", "/users"): Rule.ADMIN,
    ("GET", "/users/{user}"): Rule.VIEWER,
    ("PATCH", "/users/{user}"): Rule.ADMIN,
    ("DELETE", "/users/{user}"): Rule.ADMIN,
    ("GET", "/users/{user}/api-keys"): Rule.ADMIN,
    ("DELETE", "/users/{user}/api-keys/{key_id}"): Rule.ADMIN,
    ("GET", "/clusters"): Rule.VIEWER,
    ("POST", "/clusters"): Rule.ADMIN,
    ("GET", "/clusters/{cluster}"): Rule.VIEWER,
    ("DELETE", "/clusters/{cluster}"): Rule.ADMIN,
    ("GET", "/clusters/{cluster}/info"): Rule.VIEWER,
    ("GET", "/clusters/{cluster}/nodes"): Rule.VIEWER,
    ("GET", "/clusters/{cluster}/jobs"): Rule.VIEWER,
    ("GET", "/clusters/{cluster}/api-keys"): Rule.ADMIN,
    ("POST", "/clusters/{cluster}/api-keys"): Rule.ADMIN,
    ("DELETE", "/clusters/{cluster}/api-keys/{key_id}"): Rule.ADMIN,
    ("GET", "/secrets"): Rule.MEMBER,
    ("PUT", "/secrets/{name}"): Rule.MEMBER,
    ("DELETE", "/secrets/{name}"): Rule.MEMBER,
    ("GET", "/volumes"): Rule.VIEWER,
    ("POST", "/volumes"): Rule.MEMBER,
    ("GET", "/volumes/{volume}"): Rule.VIEWER,
    ("DELETE", "/volumes/{volume}"): Rule.MEMBER,
    ("GET", "/nodes"): Rule.VIEWER,
    ("GET", "/nodes/{node}"): Rule.VIEWER,
    ("DELETE", "/nodes/{node}"): Rule.ADMIN,
    ("PATCH", "/nodes/{node}"): Rule.ADMIN,
    ("GET", "/nodes/{node}/events"): Rule.VIEWER,
    ("GET", "/nodes/{node}/jobs"): Rule.VIEWER,
    ("POST", "/nodes/{node}/drain"): Rule.ADMIN,
    ("POST", "/nodes/{node}/resume"): Rule.ADMIN,
    ("GET", "/queues"): Rule.VIEWER,
    ("POST", "/queues"): Rule.ADMIN,
    ("GET", "/queues/{queue}"): Rule.VIEWER,
    ("PUT", "/queues/{queue}"): Rule.ADMIN,
    ("PATCH", "/queues/{queue}"): Rule.ADMIN,
    ("POST", "/queues/{queue}/pause"): Rule.ADMIN,
    ("POST", "/queues/{queue}/resume"): Rule.ADMIN,
    ("DELETE", "/queues/{queue}"): Rule.ADMIN,
    ("GET", "/queues/{queue}/jobs"): Rule.VIEWER,
    ("GET", "/metrics"): Rule.VIEWER,  # the setting metrics_access may open it further
    ("GET", "/queues/{queue}/line"): Rule.VIEWER,
    ("GET", "/events"): Rule.VIEWER,
    ("GET", "/overview"): Rule.VIEWER,
    ("GET", "/attention"): Rule.VIEWER,
    ("GET", "/plan"): Rule.ADMIN,
    ("GET", "/plan/snapshot"): Rule.ADMIN,
    ("POST", "/what-if"): Rule.VIEWER,
    ("GET", "/replicas"): Rule.ADMIN,
    ("GET", "/training_jobs/{job}/usage"): Rule.VIEWER,
    ("GET", "/nodes/{node}/usage"): Rule.VIEWER,
    ("GET", "/clusters/{cluster}/usage"): Rule.VIEWER,
    ("POST", "/node/{node_id}/usage"): Rule.NODE,
    ("POST", "/training_jobs"): Rule.MEMBER,
    ("GET", "/training_jobs"): Rule.VIEWER,
    ("POST", "/training_jobs/bulk"): Rule.MEMBER,
    ("POST", "/training_jobs/cancel"): Rule.MEMBER,
    ("GET", "/training_jobs/summary"): Rule.VIEWER,
    ("GET", "/training_jobs/{job}"): Rule.VIEWER,
    ("GET", "/training_jobs/{job}/elements"): Rule.VIEWER,
    ("POST", "/training_jobs/{job}/retry"): Rule.MEMBER,
    ("GET", "/training_jobs/{job}/explain"): Rule.VIEWER,
    ("GET", "/training_jobs/{job}/logs"): Rule.VIEWER,
    ("POST", "/training_jobs/{job}/logs"): Rule.MEMBER,
    ("GET", "/training_jobs/{job}/events"): Rule.VIEWER,
    ("GET", "/training_jobs/{job}/wait"): Rule.VIEWER,
    ("WS", "/training_jobs/{job}/exec"): Rule.MEMBER,
    ("PATCH", "/training_jobs/{job}"): Rule.MEMBER,
    ("POST", "/training_jobs/{job}/cancel"): Rule.MEMBER,
    ("PATCH", "/training_jobs/{job_id}/status"): Rule.ADMIN,
    ("POST", "/node/{node_id}/status"): Rule.NODE,
    ("WS", "/node/{node_id}/tunnels/{tunnel_id}"): Rule.NODE,
    ("POST", "/node/{node_id}/logs/{job_id}/{attempt}/{rank}"): Rule.NODE,
}

_RANK: Mapping[str | None, int] = {Role.VIEWER: 1, Role.MEMBER: 2, Role.ADMIN: 3}
_SCOPE_RANK: Mapping[KeyScope, int] = {KeyScope.READ: 1, KeyScope.SUBMIT: 2, KeyScope.ADMIN: 3}


def allows(rule: Rule, principal: Principal | None) -> bool:
    """Whether this caller (None: without a credential) satisfies the rule."""
    if rule is Rule.PUBLIC:
        return True
    if principal is None:
        return False
    if rule is Rule.NODE:
        return principal.kind is PrincipalKind.NODE
    if principal.kind is not PrincipalKind.USER:
        return False
    if rule is Rule.ACCOUNT:
        return principal.scope is KeyScope.ADMIN
    needed = _RANK[Role(rule.value)]
    return _RANK.get(principal.role, 0) >= needed and _SCOPE_RANK[principal.scope] >= needed


def check(rule: Rule, principal: Principal) -> None:
    """Raise `Forbidden` with the reason unless the rule allows this caller."""
    if allows(rule, principal):
        return
    if rule is Rule.NODE:
        raise Forbidden("Forbidden: this call is for agents; it needs an API key of the node's cluster.")
    if principal.kind is PrincipalKind.NODE:
        raise Forbidden(
            "Forbidden: a cluster's key is only good for the reports of nodes; use the API key of a person."
        )
    scope = _scope_for(rule)
    if rule is Rule.ACCOUNT or _SCOPE_RANK[principal.scope] < _SCOPE_RANK[scope]:
        raise Forbidden(
            f"Forbidden: this needs a login or an API key of scope {scope}; the key used has scope {principal.scope}."
        )
    raise Forbidden(f"Forbidden: this needs the role {rule}; {principal.username} is {principal.role}.")


def _scope_for(rule: Rule) -> KeyScope:
    """The least scope of an API key that is good for a rule."""
    return {Rule.VIEWER: KeyScope.READ, Rule.MEMBER: KeyScope.SUBMIT}.get(rule, KeyScope.ADMIN)
