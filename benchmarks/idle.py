"""How soon a job runs on an idle platform: processes, and containers beside the engine's own time for them.

Two clocks tell it. The waterfall of the job says when it was submitted, started and reported as running. The job
itself says when its first instruction ran, and the client knows when it began to send the request: that span leaves
nothing out.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import aiodocker

from benchmarks.figures import NotHere, Section
from tests.fixtures import docker
from tests.fixtures.platform import Agent, Server, one_node
from tests.fixtures.requirement import Absent

PROCESS_TRIALS = 200
DOCKER_TRIALS = 60
PAUSE_S = 0.02


def process(section: Section) -> None:
    """Submit → running of processes, on SQLite."""
    with tempfile.TemporaryDirectory(prefix="lilac-bench-") as home, one_node(Path(home)) as (server, _):
        stamp = Path(home) / "stamp"
        jobs: list[Any] = []
        client: list[float] = []
        for trial in range(-5, PROCESS_TRIALS):
            sent = time.time()
            job = server.api.submit("/bin/sh", "-c", f"date +%s.%N > {stamp}")
            done = server.api.wait(job)
            if trial >= 0:
                jobs.append(done)
                client.append(float(stamp.read_text()) - sent)
            time.sleep(PAUSE_S)
    _spans(section, "idle.process", jobs)
    section.spread("idle.first_instruction", client, "POST sent → the job's own clock")


def containers(section: Section) -> None:
    """Submit → running of containers of a present image, each next to one that the engine makes without us."""
    try:
        with docker.shared_engine(docker.fresh_id()) as engine:
            image = engine.busybox
            _containers(section, engine, image)
    except Absent as reason:
        raise NotHere(str(reason)) from None


def _containers(section: Section, engine: docker.DockerEngine, image: str) -> None:
    # The clock of the container: centiseconds since the machine's start, since busybox has no finer date.
    command = ["/bin/cat", "/proc/uptime"]
    jobs: list[Any] = []
    client: list[float] = []
    own: list[float] = []
    with tempfile.TemporaryDirectory(prefix="lilac-bench-") as home, Server(Path(home) / "server") as server:
        key = server.api.cluster_key()
        env = {"LILAC_DOCKER_HOST": engine.host, "DOCKER_HOST": engine.host}
        with Agent(Path(home) / "agent", server.address, key, runtimes=["docker"], env=env):
            for trial in range(-3, DOCKER_TRIALS):
                began = time.time()
                job = server.api.submit(*command, runtime="docker", definition=image)
                done = server.api.wait(job)
                if done["job_status"] != "succeeded":
                    raise RuntimeError(f"the job {done['job_status']}: {done['message']}")
                first = float(server.api.text(f"/training_jobs/{job}/logs", follow="true").split()[0]) + _booted()
                floor = asyncio.run(_by_the_engine(engine.host, image, command))
                if trial >= 0:
                    jobs.append(done)
                    client.append(first - began)
                    own.append(floor)
                time.sleep(PAUSE_S)
    _spans(section, "idle.docker", jobs)
    section.spread("idle.docker.first_instruction", client, "POST sent → the container's clock (10 ms steps)")
    section.spread("idle.docker.engine_alone", own, "create and start by the engine, nothing else")


def _spans(section: Section, key: str, jobs: list[Any]) -> None:
    falls = [job["waterfall"] for job in jobs]
    spans = {
        "planned": "submitted → planned",
        "received": "submitted → received by the agent",
        "started": "submitted → started on the node",
        "running_reported": "submitted → known as running",
    }
    for step, note in spans.items():
        seconds = [fall[step] - fall["submitted"] for fall in falls if fall.get(step) is not None]
        if seconds:
            section.spread(f"{key}.{step}", seconds, note)


async def _by_the_engine(host: str, image: str, command: list[str]) -> float:
    client = aiodocker.Docker(url=host)
    try:
        began = time.perf_counter()
        container = await client.containers.create({"Image": image, "Cmd": command})
        await container.start()
        took = time.perf_counter() - began
        await container.wait()
        await container.delete(force=True)
        return took
    finally:
        await client.close()


def _booted() -> float:
    """When the clock of /proc/uptime stood at zero."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
