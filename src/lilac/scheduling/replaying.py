"""Planning a picture again, with the answer as plain values and a digest to compare."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Any

from lilac.scheduling.passing import Policy
from lilac.scheduling.picture import Picture
from lilac.scheduling.planning import plan
from lilac.scheduling.plans import Grow, Start

EVERYTHING_ON = Policy(growth=True, preemption=True)
"""How a control plane plans."""


def replayed(picture: Picture, policy: Policy = EVERYTHING_ON) -> dict[str, Any]:
    """The plan of a picture. Jobs that wait for the same reason are counted together, the most first."""
    made = plan(picture.snapshot(), picture.now, policy)
    waits = Counter(
        (str(reason.code), reason.message) for job in picture.waiting if (reason := made.reason_for(job)) is not None
    )
    decided = repr((made.starts, made.grows, made.shrinks, made.preemptions))
    return {
        "starts": [_places(each) for each in made.starts],
        "grows": [_places(each) for each in made.grows],
        "shrinks": [{"job_id": each.job_id, "ranks": list(each.ranks)} for each in made.shrinks],
        "preemptions": [each.job_id for each in made.preemptions],
        "making_room_for": made.making_room_for,
        "blocked": [
            {"jobs": jobs, "code": code, "message": message}
            for (code, message), jobs in sorted(waits.items(), key=lambda each: (-each[1], each[0]))
        ],
        "digest": blake2b(decided.encode(), digest_size=12).hexdigest(),
    }


def _places(each: Start | Grow) -> dict[str, Any]:
    return {"job_id": each.job_id, "nodes": list(dict.fromkeys(place.node_id for place in each.placements))}
