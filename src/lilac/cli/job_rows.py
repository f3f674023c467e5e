"""A job in one line, and the few words that say most about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lilac.cli import wording
from lilac.cli.output import clean

if TYPE_CHECKING:
    from lilac.client.shapes import Job

HEADINGS = ("ID", "NAME", "STATE", "QUEUE", "OWNER", "NODE", "GPUS", "RAN", "SUBMITTED")
WIDE_HEADINGS = (*HEADINGS, "CORES", "MEMORY", "PRIORITY", "ATTEMPT", "LABELS", "IMAGE")


def row(job: Job, now: float, *, whole_ids: bool, wide: bool) -> list[str]:
    ran = run_time(job, now)
    needs = job["resource_requirements"]
    count = (needs.get("gpus") or {}).get("count", 0)
    most = job.get("size", {"min": 1, "max": 1})["max"]
    cells = [
        job["job_id"] if whole_ids else wording.short(job["job_id"]),
        clean(job["job_name"]),
        state_words(job),
        clean(job.get("queue_name") or wording.short(job["queue_id"])),
        clean(job.get("owner") or "-"),
        clean(job.get("node_name") or wording.short(job["node_id"])),
        f"{most}×{count}" if count and most > 1 else str(count or "-"),
        "-" if ran is None else wording.span(ran),
        wording.ago(job["created_at"], now),
    ]
    if wide:
        cells += [
            wording.cores(needs["cpu_millicores"]),
            wording.memory(needs["memory_mb"]),
            str(job.get("priority", 0)),
            str(job.get("attempt", 0)),
            ", ".join(f"{clean(key)}={clean(value)}" for key, value in (job.get("labels") or {}).items()) or "-",
            clean(job.get("definition") or "-"),
        ]
    return cells


def run_time(job: Job, now: float | None = None) -> float | None:
    """Seconds from start to end, or to now while it runs; None if it never started."""
    begin = wording.epoch(job.get("started_at"))
    if begin is None:
        return None
    end = wording.epoch(job.get("finished_at"))
    if end is None:
        end = time.time() if now is None else now
    return max(end - begin, 0.0)


def state_words(job: Job) -> str:
    """A state with what is most telling about it: `failed (exit 3)`, `failed (image)`; of an array its counts."""
    state = job["job_status"]
    array = job.get("array")
    if isinstance(array, dict):
        counts = ", ".join(f"{count} {name}" for name, count in array["counts"].items() if count)
        return f"{state} ({counts})" if counts else state
    if state != "failed":
        return state
    code, reason = job.get("exit_code"), job.get("reason")
    if reason in (None, "error") and code is not None:
        return f"{state} (exit {code})"
    return f"{state} ({reason.replace('_', ' ')})" if reason else state
