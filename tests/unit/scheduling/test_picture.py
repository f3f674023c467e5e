"""Pictures of the state: kept as JSON, planned again, and changed to see what would be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from lilac.model.ids import JobId, NodeId
from lilac.scheduling import Policy, plan
from lilac.scheduling.picture import Picture, from_json, to_json
from lilac.scheduling.replaying import replayed
from lilac.scheduling.whatif import AddNodes, Cancel, DrainNode, Reprioritize, Submit, edited, foretell, what_if

from .builders import NOW, job, node, run, shape, started, world
from .crowd import crowd
from .test_limits import quick as quick
from .test_limits import shared_worlds
from .worlds import World

EVERYTHING = Policy(preemption=True, growth=True)


@quick
@given(shared_worlds())
def test_a_picture_survives_json_and_gives_the_same_plan(world_: World):
    snapshot = world_.snapshot()
    picture = Picture.of(snapshot, NOW)
    again = from_json(json.loads(json.dumps(to_json(picture))))
    assert again == picture
    assert plan(again.snapshot(), NOW, EVERYTHING) == plan(snapshot, NOW, EVERYTHING)


def test_equal_states_give_equal_json_and_replays():
    first, second = (Picture.of(crowd(), NOW) for _ in range(2))
    assert json.dumps(to_json(first)) == json.dumps(to_json(second))
    told = replayed(first)
    assert told == replayed(from_json(json.loads(json.dumps(to_json(first)))))
    assert len(told["starts"]) + sum(each["jobs"] for each in told["blocked"]) == len(first.waiting)


@pytest.mark.parametrize("wrong", [{}, {"format": 2}, {"format": 1}, {"format": 1, "now": 0, "shapes": [{}]}])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="snapshot"):
        from_json(wrong)


def line() -> Picture:
    """One node of 8 GPUs, held for ten minutes by `r1`; two jobs wait."""
    busy = [run("r1", shape(8, limit=600), ("n1", range(8)))]
    waiting = [job("w1", shape(8, limit=100)), job("w2", shape(8, limit=100))]
    return Picture.of(world([node("n1", 8)], waiting, busy), NOW)


def told(picture: Picture, *edits) -> dict[str, tuple[float | None, float | None]]:
    def after(at):
        return None if at is None else at - NOW

    return {each.job.id: (after(each.before), after(each.after)) for each in what_if(picture, edits)}


def test_the_future_as_it_is():
    assert foretell(line()) == {"w1": NOW + 600, "w2": NOW + 700}
    assert told(line()) == {}


def test_what_if_a_job_is_cancelled():
    assert told(line(), Cancel(JobId("r1"))) == {"w1": (600, 0), "w2": (700, 100)}
    assert told(line(), Cancel(JobId("w1"))) == {"w1": (600, None), "w2": (700, 600)}


def test_what_if_a_job_gets_another_priority():
    assert told(line(), Reprioritize(JobId("w2"), 5)) == {"w2": (700, 600), "w1": (600, 700)}


def test_what_if_there_were_more_nodes_and_if_one_were_drained():
    picture = line()
    (machine,) = picture.nodes
    assert told(picture, AddNodes(machine, 2)) == {"w1": (600, 0), "w2": (700, 0)}
    assert told(picture, DrainNode(NodeId("n1"))) == {"w1": (600, None), "w2": (700, None)}


def test_what_if_a_job_is_submitted():
    urgent = job("new", shape(8, limit=50), seq=9, priority=1)
    assert told(line(), Submit(urgent)) == {"new": (None, 600), "w1": (600, 650), "w2": (700, 750)}
    assert told(line(), Submit(job("new", shape(0), seq=9))) == {"new": (None, 0)}


def test_a_change_of_what_is_not_there_changes_nothing():
    picture = line()
    for edit in (Cancel(JobId("x")), Reprioritize(JobId("x"), 1), DrainNode(NodeId("x"))):
        assert edited(picture, edit) == picture
    assert started(plan(picture.snapshot(), NOW)) == []
