"""What running jobs use at this moment, for a line of text: the last measurement of all their replicas together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lilac.cli import wording
from lilac.model.errors import LilacError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lilac.client import Client
    from lilac.client.shapes import Job, ResourceRequirements, UsageSample

LIVE_S = 60
"""A measurement that is older tells nothing of now."""
_STEP_S = 15


def of_job(client: Client, job_id: str, now: float | None = None) -> UsageSample | None:
    """The last measurement; None where there is none of late."""
    now = time.time() if now is None else now
    samples = client.jobs.usage(job_id, since=now - LIVE_S, until=now + 5, step_s=_STEP_S)["samples"]
    # The last step may have only begun, without all replicas in it.
    return (samples[-2] if len(samples) > 1 else samples[-1]) if samples else None


def in_words(use: UsageSample, needs: ResourceRequirements | None = None, replicas: int = 1) -> str:
    """`0.8 of 4 cores, 1.2 of 2 GB, GPUs 85 %, 12 GB of their memory`; without `needs` just what is used."""
    cpu, memory = wording.cores(round(use["cpu_millicores"], -1)), wording.memory(use["memory_mb"])
    if needs is not None:
        cpu = f"{cpu} of {wording.cores(needs['cpu_millicores'] * replicas)}"
        memory = f"{memory} of {wording.memory(needs['memory_mb'] * replicas)}"
    parts = [f"{cpu} {'core' if cpu.split()[-1] == '1' else 'cores'}", memory]
    if use["gpu_utilization_pct"] is not None:
        parts.append(f"GPUs {use['gpu_utilization_pct']:.0f} %")
    if use["gpu_memory_mb"]:
        parts.append(f"{wording.memory(use['gpu_memory_mb'])} of their memory")
    return ", ".join(parts)


class Uses:
    """The last measurements of many jobs, asked for a few at a time: those first that were not asked for longest."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[float, UsageSample | None]] = {}

    def look(self, jobs: Sequence[Job], *, most: int, every_s: float) -> Mapping[str, UsageSample]:
        """What the running ones of these use, after at most `most` questions; none is asked for more often."""
        running = [job["job_id"] for job in jobs if job["job_status"] == "running"]
        self._known = {job: self._known[job] for job in running if job in self._known}
        due = [job for job in running if self._clock() - self._asked_at(job) >= every_s]
        for job in sorted(due, key=self._asked_at)[:most]:
            try:
                self._known[job] = (self._clock(), of_job(self._client, job))
            except LilacError:  # It ended, or the next question of the whole look tells what is wrong.
                self._known[job] = (self._clock(), None)
        return {job: use for job, (_, use) in self._known.items() if use is not None}

    def _asked_at(self, job: str) -> float:
        return self._known[job][0] if job in self._known else float("-inf")
