"""What a report says about this moment: kept in memory, for jobs and nodes as the API shows them."""

from __future__ import annotations

from typing import Any

from lilac.api.schemas.node import read_report
from lilac.control.fleet import Disk, Fleet, Progress
from lilac.model.clusters import Inventory, Node
from lilac.model.ids import ClusterId, JobId, NodeId, ReplicaKey
from lilac.model.states import NodeState

JOB = JobId("1b2e0000-0000-0000-0000-000000000000")


def report(*progress: Any, **more: Any) -> dict[str, Any]:
    return {
        "protocol": 1,
        "memory_info": 1,
        "cpu_info": {"millicores": 1},
        "replicas": [
            {"job_id": JOB, "attempt": 1, "rank": rank, "state": "preparing", "progress": told}
            for rank, told in enumerate(progress)
        ],
        **more,
    }


def test_progress_and_disk_are_read_from_a_report() -> None:
    told = read_report(
        report({"step": "pull", "done": 5, "total": 9}, {"step": "pull", "done": 1, "total": None}, None)
        | {"disk": {"total_mb": 100, "free_mb": 40}}
    )
    assert told.progress == {
        ReplicaKey(JOB, 1, 0): Progress("pull", 5, 9),
        ReplicaKey(JOB, 1, 1): Progress("pull", 1, None),
    }
    assert told.disk == Disk(100, 40)


def test_odd_words_are_no_progress_and_no_fault() -> None:
    odd = ["x", {"step": 3}, {"step": "pull"}, {"step": "pull", "done": -1}, {"step": "pull", "done": True}, []]
    told = read_report(report(*odd, disk={"total_mb": "much"}))
    assert (told.progress, told.disk) == ({}, None)


def node(name: str) -> Node:
    inventory = Inventory(cpu_millicores=1, memory_mb=1)
    return Node(
        id=NodeId(name),
        cluster_id=ClusterId("c"),
        name=name,
        state=NodeState.AVAILABLE,
        inventory=inventory,
        last_heartbeat=0,
    )


def test_the_replicas_of_a_job_are_added_up_and_forgotten_when_no_longer_told() -> None:
    fleet = Fleet()
    one, two = fleet.put_node(node("a"), seen=0), fleet.put_node(node("b"), seen=0)
    fleet.tell_live(one, {ReplicaKey(JOB, 2, 0): Progress("pull", 5, 10)}, Disk(100, 40))
    fleet.tell_live(two, {ReplicaKey(JOB, 2, 1): Progress("pull", 1, 10)}, None)
    assert fleet.progress(JOB, 2) == Progress("pull", 6, 20)
    assert fleet.progress(JOB, 1) is None
    assert fleet.disk(NodeId("a")) == Disk(100, 40)
    fleet.tell_live(one, {ReplicaKey(JOB, 2, 0): Progress("pull", 7, None)}, None)
    assert fleet.progress(JOB, 2) == Progress("pull", 8, None)
    fleet.tell_live(one, {}, None)
    assert fleet.progress(JOB, 2) == Progress("pull", 1, 10)
    fleet.drop_node(NodeId("b"))
    assert fleet.progress(JOB, 2) is None
    assert fleet.disk(NodeId("b")) is None
