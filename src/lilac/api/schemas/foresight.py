"""Questions to the scheduler, and moving jobs in line."""

from __future__ import annotations

from pydantic import Field

from lilac.api.schemas.fields import Body, Int32, Name
from lilac.api.schemas.jobs import SubmitJob


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
