"""Named volumes and host paths through the control plane: who has them, where they are, what waits for them."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from lilac.api.schemas.node import write_legacy_reply
from lilac.control.nodes import Assignment
from lilac.control.submitting import Order
from lilac.model.accounts import Role
from lilac.model.errors import InvalidInput
from lilac.model.events import Event
from lilac.model.indices import IndexSet
from lilac.model.surroundings import VolumeMount
from lilac.store.events import list_events
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand

MODELS = VolumeMount(name="models", path="/models")


@dataclass
class Agent(FakeAgent):
    host_paths: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def body(self, wait_s: float = 0) -> dict[str, Any]:
        more = {"removed_volumes": list(self.removed)} if self.removed else {}
        return super().body(wait_s) | {"features": ["volumes"], "host_paths": list(self.host_paths)} | more


async def two_nodes(stand: Stand) -> tuple[Agent, Agent]:
    nodes = Agent(stand, name="node-1"), Agent(stand, name="node-2")
    for node in nodes:
        await node.beat()
    return nodes


async def node_of(stand: Stand, job_id: str) -> str | None:
    await stand.settle()
    return (await stand.job(job_id)).node_id


async def test_jobs_go_to_where_the_data_of_their_volume_is(stand: Stand) -> None:
    nodes = await two_nodes(stand)
    first = await stand.submit(volumes=(MODELS,), cpu=3000)
    at = await node_of(stand, first)
    (holder,) = [node for node in nodes if node.node_id == at]
    # As many as fill the other node too: none of them goes there.
    later = [await stand.submit(volumes=(MODELS,), cpu=3000) for _ in range(2)]
    assert [await node_of(stand, job) for job in later] == [None, None]
    elsewhere = await stand.submit(cpu=3000)
    assert await node_of(stand, elsewhere) not in (None, at)
    reason = await stand.platform.jobs.waiting.reason(await stand.job(later[0]))
    assert reason is not None
    assert holder.name in reason.message
    await holder.beat()
    (listed,) = holder.reply["replicas"]
    (shown,) = await stand.platform.volumes.list(stand.user)
    assert listed["volumes"] == [
        {"name": "models", "host_path": None, "path": "/models", "read_only": False, "volume_id": shown.volume.id}
    ]
    assert (shown.volume.node_id, shown.node_name, shown.owner) == (at, holder.name, "ada")
    await stand.restart()
    for node in nodes:
        await node.beat()
    await holder.run_until_running()
    holder.become("succeeded", exit_code=0)
    await holder.beat()
    assert await node_of(stand, later[0]) == at
    await stand.check()


async def test_two_that_are_the_first_at_once_share_one_node(stand: Stand) -> None:
    jobs = [await stand.submit(volumes=(MODELS,), cpu=3000) for _ in range(2)]
    await asyncio.gather(*(node.beat() for node in (Agent(stand, name="node-1"), Agent(stand, name="node-2"))))
    places = [await node_of(stand, job) for job in jobs]
    assert sum(place is not None for place in places) == 1
    await stand.check()


async def test_all_elements_of_an_array_share_its_volume(stand: Stand) -> None:
    order = Order(spec=stand.spec(volumes=(MODELS,), cpu=1500), indices=IndexSet.of(range(6)))
    await stand.platform.jobs.submitting.submit(stand.user, order)
    nodes = await two_nodes(stand)
    await stand.settle()
    for node in nodes:
        await node.beat()
    assert sorted(len(node.held) for node in nodes) == [0, 2]
    assert len(await stand.platform.volumes.list(stand.user)) == 1
    await stand.check()


async def test_a_lost_node_keeps_its_volumes_jobs_waiting_and_explain_says_so(stand: Stand) -> None:
    node = Agent(stand, name="node-1")
    await node.beat()
    job = await stand.submit(volumes=(MODELS,))
    assert await node_of(stand, job) == node.node_id
    other = Agent(stand, name="node-2")
    await stand.pass_time(3600)
    await other.beat()
    await stand.settle()
    assert await stand.state(job) == "queued"
    told = await stand.platform.jobs.waiting.reason(await stand.job(job))
    assert told is not None
    assert "node-1 could, but gets no new work now" in told.message


async def test_what_cannot_be_is_refused_before_it_is_stored(stand: Stand) -> None:
    nodes = await two_nodes(stand)
    nodes[0].host_paths = ("/data:ro",)
    await nodes[0].beat()
    for path, read_only, sentence in (
        ("/data", False, r"no node of queue default allows the host path /data for writing; .*read_only"),
        ("/dat", True, r"allows the host path /dat\. .*allowed_host_paths"),
        ("/", True, "allows the host path /"),
    ):
        with pytest.raises(InvalidInput, match=sentence):
            await stand.submit(volumes=(VolumeMount(host_path=path, path="/in", read_only=read_only),))
    with pytest.raises(InvalidInput, match="no volume 'models' that could be read"):
        await stand.submit(volumes=(VolumeMount(name="models", path="/in", read_only=True),))
    assert await stand.platform.volumes.list(stand.user) == []
    job = await stand.submit(volumes=(VolumeMount(host_path="/data/x", path="/in", read_only=True),))
    assert await node_of(stand, job) == nodes[0].node_id


async def test_volumes_on_different_nodes_are_not_used_together(stand: Stand) -> None:
    nodes = await two_nodes(stand)
    jobs = [await stand.submit(volumes=(VolumeMount(name=name, path="/in"),), cpu=3000) for name in "ab"]
    assert {await node_of(stand, job) for job in jobs} == {node.node_id for node in nodes}
    with pytest.raises(InvalidInput, match="on different nodes"):
        await stand.submit(volumes=(VolumeMount(name="a", path="/a"), VolumeMount(name="b", path="/b")))


async def test_the_routes_keep_to_the_owner(stand: Stand, client: Clients) -> None:
    ada, bob = await client(stand.user), await client(await stand.add_user("bob"))
    admin, viewer = await client(await stand.admin()), await client(await stand.add_user("vera", Role.VIEWER))
    made = await ada.post("/volumes", json={"name": "models"})
    assert made.status_code == 201
    fields = {"id", "name", "owner", "node_id", "node_name", "node_state", "created_at", "last_used_at"}
    assert set(made.json()) == fields
    volume_id = made.json()["id"]
    assert (await ada.post("/volumes", json={"name": "models"})).status_code == 409
    assert (await ada.post("/volumes", json={"name": "../models"})).status_code == 422
    assert (await viewer.post("/volumes", json={"name": "models"})).status_code == 403
    assert (await bob.post("/volumes", json={"name": "models"})).status_code == 201
    for who, count in ((ada, 1), (bob, 1), (admin, 2), (viewer, 0)):
        assert len((await who.get("/volumes")).json()["volumes"]) == count
    assert (await bob.get(f"/volumes/{volume_id}")).status_code == 404
    assert (await bob.delete(f"/volumes/{volume_id}")).status_code == 404
    assert "name it by its id" in (await admin.get("/volumes/models")).json()["error"]
    assert (await admin.get(f"/volumes/{volume_id}")).json()["owner"] == "ada"

    body = {
        "name": "job", "definition": "debian:12", "queue_id": "default",
        "resource_requirements": {"cpu_millicores": 100, "memory_mb": 64},
        "volumes": [{"name": "models", "path": "/models"}],
    }  # fmt: skip
    job = (await ada.post("/training_jobs", json=body)).json()["id"]
    shown = (await ada.get(f"/training_jobs/{job}")).json()["volumes"]
    assert shown == [{"name": "models", "host_path": None, "path": "/models", "read_only": False}]
    refused = await ada.delete("/volumes/models")
    assert refused.status_code == 409
    assert job in refused.json()["error"]
    assert (await bob.delete("/volumes/models")).status_code == 200
    assert (await ada.post(f"/training_jobs/{job}/cancel")).status_code == 200
    assert (await ada.delete("/volumes/models")).status_code == 200
    assert (await ada.get("/volumes/models")).status_code == 404
    kinds = [event["kind"] for event in (await ada.get("/events?limit=100")).json()["events"]]
    assert kinds.count("volume.created") == 1
    assert kinds.count("volume.deleted") == 1


async def with_data(stand: Stand) -> tuple[Agent, str]:
    """A node that has the data of the volume `models`, whose job has ended."""
    node = Agent(stand)
    await node.beat()
    await stand.submit(volumes=(MODELS,))
    await node.run_until_running()
    node.become("succeeded", exit_code=0)
    await node.beat()
    await node.beat()
    (shown,) = await stand.platform.volumes.list(stand.user)
    return node, shown.volume.id


async def told(stand: Stand, kind: str) -> list[Event]:
    events = await stand.platform.db.read(list_events, after=0, limit=1000)
    return [event for event in events if event.kind == kind]


async def test_the_agent_is_asked_to_delete_the_data_until_it_says_that_it_is_gone(stand: Stand) -> None:
    node, volume_id = await with_data(stand)
    assert node.reply["removed_volumes"] == []
    await stand.platform.volumes.delete(stand.user, "models")
    assert await stand.platform.volumes.list(stand.user) == []
    before = node.revision
    await node.beat()
    assert node.reply["removed_volumes"] == [volume_id]
    assert node.revision != before
    await stand.restart()
    await node.beat()
    assert node.reply["removed_volumes"] == [volume_id]
    # The name is free at once, and another volume.
    await stand.platform.volumes.create(stand.user, "models")
    stranger = Agent(stand, name="node-2", removed=(volume_id,))
    await stranger.beat()
    await node.beat()
    assert node.reply["removed_volumes"] == [volume_id]
    node.removed = (volume_id, "no id", str(uuid.uuid4()))
    await node.beat()
    assert node.reply["removed_volumes"] == []
    (gone,) = await told(stand, "volume.data_deleted")
    assert (gone.node_id, gone.actor, gone.user_id) == (node.node_id, "node:node-1", stand.user.user_id)
    assert gone.data == {"id": volume_id, "name": "models"}
    await stand.restart()
    node.removed = ()
    await node.beat()
    assert node.reply["removed_volumes"] == []
    assert len(await stand.platform.volumes.list(stand.user)) == 1
    await stand.check()


async def test_a_lost_node_deletes_the_data_when_it_is_back(stand: Stand) -> None:
    node, volume_id = await with_data(stand)
    await stand.pass_time(3600)
    (shown,) = await stand.platform.volumes.list(stand.user)
    assert shown.node_state == "lost"
    await stand.platform.volumes.delete(stand.user, "models")
    assert await stand.platform.volumes.list(stand.user) == []
    node.restart()
    await node.beat()
    assert node.reply["removed_volumes"] == [volume_id]


async def test_with_a_removed_node_its_deletions_are_forgotten_and_its_volumes_say_what_to_do(stand: Stand) -> None:
    node, doomed_id = await with_data(stand)
    await stand.platform.volumes.delete(stand.user, "models")
    data = VolumeMount(name="data", path="/data")
    await stand.submit(volumes=(data,))
    await node.run_until_running()
    node.become("succeeded", exit_code=0)
    await node.beat()
    await stand.pass_time(3600)
    await stand.platform.directory.remove_node(ROOT, "node-1")
    (shown,) = await stand.platform.volumes.list(stand.user)
    removed = [event.data for event in await told(stand, "node.changed") if event.data.get("removed")]
    assert [each["volumes_left"] for each in removed] == [
        [f"models (lilac-{doomed_id})", f"data (lilac-{shown.volume.id})"]
    ]
    assert (shown.node_state, shown.node_name) == ("removed", None)
    with pytest.raises(InvalidInput, match=r"on a node that was removed.* lilac volumes rm data"):
        await stand.submit(volumes=(data,))
    # It comes back as the same node: its data can be used again, and what was forgotten is left to its owner.
    node.restart()
    await node.beat()
    assert node.reply["removed_volumes"] == []
    assert await node_of(stand, await stand.submit(volumes=(data,))) == node.node_id
    await stand.check()


async def test_a_volume_of_a_removed_node_can_be_deleted(stand: Stand) -> None:
    await with_data(stand)
    await stand.pass_time(3600)
    await stand.platform.directory.remove_node(ROOT, "node-1")
    await stand.platform.volumes.delete(stand.user, "models")
    (event,) = await told(stand, "volume.deleted")
    assert event.data["on_node"] == "left on a node that was removed"
    await stand.submit(volumes=(MODELS,))


async def test_an_original_agent_is_told_nothing_new(stand: Stand) -> None:
    answer = Assignment("r", (), doomed_volumes=("v",))
    assert write_legacy_reply(answer) == {"assigned_job": None}
