"""Looking into plans: the last one, the state it was made from, and what would be if something were different.

What-if runs the scheduler forward on copies of the state, in a thread, one question at a time; nothing is changed and
nothing is kept. Members are told of their own jobs by name and of others only how many would start earlier or later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lilac.control.directory import Directory
from lilac.control.jobs import Jobs
from lilac.control.loop import LIVE_POLICY, SchedulingLoop
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.control.times import rfc3339
from lilac.model.accounts import Role
from lilac.model.ids import JobId, NodeId, UserId
from lilac.model.jobs import Job, JobSpec, check_spec
from lilac.model.states import JobState
from lilac.scheduling import NodeView, Reason, RunningJob, WaitingJob, plan
from lilac.scheduling.line import turn_of
from lilac.scheduling.picture import Picture, to_json
from lilac.scheduling.whatif import (
    MOST_WAITING,
    AddNodes,
    Cancel,
    Difference,
    DrainNode,
    Edit,
    Reprioritize,
    Submit,
    edited,
    foretell,
    what_if,
)

MOST_LISTED = 100
_MOST_REASONS = 20
_ASKED = JobId("what-if")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What shall be different. Jobs and nodes by id or name."""

    submit: JobSpec | None = None
    cancel: Sequence[str] = ()
    priorities: Mapping[str, int] = field(default_factory=dict[str, int])
    drain: Sequence[str] = ()
    add_nodes: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many more nodes like which."""


class Foresight:
    """The service behind `/what-if` and `/plan`."""

    def __init__(
        self,
        clock: Callable[[], float],
        projection: Projection,
        loop: SchedulingLoop,
        jobs: Jobs,
        directory: Directory,
    ) -> None:
        self._clock = clock
        self._projection = projection
        self._loop = loop
        self._jobs = jobs
        self._directory = directory
        self._one_at_a_time = asyncio.Semaphore(1)

    async def what_if(self, principal: Principal, question: Question) -> dict[str, Any]:
        """Which waiting jobs would start earlier or later than as things are.

        Raises:
            NotFound: a job, node or queue is not there, or not to be seen by the caller.
        """
        edits = await self._edits(principal, question)
        async with self._one_at_a_time:
            picture = self._picture()
            found = await asyncio.to_thread(what_if, picture, edits, LIVE_POLICY)
            asked = await asyncio.to_thread(_answer, picture, edits) if question.submit is not None else None
        start = next((each.after for each in found if each.job.id == _ASKED), None)
        own = [
            each
            for each in found
            if each.job.id != _ASKED and (principal.role is not Role.MEMBER or each.job.owner_id == principal.user_id)
        ]
        shown = {each.job.id for each in own}
        others = [each for each in found if each.job.id not in shown and each.job.id != _ASKED]
        names = await self._jobs.names_of([each.job.id for each in own[:MOST_LISTED]])
        return {
            "now": rfc3339(picture.now),
            "submitted": None if asked is None else {"start": rfc3339(start), **self._as_seen(principal, asked)},
            "jobs": [_difference(each, names) for each in own[:MOST_LISTED]],
            "more": max(0, len(own) - MOST_LISTED),
            "others": {
                "earlier": sum(_is_earlier(each) for each in others),
                "later": sum(not _is_earlier(each) for each in others),
            },
            "left_out": max(0, len(picture.waiting) - MOST_WAITING),
        }

    def _as_seen(self, principal: Principal, asked: _Answer) -> dict[str, Any]:
        """The answer with names of nodes; of the jobs that would make room, a member is told of their own, and how
        many others there are."""
        seen = [j for j in asked.preempts if principal.role is not Role.MEMBER or j.owner_id == principal.user_id]
        return {
            "starts_now": asked.reason is None,
            "code": None if asked.reason is None else str(asked.reason.code),
            "message": None if asked.reason is None else asked.reason.message.replace(f"user {asked.owner_id}", "you"),
            "nodes": [{"id": node, "name": self._projection.fleet.node_name(node)} for node in asked.nodes],
            "preempts": [job.id for job in seen],
            "preempts_others": len(asked.preempts) - len(seen),
        }

    def last_plan(self) -> dict[str, Any]:
        """What the last pass decided, and the first of the reasons why the rest waits."""
        decided, counts = self._loop.plan_in_force(), self._projection.board.counts()
        waiting = self._projection.board.snapshot().waiting
        blocked: list[dict[str, Any]] = []
        shapes = list(decided.blocked) if decided is not None else []
        for shape in shapes[:_MOST_REASONS]:
            assert decided is not None
            reason = decided.blocked[shape]
            jobs = sum(len(group) for group in waiting.groups(shape.queue_id) if group.shape == shape)
            blocked.append(
                {"queue_id": shape.queue_id, "jobs": jobs, "code": str(reason.code), "message": reason.message}
            )
        return {
            "at": rfc3339(self._loop.last_planned_at),
            "passes": self._loop.passes,
            "waiting": counts.waiting,
            "running": counts.running,
            "starts": [_places(each) for each in decided.starts[:MOST_LISTED]] if decided is not None else [],
            "grows": [_places(each) for each in decided.grows] if decided is not None else [],
            "shrinks": [{"job_id": s.job_id, "ranks": list(s.ranks)} for s in decided.shrinks] if decided else [],
            "preemptions": [each.job_id for each in decided.preemptions] if decided is not None else [],
            "making_room_for": decided.making_room_for if decided is not None else None,
            "blocked": blocked,
            "blocked_shapes": len(shapes),
        }

    async def line(self, principal: Principal, queue_ref: str, limit: int) -> dict[str, Any]:
        """The waiting jobs of a queue in turn, each with its place, its expected start, and why it waits.

        Members see their own. Raises `NotFound` for an unknown queue.
        """
        queue = self._jobs.queue(queue_ref)
        async with self._one_at_a_time:
            picture = self._picture()
            starts = await asyncio.to_thread(foretell, picture, LIVE_POLICY)
        turns = sorted((j for j in picture.waiting if j.shape.queue_id == queue.id), key=turn_of)
        seen = [
            (place, job)
            for place, job in enumerate(turns, 1)
            if principal.role is not Role.MEMBER or job.owner_id == principal.user_id
        ][:limit]
        names = await self._jobs.names_of([job.id for _, job in seen])
        owners = await self._jobs.owners_of({job.owner_id for _, job in seen if job.owner_id is not None})
        decided = self._loop.plan_in_force()
        shown: list[dict[str, Any]] = []
        for place, job in seen:
            reason = decided.reason_for(job) if decided is not None else None
            shown.append(
                {
                    "job_id": job.id,
                    "job_name": names.get(job.id),
                    "owner": owners.get(job.owner_id) if job.owner_id is not None else None,
                    "priority": job.priority,
                    "position": place,
                    "expected_start": rfc3339(starts.get(job.id)),
                    "code": None if reason is None else str(reason.code),
                    "message": None if reason is None else self._jobs.named(reason).message,
                }
            )
        return {"jobs": shown, "waiting_jobs": len(turns)}

    def snapshot(self) -> dict[str, Any]:
        """The state as the scheduler sees it now, to be planned again elsewhere (`lilac replay`)."""
        return to_json(self._picture())

    def _picture(self) -> Picture:
        return Picture.of(self._projection.board.snapshot(), self._clock())

    async def _edits(self, principal: Principal, question: Question) -> list[Edit]:
        edits: list[Edit] = [Cancel((await self._jobs.get(principal, ref)).id) for ref in question.cancel]
        for ref, priority in question.priorities.items():
            edits.append(Reprioritize((await self._jobs.get(principal, ref)).id, priority))
        edits += [DrainNode((await self._directory.node(ref)).node.id) for ref in question.drain]
        for ref, count in question.add_nodes.items():
            edits.append(AddNodes(NodeView.of((await self._directory.node(ref)).node), count))
        if question.submit is not None:
            check_spec(question.submit)
            edits.append(Submit(_as_waiting(question.submit, principal, self._clock())))
        return edits


def _as_waiting(spec: JobSpec, principal: Principal, now: float) -> WaitingJob:
    job = Job(
        id=_ASKED,
        seq=2**62,
        spec=spec,
        state=JobState.QUEUED,
        owner_id=principal.user_id,
        submitted_at=now,
        updated_at=now,
    )
    return replace(WaitingJob.of(job), seq=2**62)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a plan made now says of the job that is asked for: where it would start, or why it would not."""

    reason: Reason | None
    owner_id: UserId | None
    nodes: Sequence[NodeId]
    preempts: Sequence[RunningJob]
    """Who would make room for it."""


def _answer(picture: Picture, edits: Sequence[Edit]) -> _Answer:
    for edit in edits:
        picture = edited(picture, edit)
    decided = plan(picture.snapshot(), picture.now, LIVE_POLICY)
    job = next(job for job in picture.waiting if job.id == _ASKED)
    gone = {each.job_id for each in decided.preemptions} if decided.making_room_for == _ASKED else set[JobId]()
    return _Answer(
        reason=decided.reason_for(job),
        owner_id=job.owner_id,
        nodes=next((_places(each)["nodes"] for each in decided.starts if each.job_id == _ASKED), ()),
        preempts=[running for running in picture.running if running.id in gone],
    )


def _is_earlier(each: Difference) -> bool:
    return each.after is not None and (each.before is None or each.after < each.before)


def _difference(each: Difference, names: Mapping[JobId, str]) -> dict[str, Any]:
    return {
        "job_id": each.job.id,
        "job_name": names.get(each.job.id),
        "queue_id": each.job.shape.queue_id,
        "before": rfc3339(each.before),
        "after": rfc3339(each.after),
    }


def _places(each: Any) -> dict[str, Any]:
    return {"job_id": each.job_id, "nodes": list(dict.fromkeys(place.node_id for place in each.placements))}
