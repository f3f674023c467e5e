"""Many jobs: lists with filters and pages, counts, and the elements of an array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.job_replies import ElementsShape, JobsShape, SummaryShape
from lilac.control import job_views
from lilac.control.platform import Platform
from lilac.control.principals import Principal
from lilac.control.times import from_rfc3339
from lilac.model.errors import InvalidInput, NotFound
from lilac.model.ids import JobId, parse_uuid
from lilac.model.jobs import JobKind
from lilac.model.states import JobState
from lilac.store.listing import JobFilter

routes = router("jobs")
_MOST_IDS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters as they stand in the query."""

    id: Annotated[str | None, Query(description="One or several ids, with commas between.")] = None
    name: str | None = None
    status: Annotated[str | None, Query(description="One or several states, with commas between.")] = None
    queue_id: Annotated[str | None, Query(description="Id or name of a queue.")] = None
    owner: Annotated[str | None, Query(description="A user's name, or me.")] = None
    label: Annotated[list[str] | None, Query(description="key=value; may be given several times.")] = None
    q: Annotated[str | None, Query(description="Text in the name, in any case.", max_length=255)] = None
    kind: JobKind | None = None
    since: Annotated[str | None, Query(description="Submitted at this time or later (RFC 3339).")] = None
    until: Annotated[str | None, Query(description="Submitted before this time (RFC 3339).")] = None
    node: Annotated[str | None, Query(description="Id or name of a node: jobs whose first replica is there.")] = None
    array: Annotated[str | None, Query(description="An array: its elements that have begun.")] = None


WantedJobs = Annotated[Wanted, Depends()]


@routes.get("/training_jobs", operation_id="list_jobs", response_model=JobsShape)
async def list_jobs(
    request: Request,
    principal: Caller,
    wanted: WantedJobs,
    limit: int = Query(1000, ge=1, le=1000),
    after: str | None = Query(None, description="`next` of the page before."),
    waiting: bool = Query(False, description="Tell in short why those wait that do."),
) -> Response:
    """Jobs, newest first, as far as the caller may see them. An array is one entry with its elements counted."""
    platform: Platform = request.app.state.platform
    where = await _filter(platform, principal, wanted)
    if where is None:
        return Json({"jobs": [], "next": None})
    jobs = await platform.jobs.list(principal, where, limit=limit, before_seq=_cursor(after))
    following = str(jobs[-1].seq) if len(jobs) == limit else None
    shown = [platform.jobs.render(job, principal) for job in jobs]
    if waiting:
        for job, told in zip(jobs, shown, strict=True):
            reason = platform.jobs.waiting.in_short(job)
            told["waiting"] = {"code": str(reason.code), "message": reason.message} if reason is not None else None
    return Json({"jobs": shown, "next": following})


@routes.get("/training_jobs/summary", operation_id="summarize_jobs", response_model=SummaryShape)
async def summary(request: Request, principal: Caller, wanted: WantedJobs) -> Response:
    """How many jobs are in each state, of those that match. Every element of an array counts."""
    platform: Platform = request.app.state.platform
    where = await _filter(platform, principal, wanted)
    counts = dict.fromkeys(JobState, 0) if where is None else await platform.jobs.summary(principal, where)
    return Json({"counts": {str(state): count for state, count in counts.items()}, "total": sum(counts.values())})


@routes.get("/training_jobs/{job}/elements", operation_id="list_elements", response_model=ElementsShape)
async def elements(
    job: str,
    request: Request,
    principal: Caller,
    status: str | None = Query(None, description="One or several states, with commas between."),
    limit: int = Query(1000, ge=1, le=1000),
    after: str | None = Query(None, description="`next` of the page before."),
) -> Response:
    """The elements of an array by index, also those that have not begun."""
    platform: Platform = request.app.state.platform
    above = _cursor(after)
    array, found = await platform.jobs.elements(
        principal, job, states=_states(status), above=-1 if above is None else above, limit=limit
    )
    following = str(found[-1].array_index) if len(found) == limit else None
    return Json(
        {
            "array_id": array.id,
            "array": job_views.array_object(array),
            "jobs": [platform.jobs.render(each, principal) for each in found],
            "next": following,
        }
    )


async def _filter(platform: Platform, principal: Principal, wanted: Wanted) -> JobFilter | None:
    """What the query asks for; None if the caller cannot see any of it."""
    owner_id = await platform.jobs.owner_id(principal, wanted.owner) if wanted.owner is not None else None
    if wanted.owner is not None and owner_id is None:
        return None
    return JobFilter(
        ids=_ids(wanted.id) if wanted.id is not None else None,
        name=wanted.name,
        states=_states(wanted.status),
        queue_id=platform.jobs.queue(wanted.queue_id).id if wanted.queue_id is not None else None,
        owner_id=owner_id,
        labels=tuple(_label(label) for label in wanted.label or ()),
        text=text_to_find(wanted.q or None, "q"),
        kind=wanted.kind,
        since=_time(wanted.since, "since"),
        until=_time(wanted.until, "until"),
        **await _places(platform, principal, wanted),
    )


async def _places(platform: Platform, principal: Principal, wanted: Wanted) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if wanted.node is not None:
        stations = platform.projection.fleet.stations.values()
        node_id = parse_uuid(wanted.node) or next((s.node.id for s in stations if s.node.name == wanted.node), None)
        if node_id is None:
            raise NotFound(f"There is no node {wanted.node!r}.", field="node")
        facts["node_id"] = node_id
    if wanted.array is not None:
        facts["array_id"] = (await platform.jobs.get(principal, wanted.array)).id
    return facts


def _ids(words: str) -> tuple[JobId, ...]:
    found = tuple(JobId(_uuid(word, "id")) for word in words.split(","))
    if len(found) > _MOST_IDS:
        raise InvalidInput(f"id: at most {_MOST_IDS} jobs can be named in one call, not {len(found)}.", field="id")
    return found


def _states(words: str | None) -> tuple[JobState, ...] | None:
    return tuple(_state(word) for word in words.split(",")) if words is not None else None


def _state(word: str) -> JobState:
    try:
        return JobState(word.strip().lower())
    except ValueError:
        raise InvalidInput(f"status must be one of {', '.join(JobState)}, not {word!r}.", field="status") from None


def _label(text: str) -> str:
    if not text.partition("=")[1]:
        raise InvalidInput(f"label must be key=value, not {text!r}.", field="label")
    return text


def text_to_find(text: str | None, field: str) -> str | None:
    """What a name is to have in it. No name has a NUL character, and databases end a text at it."""
    if text is not None and "\0" in text:
        raise InvalidInput(f"{field} must not hold NUL characters.", field=field)
    return text


def _time(text: str | None, name: str) -> float | None:
    if text is None:
        return None
    at = from_rfc3339(text)
    if at is None:
        raise InvalidInput(f"{name} must be a time with its zone, such as 2026-11-24T04:00:00Z.", field=name)
    return at


def _cursor(after: str | None) -> int | None:
    if after is None:
        return None
    if not (after.isascii() and after.isdecimal()) or len(after) > 18:
        raise InvalidInput(f"after must be the `next` of a page before, not {after!r}.", field="after")
    return int(after)


def _uuid(text: str, name: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise InvalidInput(f"{name} must be a UUID, not {text!r}.", field=name)
    return found
