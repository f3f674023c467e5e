"""Questions to the scheduler, and moving jobs in line."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Body, Int32, Name, Shape
from lilac.api.schemas.jobs import SubmitJob
from lilac.scheduling import ReasonCode


class MoveJob(Body):
    """Another place in line for a job that waits. What is left out stays."""

    priority: Int32 | None = Field(None, description="Within its queue; higher first.")
    queue_id: Name | None = Field(None, description="Id or name of another queue.")


class OtherPriority(Body):
    job: Name
    priority: Int32


class MoreNodes(Body):
    like: Name = Field(description="Id or name of a node.")
    count: Int32 = Field(1, ge=1, le=1000)


class WhatIfBody(Body):
    """What shall be different; all of it together. Jobs and nodes by id or name."""

    submit: SubmitJob | None = Field(None, description="This job is submitted.")
    cancel: list[Name] = Field(default_factory=list[str], max_length=1000, description="These jobs are cancelled.")
    priorities: list[OtherPriority] = Field(
        default_factory=list[OtherPriority], max_length=1000, description="These jobs get other priorities."
    )
    drain: list[Name] = Field(default_factory=list[str], max_length=1000, description="These nodes are drained.")
    add_nodes: list[MoreNodes] = Field(
        default_factory=list[MoreNodes], max_length=16, description="So many more nodes like these."
    )


class NamedNode(Shape):
    id: str
    name: str | None


class Foretold(Shape):
    start: str | None = Field(description="The latest to expect; null if it can never start, or nobody knows.")
    starts_now: bool
    code: ReasonCode | None = Field(description="Why it would wait.")
    message: str | None
    nodes: list[NamedNode] = Field(description="Where it would start now.")
    preempts: list[str] = Field(description="The jobs that would make room for it, of those that the caller may see.")
    preempts_others: int = Field(description="How many jobs besides would make room for it.")


class DifferenceShape(Shape):
    job_id: str
    job_name: str | None
    queue_id: str
    before: str | None = Field(description="When it starts as things are.")
    after: str | None


class OthersShape(Shape):
    earlier: int
    later: int


class WhatIfShape(Shape):
    now: str
    submitted: Foretold | None = Field(description="About the job in `submit`.")
    jobs: list[DifferenceShape] = Field(description="Jobs that the caller may see and that start at another time.")
    more: int = Field(description="How many more of these there are.")
    others: OthersShape
    left_out: int = Field(description="Waiting jobs at the end of the line that were not looked at.")


class PlacesShape(Shape):
    job_id: str
    nodes: list[str]


class ShrinkShape(Shape):
    job_id: str
    ranks: list[int]


class BlockedShape(Shape):
    queue_id: str
    jobs: int
    code: ReasonCode
    message: str


class PlanShape(Shape):
    at: str | None
    passes: int
    waiting: int
    running: int
    starts: list[PlacesShape]
    grows: list[PlacesShape]
    shrinks: list[ShrinkShape]
    preemptions: list[str]
    making_room_for: str | None
    blocked: list[BlockedShape]
    blocked_shapes: int


class InLineShape(Shape):
    job_id: str
    job_name: str | None
    owner: str | None
    priority: int
    position: int
    expected_start: str | None
    code: ReasonCode | None
    message: str | None


class LineShape(Shape):
    jobs: list[InLineShape]
    waiting_jobs: int
