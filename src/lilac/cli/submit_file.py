"""`lilac submit -f FILE`: the jobs of a file, with flags over it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lilac.cli.output import note, paint, print_json
from lilac.cli.submit_options import with_job_ids
from lilac.model.errors import InvalidInput

_BY_FLAG = {"name": "name", "image": "definition", "queue": "queue_id", "runtime": "runtime"}


def submit_file(
    file: str,
    asked: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    key: str | None,
    dry_run: bool,
    follow: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Submit the jobs of a file; the exit code.

    Raises:
        InvalidInput: with a line for each mistake in the file.
    """
    from lilac.cli.jobfile.reading import read_jobs
    from lilac.cli.session import connected, patient
    from lilac.cli.submit import exit_code_of, find_queue, follow_job, outcome
    from lilac.client.connection import ASKED_AGAIN_S

    over = {**{api: asked[flag] for flag, api in _BY_FLAG.items() if asked[flag] is not None}, **options}
    resources = _resources(asked)
    given = {*over, *(("resource_requirements",) if {"cpu_millicores", "memory_mb"} <= resources.keys() else ())}
    shown = "standard input" if file == "-" else file
    jobs = [_merged(job, over, resources) for job in read_jobs(text_of(file), shown, given=given)]
    if dry_run:
        print_json(jobs if len(jobs) > 1 else jobs[0])
        return 0
    if follow and jobs[0].get("array"):
        raise InvalidInput("--follow shows one job, and an array is many: take --wait, then `lilac logs NAME[INDEX]`.")
    if follow and len(jobs) > 1:
        raise InvalidInput(f"--follow shows one job, and {shown} holds {len(jobs)}; take --wait.")
    quiet = as_json or follow
    with connected() as client:
        queues = client.queues.list()
        for job in jobs:
            job["queue_id"] = find_queue(job["queue_id"], queues)["id"]
        bodies = [with_job_ids(client, job) for job in jobs]  # pyright: ignore[reportArgumentType]
        created = client.jobs.submit_all(bodies, key=key, patience=patient(ASKED_AGAIN_S))
        for made in created:
            if not as_json:
                told = paint("Job submitted.", "green")
                click.echo(f"{told} {made['name']}: Job ID: {made['id']}", err=quiet)
        if as_json and not wait:
            print_json(created if len(created) > 1 else created[0])
        if follow:
            return follow_job(client, created[0]["id"], bodies[0])
        if not wait:
            return 0
        try:
            ended = [client.jobs.wait(made["id"]) for made in created]
        except KeyboardInterrupt:
            note("\nNo longer waiting; the jobs go on.")
            return 130
    if as_json:
        print_json(ended if len(ended) > 1 else ended[0])
    else:
        for job in ended:
            click.echo(outcome(job))
    return 0 if all(exit_code_of(job) == 0 for job in ended) else 7


def text_of(file: str) -> str:
    """What a file holds; `-` is standard input."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is not text in UTF-8.") from None
    except OSError as error:
        raise InvalidInput(f"cannot read {file}: {error.strerror}.") from None


def _resources(asked: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked["cpu"] is not None:
        found["cpu_millicores"] = asked["cpu"]
    if asked["memory"] is not None:
        found["memory_mb"] = asked["memory"]
    gpus = {"count": asked["gpu_count"], "model": asked["gpu_model"], "memory_gb": asked["gpu_memory"]}
    if any(value is not None for value in gpus.values()):
        found["gpus"] = {name: value for name, value in gpus.items() if value is not None}
    return found


def _merged(job: dict[str, Any], over: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    """The file's job with the flags over it; of variables and labels each key for itself."""
    merged = {**job, **over}
    for name in ("env", "labels", "node_selector"):
        if name in job and name in over:
            merged[name] = {**job[name], **over[name]}
    needs = dict(merged.get("resource_requirements") or {})
    for name, value in resources.items():
        if name == "gpus":
            gpus = {"count": 1, **(needs.get("gpus") or {}), **value}
            needs["gpus"] = gpus if gpus["count"] else None
        else:
            needs[name] = value
    if needs:
        merged["resource_requirements"] = needs
    return merged
