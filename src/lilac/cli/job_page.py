"""One job on one page: facts, the waterfall of its timings, its attempts and replicas."""

from __future__ import annotations

import shlex
import shutil
import time
from typing import TYPE_CHECKING

import click

from lilac.cli import wording
from lilac.cli.live_use import in_words as in_words_of_use
from lilac.cli.output import clean, paint, print_fields, print_table
from lilac.cli.progress import in_words
from lilac.cli.waterfall import waterfall

if TYPE_CHECKING:
    from lilac.client.shapes import Attempt, Job, UsageSample

_REASONS = {
    "error": "the program ended with an error",
    "out_of_memory": "it used more memory than it asked for",
    "image": "the image could not be had",
    "start": "it could not be started",
    "engine": "the container engine failed",
    "vanished": "it was gone after a restart of its node",
    "node_lost": "its node was lost",
    "time_limit": "it reached its time limit",
    "cancelled": "it was cancelled",
    "preempted": "it made room for a job of higher priority",
    "peer": "another replica failed",
}


def print_job(job: Job, *, use: UsageSample | None = None) -> None:
    """Print everything about a job; `use` is what it uses now."""
    print_fields(_facts(job, use))
    bars = waterfall(job.get("waterfall") or {}, columns=shutil.get_terminal_size().columns)
    if bars:
        click.echo(paint("\nTimings", "bold"))
        for line in bars:
            click.echo(f"  {line}")
    attempts = job.get("attempts") or []
    if attempts:
        click.echo(paint("\nAttempts", "bold"))
        _print_attempts(attempts)


def _facts(job: Job, use: UsageSample | None) -> list[tuple[str, str]]:
    from lilac.cli.job_rows import run_time

    facts = [("Job", clean(job["job_name"])), ("ID", job["job_id"]), ("State", _state(job))]
    waiting = job.get("waiting")
    if waiting:
        facts.append(("Waits because", clean(waiting["message"])))
        if waiting.get("expected_start"):
            facts.append(("Expected start", wording.when(waiting["expected_start"])))
        if waiting.get("smallest_change"):
            facts.append(("Starts now with", clean(waiting["smallest_change"])))
    array = job.get("array")
    if array:
        limit = f", at most {array['running_limit']} at once" if array["running_limit"] else ""
        facts.append(("Array", f"{array['indices']} ({array['size']} elements{limit})"))
        counts = [f"{count} {state}" for state, count in array["counts"].items() if count]
        facts.append(("Elements", ", ".join(counts) or "-"))
    if job.get("after"):
        waits_for = [f"{each['job_id']} ({each['condition']})" for each in job.get("after") or ()]
        facts.append(("After", "\n".join(waits_for)))
    if progress := job.get("progress"):
        facts.append(("Progress", in_words(progress)))
    if job.get("exit_code") is not None:
        facts.append(("Exit code", str(job.get("exit_code"))))
    if job.get("node_name") or job["node_id"]:
        facts.append(("Node", clean(job.get("node_name") or job["node_id"])))
    facts.append(("Queue", clean(job.get("queue_name") or job["queue_id"] or "-")))
    if job.get("owner"):
        facts.append(("Owner", clean(job.get("owner"))))
    if job.get("definition"):
        facts.append(("Image", clean(job.get("definition"))))
    if job.get("runtime") == "process":
        facts.append(("Runtime", "process"))
    if job.get("command"):
        facts.append(("Command", clean(shlex.join(job.get("command") or []))))
    facts.append(("Asks for", _asks_for(job)))
    if use is not None:
        facts.append(("Uses now", in_words_of_use(use, job["resource_requirements"], _live_replicas(job))))
    if job.get("time_limit_s"):
        facts.append(("Time limit", wording.span(job.get("time_limit_s") or 0)))
    if job.get("priority"):
        facts.append(("Priority", str(job.get("priority"))))
    for heading, table in (("Labels", job.get("labels")), ("Nodes with", job.get("node_selector"))):
        if table:
            facts.append((heading, ", ".join(f"{clean(key)}={clean(value)}" for key, value in table.items())))
    if job.get("env"):
        facts.append(("Variables", ", ".join(clean(key) for key in job.get("env") or {})))
    facts.append(("Submitted", wording.when(job["created_at"])))
    if job.get("started_at"):
        facts.append(("Started", wording.when(job.get("started_at"))))
    if job.get("finished_at"):
        facts.append(("Finished", wording.when(job.get("finished_at"))))
    ran = run_time(job)
    if ran is not None:
        facts.append(("Ran" if job.get("finished_at") else "Running for", wording.span(ran)))
    return facts


def _state(job: Job) -> str:
    state, reason, message = job["job_status"], job.get("reason"), job.get("message")
    why = message or _REASONS.get(reason or "", (reason or "").replace("_", " "))
    return f"{state}: {clean(why)}" if why and state != "succeeded" else state


def _asks_for(job: Job) -> str:
    needs = job["resource_requirements"]
    count = wording.cores(needs["cpu_millicores"])
    parts = [f"{count} {'core' if count == '1' else 'cores'}", wording.memory(needs["memory_mb"])]
    if needs.get("gpus"):
        parts.append(f"GPUs: {wording.gpus(needs.get('gpus'))}")
    size = job.get("size", {"min": 1, "max": 1})
    text = ", ".join(parts)
    if size["max"] == 1:
        return text
    replicas = str(size["min"]) if size["min"] == size["max"] else f"{size['min']} to {size['max']}"
    return f"{replicas} replicas, each {text}"


def _live_replicas(job: Job) -> int:
    attempts = job.get("attempts") or []
    return sum(replica["state"] == "running" for replica in attempts[-1]["replicas"]) if attempts else 1


def _print_attempts(attempts: list[Attempt]) -> None:
    rows: list[list[str]] = []
    for attempt in attempts:
        for replica in attempt["replicas"] or []:
            begin, end = wording.epoch(replica["started_at"]), wording.epoch(replica["finished_at"])
            if end is None and replica["state"] == "running":
                end = time.time()
            rows.append(
                [
                    str(attempt["number"]),
                    str(replica["rank"]),
                    replica["state"],
                    clean(replica.get("node_name") or wording.short(replica["node_id"])),
                    "-" if replica["exit_code"] is None else str(replica["exit_code"]),
                    str(len(replica["gpu_uuids"]) or "-"),
                    "-" if begin is None or end is None else wording.span(max(end - begin, 0.0)),
                    wording.size(replica["log_bytes"]),
                    clean(replica["message"] or replica["reason"] or ""),
                ]
            )
        if not attempt["replicas"]:
            why = clean(attempt["message"] or attempt["reason"] or "")
            rows.append([str(attempt["number"]), "-", attempt["state"], "-", "-", "-", "-", "-", why])
    headings = ["ATTEMPT", "RANK", "STATE", "NODE", "EXIT", "GPUS", "RAN", "OUTPUT", "WHY"]
    print_table(headings, rows, flexible=8, states=2, indent="  ", droppable=[5])
