"""The two ends of a tunnel: a person's, into a replica of a job, and the agent's that dials back."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from lilac.api.auth import principal_of, router, socket
from lilac.control import tunnels
from lilac.control.platform import Platform
from lilac.model.errors import Conflict, Forbidden, InvalidInput, LilacError
from lilac.model.ids import ClusterId, NodeId, ReplicaKey, parse_uuid
from lilac.model.states import ReplicaState
from lilac.tunnel.frames import decode, error_frame, read_opening

routes = router("jobs")


@socket(routes, "/training_jobs/{job}/exec")
async def open_tunnel(person: WebSocket) -> None:
    """Run a command in a replica, or reach a port of it: frames of `lilac.tunnel.frames`, beginning with OPEN.

    Query: `rank` (0 by default).
    """
    platform: Platform = person.scope["app"].state.platform
    principal = principal_of(person)
    job = await platform.jobs.get(principal, person.path_params["job"])
    if not principal.may_change(job.owner_id):
        raise Forbidden("Only the owner of a job or an administrator may run commands in it.")
    rank = _rank(person.query_params.get("rank", "0"))
    key = ReplicaKey(job.id, job.attempt, rank)
    replica = await platform.jobs.replica(key) if job.attempt else None
    if replica is None or replica.state is not ReplicaState.RUNNING or replica.stop_wanted:
        state = f"its replica {rank} is {replica.state}" if replica is not None else f"it is {job.state}"
        hint = "" if replica is not None or not job.attempt else f", and it has no replica {rank}"
        raise Conflict(f"Nothing can be run in job {job.spec.name} now: {state}{hint}.", job_status=str(job.state))
    with platform.tunnels.expecting(principal, replica.node_id):
        await person.accept()
        end = _End(person)
        try:
            message = await _opening_of(end)
            if message is None:
                await end.close()
                return
            opening = read_opening(decode(message))
            tunnel = await platform.tunnels.open(principal, job, key, replica.node_id, opening)
        except LilacError as error:
            with suppress(ConnectionError):
                await end.send(error_frame(str(error)).encoded())
            await end.close()
            return
    await platform.tunnels.carry(tunnel, end, opening)


@socket(routes, "/node/{node_id}/tunnels/{tunnel_id}")
async def dial_back(agent: WebSocket) -> None:
    """The agent's end of a tunnel that the reply to its report has named."""
    platform: Platform = agent.scope["app"].state.platform
    cluster_id = principal_of(agent).cluster_id or ClusterId("")
    node_id = NodeId(parse_uuid(agent.path_params["node_id"]) or "")
    tunnel = platform.tunnels.claim(node_id, cluster_id, agent.path_params["tunnel_id"])
    await agent.accept()
    end = _End(agent)
    if not tunnel.agent_end.done():
        tunnel.agent_end.set_result(end)
        await tunnel.over.wait()
    await end.close()


class _End:
    """A WebSocket as one end of a tunnel."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._closed = False

    async def send(self, message: bytes) -> None:
        try:
            await self._websocket.send_bytes(message)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise ConnectionResetError("the other side is gone") from error

    async def receive(self) -> bytes | None:
        try:
            return await self._websocket.receive_bytes()
        except (WebSocketDisconnect, KeyError, RuntimeError):
            return None

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._websocket.close()
        except (WebSocketDisconnect, RuntimeError, OSError):
            return


async def _opening_of(end: _End) -> bytes | None:
    """The first message; None if the person is gone."""
    try:
        async with asyncio.timeout(tunnels.OPENING_WITHIN_S):
            return await end.receive()
    except TimeoutError:
        raise InvalidInput(
            f"Nothing was asked for within {tunnels.OPENING_WITHIN_S:.0f} s: a tunnel begins with an OPEN frame."
        ) from None


def _rank(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise InvalidInput(f"rank must be the number of a replica, not {text[:20]!r}.", field="rank")
    return int(text)
