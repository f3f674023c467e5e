"""`lilac submit`: from flags, from questions, or both.

Without `--non-interactive` it asks for everything, with the values of the flags already in the answers. With it, the
flags alone decide, and all that are missing are named at once. Whatever fails, the exit code is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import wording
from lilac.cli.completing import queue_names
from lilac.cli.output import note, output_option, paint, print_json
from lilac.cli.submit_options import job_options, options_of, with_job_ids
from lilac.model.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.shapes import Job, NewJob, Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the flags and answers say, before it is sent."""

    name: str | None
    image: str | None
    queue: str | None
    cpu: int | None
    memory: int | None
    gpu_count: int | None
    gpu_model: str | None
    gpu_memory: int | None
    runtime: str


class SubmitCommand(click.Command):
    """Takes the words after `--` as the job's command; other words are a mistake."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["lilac.words"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARGS]...]"]


@click.command("submit", cls=SubmitCommand)
@click.option("--name", help="The name of the job.")
@click.option("--docker-uri", "--image", "image", metavar="IMAGE", help="The Docker image, e.g. debian:12.")
@click.option(
    "--queue-id", "--queue", "queue", metavar="QUEUE", help="The queue, by id or name.", shell_complete=queue_names
)
@click.option("--cpu", type=click.IntRange(min=1), help="CPU per replica in millicores (1000 is one core).")
@click.option("--memory", type=click.IntRange(min=1), help="Memory per replica in MB.")
@click.option("--gpu-count", type=click.IntRange(min=0), help="GPUs per replica.")
@click.option("--gpu-model", help="What each GPU must be, e.g. A100 or 'A100 80GB'.")
@click.option("--gpu-memory", type=click.IntRange(min=1), help="The least memory of each GPU in GB.")
@click.option("--runtime", type=click.Choice(["docker", "process"]), help="A container (default), or plain processes.")
@job_options
@click.option("-f", "--file", "file", metavar="FILE", help="Jobs in YAML (- is standard input); flags override.")
@click.option("--dry-run", is_flag=True, help="Print the request and send nothing.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take everything from the flags.")
@click.option("--follow", is_flag=True, help="Show its output until it ends, then exit with its exit code.")
@click.option("--idempotency-key", metavar="TEXT", help="Submit once, however often this is run with the same TEXT.")
@click.option("--wait", is_flag=True, help="Return when it has ended; exit code 7 unless it succeeded.")
@output_option
@click.pass_context
def submit(
    ctx: click.Context,
    *,
    file: str | None,
    dry_run: bool,
    non_interactive: bool,
    follow: bool,
    wait: bool,
    idempotency_key: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Submit a job.

    \b
    lilac submit                                   asks for everything
    lilac submit --non-interactive --name train --image debian:12 --queue default \\
        --cpu 4000 --memory 8192 --gpu-count 1 --follow -- python train.py --epochs 3
    lilac submit -f job.yaml --time-limit 2h       a file, with flags over it
    """
    from lilac.cli.session import connected, patient
    from lilac.client.connection import ASKED_AGAIN_S

    if follow and as_json:
        raise click.UsageError("--follow prints the job's output and --output json one document: take --wait.", ctx)
    asked = {name: flags.pop(name) for name in Request.__dataclass_fields__}
    if asked["runtime"] is None and file is None:
        asked["runtime"] = "docker"
    options = options_of(flags, ctx.meta.get("lilac.words"))
    if file is not None:
        from lilac.cli.submit_file import submit_file

        how = {"dry_run": dry_run, "follow": follow, "wait": wait, "as_json": as_json}
        ctx.exit(submit_file(file, asked, options, key=idempotency_key, **how))
    _check_one(options, follow=follow)
    request = Request(**asked)
    if (request.gpu_model or request.gpu_memory) and request.gpu_count is None and non_interactive:
        request = replace(request, gpu_count=1)
    _check_complete(request, non_interactive, ctx)
    quiet = as_json or follow
    with connected() as client:
        queues = client.queues.list()
        if not non_interactive:
            request = _ask(request, queues)
        queue = find_queue(request.queue or "", queues)
        job = with_job_ids(client, _body(request, queue, options))
        if dry_run:
            print_json(job)
            return
        _print_summary(job, queue, to_stderr=quiet)
        if not non_interactive and not _go_ahead():
            click.echo("Not submitted.", err=quiet)
            return
        click.echo("Submitting…", err=quiet)
        created = client.jobs.submit(job, key=idempotency_key, patience=patient(ASKED_AGAIN_S))
        if as_json and not wait:
            print_json(created)
        elif not as_json:
            told = paint("Job submitted.", "green")
            click.echo(f"{told} Job ID: {created['id']}", err=quiet)
        if follow:
            ctx.exit(follow_job(client, created["id"], job))
        if wait:
            ended = client.jobs.wait(created["id"])
            if as_json:
                print_json(ended)
            else:
                click.echo(outcome(ended))
            ctx.exit(0 if ended["job_status"] == "succeeded" else 7)


def outcome(job: Job) -> str:
    """How a job ended, in one line."""
    from lilac.cli.job_rows import run_time
    from lilac.cli.output import coloured

    parts = [f"{job['job_name']} {coloured(job['job_status'])}"]
    ran = run_time(job)
    if ran is not None:
        parts.append(f"after {wording.span(ran)}")
    code = job.get("exit_code")
    if code is not None:
        parts.append(f"with exit code {code}")
    line = " ".join(parts)
    told_by_code = code is not None and job.get("reason") in (None, "error")
    if job["job_status"] == "succeeded" or told_by_code or not job.get("message"):
        return f"{line}."
    return f"{line}: {job.get('message')}"


def exit_code_of(job: Job) -> int:
    """The job's own exit code where it has one; 7 where it failed without."""
    if job["job_status"] == "succeeded":
        return 0
    code = job.get("exit_code")
    return code if code and 0 < code < 256 else 7


def _check_one(options: NewJob, *, follow: bool) -> None:
    if follow and options.get("array"):
        raise InvalidInput("--follow shows one job, and an array is many: take --wait, then `lilac logs NAME[INDEX]`.")


def _check_complete(request: Request, non_interactive: bool, ctx: click.Context) -> None:
    missing = [
        flag
        for flag, value in (
            ("--name", request.name),
            ("--docker-uri", request.image or (request.runtime == "process" and "-")),
            ("--queue-id", request.queue),
            ("--cpu", request.cpu),
            ("--memory", request.memory),
        )
        if not value
    ]
    if non_interactive and missing:
        raise click.UsageError(f"--non-interactive needs {', '.join(missing)} too.", ctx)
    if non_interactive:
        return
    from lilac.cli import prompting

    if not prompting.has_terminal():
        needed = f"--non-interactive and {', '.join(missing)}" if missing else "--non-interactive"
        raise click.UsageError(f"there is no terminal to ask questions on: give {needed}.", ctx)


def _ask(request: Request, queues: list[Queue]) -> Request:
    """All questions in their fixed order; flags are the answers that are already typed in."""
    from lilac.cli import prompting

    if not queues:
        raise InvalidInput("there is no queue to submit to. An admin makes one with `lilac queues create`.")
    name = prompting.text("Job Name:", request.name or "")
    image = prompting.text("Docker Image URI:", request.image or "", required=request.runtime == "docker")
    preset = find_queue(request.queue, queues)["id"] if request.queue else None
    queue = prompting.choose("Queue:", [(queue["name"], queue["id"]) for queue in queues], preset)
    cpu = prompting.integer("CPU (millicores):", request.cpu)
    memory = prompting.integer("Memory (MB):", request.memory)
    count, model, gpu_memory = 0, request.gpu_model, request.gpu_memory
    wanted = bool(request.gpu_count) or bool(model or gpu_memory)
    if prompting.confirm("Does the job need GPUs?", wanted and request.gpu_count != 0):
        count = prompting.integer("How many GPUs?", request.gpu_count or 1) or 1
        model = prompting.text("GPU model (empty for any):", model or "", required=False)
        gpu_memory = prompting.integer("GPU memory in GB, at least (empty for any):", gpu_memory, optional=True)
    return replace(
        request,
        name=name,
        image=image,
        queue=queue,
        cpu=cpu,
        memory=memory,
        gpu_count=count,
        gpu_model=model or None,
        gpu_memory=gpu_memory,
    )


def _go_ahead() -> bool:
    from lilac.cli import prompting

    return prompting.confirm("Submit this job?", True)


def find_queue(wanted: str, queues: list[Queue]) -> Queue:
    for queue in queues:
        if wanted in (queue["id"], queue["name"]):
            return queue
    from difflib import get_close_matches

    names = [queue["name"] for queue in queues]
    if not names:
        raise InvalidInput("there is no queue to submit to. An admin makes one with `lilac queues create`.")
    near = get_close_matches(wanted, names, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names[:10])}."
    raise NotFound(f"there is no queue {wanted!r}. {advice}")


def _body(request: Request, queue: Queue, options: NewJob) -> NewJob:
    gpus = None
    if request.gpu_count:
        gpus = {"count": request.gpu_count, "model": request.gpu_model, "memory_gb": request.gpu_memory}
    elif request.gpu_model or request.gpu_memory:
        note("Note: --gpu-model and --gpu-memory mean nothing without GPUs.")
    body: Any = {
        "name": request.name,
        "definition": request.image or "",
        "queue_id": queue["id"],
        "resource_requirements": {"cpu_millicores": request.cpu, "memory_mb": request.memory, "gpus": gpus},
        **options,
    }
    if request.runtime != "docker":
        body["runtime"] = request.runtime
    return body


def _print_summary(job: NewJob, queue: Queue, *, to_stderr: bool) -> None:
    needs = job.get("resource_requirements")
    assert needs is not None
    lines = ["", "Job Summary:", f"- Name: {job.get('name')}"]
    lines.append(f"- Docker Image: {job.get('definition') or '(none)'}")
    lines.append(f"- Queue: {queue['name']} ({queue['id']})")
    lines.append(f"- CPU: {needs['cpu_millicores']}m")
    lines.append(f"- Memory: {needs['memory_mb']}MB")
    gpus = needs.get("gpus")
    if gpus:
        size = f", {gpus.get('memory_gb')}GB or more" if gpus.get("memory_gb") else ""
        lines.append(f"- GPUs: {gpus['count']} x {gpus.get('model') or 'any'}{size}")
    if job.get("runtime"):
        lines.append(f"- Runtime: {job.get('runtime')}")
    if job.get("command"):
        import shlex

        lines.append(f"- Command: {shlex.join(job.get('command') or [])}")
    if job.get("size"):
        size_range = job["size"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
        low, high = size_range["min"], size_range["max"]
        lines.append(f"- Replicas: {low}" if low == high else f"- Replicas: {low} to {high}")
    if job.get("array"):
        lines.append(f"- Array: {job.get('array')}")
    if job.get("time_limit_s"):
        lines.append(f"- Time Limit: {wording.span(job.get('time_limit_s') or 0)}")
    for line in lines:
        click.echo(line, err=to_stderr)


def follow_job(client: Client, job_id: str, job: NewJob) -> int:
    """Show the output of all replicas until the job ends; the exit code."""
    from lilac.cli import rank_logs
    from lilac.cli.logs import stream_log

    try:
        most = job.get("size", {"max": 1})["max"]
        if most > rank_logs.MOST_FOLLOWED:
            note(f"This is the output of rank 0; of other ones: lilac logs -f {job_id} --rank 1-20")
        if 1 < most <= rank_logs.MOST_FOLLOWED:
            rank_logs.stream(client, job_id, ranks=rank_logs.ALL)
        else:
            stream_log(client, job_id)
        ended = client.jobs.wait(job_id)
    except KeyboardInterrupt:
        note(f"\nNo longer following; the job goes on. Follow it: lilac logs -f {job_id}   "
             f"End it: lilac cancel {job_id}")  # fmt: skip
        return 130
    note(outcome(ended))
    return exit_code_of(ended)
