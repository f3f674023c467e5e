"""The few calls of the Docker Engine API that the agent makes, with two kinds of error.

`EngineAway`: nobody answers, so trying again later is right. `EngineError`: the engine answered no, with its words.
What the engine's client library leaves open (raw log frames, closing streams, connections without a limit) is done
here, so nothing else knows that library.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiodocker
import aiohttp
import orjson
from aiodocker.exceptions import DockerError
from aiodocker.execs import Exec
from aiodocker.stream import Stream

from lilac.agent.registries.credentials import Credential
from lilac.agent.registries.references import full_reference, registry_of_image
from lilac.model.errors import Unavailable

DEFAULT_HOST = "unix:///var/run/docker.sock"
ANSWER_PATIENCE_S = 120.0
_NOT_CONNECTED = 900
_NO_DETACH_KEYS = "ctrl-@,ctrl-^,ctrl-@,ctrl-^"
"""Nobody types that: the engine's default would swallow Ctrl-P."""


class EngineAway(Unavailable):
    """The engine cannot be reached."""


class EngineError(Exception):
    """The engine refused; `str()` is what it said, `status` the HTTP status (0 within a stream)."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class DockerEngine:
    """One engine, by its address as in DOCKER_HOST."""

    def __init__(self, host: str | None) -> None:
        self.host = host or DEFAULT_HOST
        self._client: aiodocker.Docker | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
            await client.connector.close()

    async def has_image(self, image: str) -> bool:
        return await self.image(image) is not None

    @property
    def is_local(self) -> bool:
        """Whether its files can be on this machine."""
        return self.host.startswith("unix://")

    async def info(self) -> dict[str, Any]:
        """Return what the engine says about itself."""
        async with self._asking():
            return await self._docker()._query_json("info")

    async def images(self) -> list[dict[str, Any]]:
        """Return all images that have a name, or had one."""
        async with self._asking():
            return await self._docker()._query_json("images/json")

    async def image(self, image: str) -> dict[str, Any] | None:
        """Return an image's details, or None if there is none of this name or id."""
        try:
            async with self._asking():
                return await self._docker().images.inspect(image)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    async def history(self, image: str) -> list[dict[str, Any]]:
        """Return the steps that an image was made of, newest first."""
        async with self._asking():
            return await self._docker()._query_json(f"images/{image}/history")

    async def remove_image(self, name: str) -> None:
        """Take a name from an image, and remove it with its last name; one that is gone is no error. Never by force:
        409 if a container has it."""
        try:
            async with self._asking():
                await self._docker()._query_json(f"images/{name}", "DELETE")
        except EngineError as error:
            if error.status != 404:
                raise

    async def pull(self, image: str, credential: Credential | None) -> AsyncIterator[dict[str, Any]]:
        """Pull one image and yield the engine's lines about it; takes as long as it takes."""
        headers: dict[str, str] = {}
        if credential is not None:
            if credential.registry != registry_of_image(image):  # the last guard: it belongs to another registry
                raise ValueError(f"a credential of {credential.registry} for {image}")
            headers["X-Registry-Auth"] = credential.header()
        params = {"fromImage": full_reference(image)}
        async with self._stream("images/create", params, method="POST", headers=headers) as response:
            async for line in _json_lines(response):
                if "error" in line or "errorDetail" in line:
                    detail = line.get("errorDetail") or {}
                    raise EngineError(0, str(detail.get("message") or line.get("error")))
                yield line

    async def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Create a container and return its id; 409 if the name is taken."""
        async with self._asking():
            return (await self._docker().containers.create(dict(config), name=name)).id

    async def put_archive(self, container: str, archive: bytes) -> None:
        """Unpack a tar archive at the root of a container's file system."""
        async with self._asking():
            await self._docker().containers.container(container).put_archive("/", archive)

    async def read_file(self, container: str, path: str) -> bytes:
        """Return a small file of a container, running or not; empty if there is none."""
        try:
            async with self._asking():
                with await self._docker().containers.container(container).get_archive(path) as tar:
                    member = tar.next()
                    content = tar.extractfile(member) if member is not None and member.isfile() else None
                    return content.read(1 << 20) if content is not None else b""
        except EngineError as error:
            if error.status == 404:
                return b""
            raise

    async def start(self, container: str) -> None:
        async with self._asking():
            await self._docker().containers.container(container).start()

    async def kill(self, container: str, signal: str) -> None:
        """Send a signal; a container that is not running any more is no error."""
        try:
            async with self._asking():
                await self._docker().containers.container(container).kill(signal=signal)
        except EngineError as error:
            if error.status not in (404, 409):
                raise

    async def inspect(self, container: str) -> dict[str, Any] | None:
        """Return the container's details, or None if there is none of this id or name."""
        try:
            async with self._asking():
                return await self._docker()._query_json(f"containers/{container}/json")
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    async def containers(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Return all containers, also ended ones, that have all these labels (`name=value`)."""
        filters = orjson.dumps({"label": list(labels)}).decode()
        async with self._asking():
            return await self._docker()._query_json("containers/json", params={"all": True, "filters": filters})

    async def remove(self, container: str) -> None:
        """Remove a container, running or not, with its anonymous volumes; one that is gone is no error."""
        try:
            async with self._asking():
                await self._docker().containers.container(container).delete(force=True, v=True)
        except EngineError as error:
            if error.status == 409 and "already in progress" in str(error):
                return
            if error.status != 404:
                raise

    async def remove_volume(self, name: str) -> None:
        """Delete a volume; one that is gone is no error."""
        try:
            async with self._asking(), self._docker()._query(f"volumes/{name}", "DELETE"):
                pass
        except EngineError as error:
            if error.status != 404:
                raise

    async def exec(
        self, container: str, argv: Sequence[str], *, tty: bool, environment: Mapping[str, str]
    ) -> tuple[str, ExecStream]:
        """Begin to run a command in a container; its id, and the stream of its input and output."""
        async with self._asking():
            execution = (
                await self._docker()
                .containers.container(container)
                .exec(
                    list(argv),
                    stdin=True,
                    stdout=True,
                    stderr=True,
                    tty=tty,
                    environment=dict(environment),
                    detach_keys=_NO_DETACH_KEYS,
                )
            )
            stream = execution.start(detach=False)
            await stream._init()
            return execution.id, ExecStream(stream)

    async def exec_inspect(self, exec_id: str) -> dict[str, Any]:
        async with self._asking():
            return await self._docker()._query_json(f"exec/{exec_id}/json")

    async def exec_resize(self, exec_id: str, rows: int, cols: int) -> None:
        async with self._asking():
            await Exec(self._docker(), exec_id).resize(h=rows, w=cols)

    @contextlib.asynccontextmanager
    async def events(self, labels: Sequence[str]) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Open the stream of container events of these labels; entering means that nothing later is missed."""
        filters = orjson.dumps({"type": ["container"], "label": list(labels)}).decode()
        async with self._stream("events", {"filters": filters}) as response:
            yield _json_lines(response)

    @contextlib.asynccontextmanager
    async def log(self, container: str, since: str | None) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a container's log, followed to its end, as raw bytes (see `docker_log` for the framing)."""
        params: dict[str, Any] = {"stdout": True, "stderr": True, "follow": True, "timestamps": True}
        if since is not None:
            params["since"] = since
        async with self._stream(f"containers/{container}/logs", params) as response:
            yield _chunks(response)

    @contextlib.asynccontextmanager
    async def _stream(
        self, path: str, params: dict[str, Any], *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        # A pull is answered when its manifest has come: the engine's own patience with the registry counts.
        async with self._asking(ANSWER_PATIENCE_S if method == "GET" else None):
            response = await self._docker()._do_query(path, method, params=params, headers=headers, timeout=None)
        try:
            yield response
        finally:
            response.close()

    @contextlib.asynccontextmanager
    async def _asking(self, patience_s: float | None = ANSWER_PATIENCE_S) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(patience_s):
                yield
        except TimeoutError as error:
            raise EngineAway(f"The Docker engine at {self.host} does not answer.") from error
        except DockerError as error:
            if error.status == _NOT_CONNECTED:
                raise EngineAway(f"The Docker engine at {self.host} cannot be reached.") from error
            raise EngineError(error.status, error.message) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineAway(f"The Docker engine at {self.host} cannot be reached: {error}.") from error

    def _docker(self) -> aiodocker.Docker:
        if self._client is None:
            # Every followed log holds a connection, so there must be no limit to them.
            if self.host.startswith("unix://"):
                connector = aiohttp.UnixConnector(self.host.removeprefix("unix://"), limit=0)
                self._client = aiodocker.Docker("unix://localhost", connector=connector)
            else:
                self._client = aiodocker.Docker(self.host)
        return self._client


class ExecStream:
    """Input and output of an exec'd command. The client library leaves its half-closing open, so that is done here."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def read(self) -> tuple[int, bytes] | None:
        """Which stream (1 output, 2 errors) and what; None at the end."""
        try:
            message = await self._stream.read_out()
        except (aiohttp.ClientError, OSError):
            return None
        return None if message is None else (message.stream, message.data)

    async def write(self, data: bytes) -> None:
        await self._stream.write_in(data)

    def write_eof(self) -> None:
        response = self._stream._resp
        transport = response.connection.transport if response is not None and response.connection else None
        if transport is not None and transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()

    def close(self) -> None:
        """Let go of the connection, at once."""
        self._stream._closed = True
        if self._stream._resp is not None:
            self._stream._resp.close()


async def _json_lines(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    async for chunk in _lines(response):
        yield orjson.loads(chunk)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in _chunks(response):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, OSError) as error:
        raise EngineAway(f"The Docker engine broke off: {error}.") from error
