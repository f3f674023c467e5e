"""Who sees which events: the same that may see the things they are about.

Administrators see all. Viewers see all but what is about accounts and keys of others. Members moreover see of jobs
only their own (an event of a job carries its owner as `user_id`). Everybody sees clusters, nodes and queues change.
"""

from __future__ import annotations

from dataclasses import dataclass

from lilac.control.principals import Principal
from lilac.model.accounts import Role
from lilac.model.events import ACCOUNT_EVENTS, Event
from lilac.model.ids import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of the history somebody sees."""

    jobs_of: UserId | None = None
    """Of jobs only those of this owner; None for all."""
    accounts_of: UserId | None = None
    """Of accounts and keys only those of this user; None for all."""

    def sees(self, event: Event) -> bool:
        if self.jobs_of is not None and event.job_id is not None and event.user_id != self.jobs_of:
            return False
        about_others = event.kind in ACCOUNT_EVENTS and event.user_id != self.accounts_of
        return self.accounts_of is None or not about_others


EVERYTHING = Sight()


def sight_of(principal: Principal) -> Sight:
    if principal.role is Role.ADMIN:
        return EVERYTHING
    nobody = UserId("")
    user_id = principal.user_id or nobody
    return Sight(jobs_of=None if principal.role is Role.VIEWER else user_id, accounts_of=user_id)
