"""The composition root of the agent: puts the parts together, runs them, and lets go gently."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping

import structlog

from lilac.agent import diary
from lilac.agent.cgroups import Groups, NoGroups, find
from lilac.agent.config import AgentConfig
from lilac.agent.control_plane import ControlPlane
from lilac.agent.devices import Devices
from lilac.agent.docker_runtime import DockerRuntime
from lilac.agent.image_cache import GB, Keeping
from lilac.agent.journal import Journal
from lilac.agent.metrics import MetricsPage
from lilac.agent.node import NodeDescription
from lilac.agent.ports import own_address
from lilac.agent.process_runtime import ProcessRuntime
from lilac.agent.registries.credentials import Registries
from lilac.agent.replicas import Replicas
from lilac.agent.reporting import Reporter
from lilac.agent.runtime import Runtime
from lilac.agent.sampling import Sampler
from lilac.agent.shipping import Shipper
from lilac.agent.tunnels import AgentTunnels
from lilac.agent.volume_removal import VolumeRemoval
from lilac.agent.wire import Reply
from lilac.model.clusters import RuntimeName

log = structlog.get_logger(__name__)

FAREWELL_S = 2.0


def run_forever(config: AgentConfig) -> int:
    """Run the agent in this process until it is asked to stop; return the exit code."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(run(config))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(config))


async def run(config: AgentConfig, *, stop: asyncio.Event | None = None) -> int:
    """Run the agent until SIGTERM, SIGINT or `stop`; return the exit code.

    Stopping tells and ships what it can within moments and leaves every replica running, to be adopted by the next
    agent. Raises `Conflict` if another agent works on the same state directory.
    """
    diary.configure()
    stop = stop if stop is not None else asyncio.Event()
    journal = Journal(config.state_dir)
    journal.open()
    try:
        with _signals(stop):
            await _run(config, journal, stop)
    finally:
        journal.close()
    return 0


async def _run(config: AgentConfig, journal: Journal, stop: asyncio.Event) -> None:
    log.info("agent starts", node=config.node_id, name=config.node_name, endpoint=config.api_endpoint)
    control_plane = ControlPlane(config.api_endpoint, config.cluster_api_key, config.node_id, ca_file=config.ca_file)
    groups = _groups(config)
    runtimes = _runtimes(config, groups)
    devices = Devices()
    node = NodeDescription(
        config,
        devices,
        changed=lambda: reporter.changed(),
        disk=_disk(runtimes),
        limits=RuntimeName.PROCESS not in config.runtimes or (groups is not None and groups.are_complete),
    )
    replicas = Replicas(journal, runtimes, changed=lambda: reporter.changed(), lost_gpus=devices.lost_among)
    tunnels = AgentTunnels(control_plane, replicas)

    docker = runtimes.get(RuntimeName.DOCKER)
    removal = VolumeRemoval(
        config.state_dir,
        elsewhere=[docker.remove_volume] if isinstance(docker, DockerRuntime) else [],
        in_use=replicas.volumes,
        changed=lambda: reporter.changed(),
    )

    async def apply(reply: Reply) -> None:
        tunnels.offered(reply.tunnels)
        if not reply.original:
            removal.wanted(reply.removed_volumes)
        await replicas.apply(reply)

    reporter = Reporter(
        control_plane,
        inventory=node,
        replicas=replicas.reports,
        apply=apply,
        longest_wait_s=replicas.longest_wait_s,
        contacted=replicas.contacted,
        removed_volumes=removal.report,
    )
    sampler = Sampler(control_plane, running=replicas.all_running, use=lambda: devices.last.use)
    shipper = Shipper(control_plane, replicas.shipped)
    replicas.shipper = shipper
    page = _metrics_page(config, devices, replicas, sampler)
    if page is not None:
        await page.open()
    await control_plane.open()
    await shipper.open()
    for runtime in runtimes.values():
        await runtime.open(replicas)
    await replicas.adopt()
    speaking = asyncio.get_running_loop().create_task(reporter.run())
    stopping = asyncio.get_running_loop().create_task(stop.wait())
    looking = asyncio.get_running_loop().create_task(node.watch())
    sampling = asyncio.get_running_loop().create_task(sampler.run())
    try:
        await asyncio.wait([speaking, stopping], return_when=asyncio.FIRST_COMPLETED)
        if speaking.done():
            speaking.result()
    finally:
        log.info("agent stops, its replicas run on")
        for task in (speaking, stopping, looking, sampling):
            task.cancel()
        await asyncio.gather(speaking, stopping, looking, sampling, return_exceptions=True)
        await removal.close()
        await tunnels.close()
        await replicas.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await reporter.tell_once()
        await shipper.close(FAREWELL_S)
        for runtime in runtimes.values():
            await runtime.close()
        if page is not None:
            await page.close()
        await control_plane.close()
        node.close()


def _metrics_page(config: AgentConfig, devices: Devices, replicas: Replicas, sampler: Sampler) -> MetricsPage | None:
    if config.metrics_port is None:
        return None
    return MetricsPage(
        config.metrics_port,
        gpus=lambda: devices.last,
        replicas=replicas.reports,
        machine=lambda: sampler.latest_node,
    )


def _groups(config: AgentConfig) -> Groups | None:
    """The control groups of process replicas, where they can be had."""
    if RuntimeName.PROCESS not in config.runtimes:
        return None
    try:
        groups = find(config.node_id)
    except NoGroups as error:
        log.warning("process replicas get no limits on CPU and memory here", why=str(error))
        return None
    log.info("process replicas get limits", on=sorted(groups.limits), below=str(groups.directories[0].parent))
    return groups


def _runtimes(config: AgentConfig, groups: Groups | None) -> dict[RuntimeName, Runtime]:
    runtimes: dict[RuntimeName, Runtime] = {}
    address = own_address(config.api_endpoint.split(",")[0], config.port_address)
    for name in config.runtimes:
        match name:
            case RuntimeName.PROCESS:
                runtimes[name] = ProcessRuntime(
                    address=address, allowed_host_paths=config.allowed_host_paths, groups=groups
                )
            case RuntimeName.DOCKER:
                runtimes[name] = DockerRuntime(
                    config.node_id,
                    host=config.docker_host,
                    registries=_registries(config),
                    keeping=_keeping(config),
                    ended_file=config.state_dir / "engine_ended",
                    address=address,
                    port_address=config.port_address,
                    allowed_host_paths=config.allowed_host_paths,
                )
    return runtimes


def _registries(config: AgentConfig) -> Registries:
    return Registries(config.all_registries, docker_config=config.docker_config, environ=os.environ)


def _keeping(config: AgentConfig) -> Keeping:
    budget_gb = config.image_cache_gb
    return Keeping(
        state_file=config.state_dir / "images.json",
        budget_bytes=int(budget_gb * GB) if budget_gb is not None else None,
        floor_bytes=int(config.min_free_disk_gb * GB),
    )


def _disk(runtimes: Mapping[RuntimeName, Runtime]) -> Callable[[], Awaitable[Mapping[str, int | bool] | None]] | None:
    docker = runtimes.get(RuntimeName.DOCKER)
    return docker.disk if isinstance(docker, DockerRuntime) else None


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    added: list[signal.Signals] = []
    for number in numbers:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread
            loop.add_signal_handler(number, stop.set)
            added.append(number)
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)
