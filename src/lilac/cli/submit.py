"""`lilac submit`: from flags, from questions, or both.

Without `--non-interactive` it asks for everything, with the values of the flags already in the answers. With it, the
flags alone decide, and all that are missing are named at once. Whatever fails, the exit code is not zero.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import wording
from lilac.cli.output import note, output_option, paint, print_json
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
@click.option("--queue-id", "--queue", "queue", metavar="QUEUE", help="The queue, by id or name.")
@click.option("--cpu", type=click.IntRange(min=1), help="CPU per replica in millicores (1000 is one core).")
@click.option("--memory", type=click.IntRange(min=1), help="Memory per replica in MB.")
@click.option("--gpu-count", type=click.IntRange(min=0), help="GPUs per replica.")
@click.option("--gpu-model", help="What each GPU must be, e.g. A100 or 'A100 80GB'.")
@click.option("--gpu-memory", type=click.IntRange(min=1), help="The least memory of each GPU in GB.")
@click.option("--command", "shell_line", metavar="TEXT", help="A line for `sh -c`, instead of the image's command.")
@click.option("-e", "--env", multiple=True, metavar="KEY=VALUE", help="A variable; KEY alone takes it from here.")
@click.option("--runtime", type=click.Choice(["docker", "process"]), default="docker", show_default=True,
              help="A container, or plain processes on the node.")  # fmt: skip
@click.option("--workdir", help="The directory in which the command runs.")
@click.option("--time-limit", metavar="TIME", help="Ends the job after e.g. 90, 10m or 2h. Short jobs start sooner.")
@click.option("--priority", type=int, default=0, show_default=True, help="Within the queue; higher goes first.")
@click.option("--size", metavar="N|MIN:MAX", help="How many replicas; with a range the job is elastic.")
@click.option("--retries", type=click.IntRange(min=0), help="New attempts after failures of the platform.")
@click.option("--grace", metavar="TIME", help="Between the polite signal to end and the kill (30s).")
@click.option("--label", multiple=True, metavar="KEY=VALUE", help="A label of the job.")
@click.option("--node-selector", multiple=True, metavar="KEY=VALUE", help="Only nodes with this label.")
@click.option("--preemptible", is_flag=True, help="It may be stopped and queued again for a job of higher priority.")
@click.option("--strict", is_flag=True, help="Fail now if no node could ever run it, instead of waiting.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take everything from the flags.")
@click.option("-f", "--follow", is_flag=True, help="Show its output until it ends, then exit with its exit code.")
@click.option("--wait", is_flag=True, help="Return when it has ended; exit code 7 unless it succeeded.")
@output_option
@click.pass_context
def submit(
    ctx: click.Context,
    *,
    shell_line: str | None,
    env: tuple[str, ...],
    workdir: str | None,
    time_limit: str | None,
    priority: int,
    size: str | None,
    retries: int | None,
    grace: str | None,
    label: tuple[str, ...],
    node_selector: tuple[str, ...],
    preemptible: bool,
    strict: bool,
    non_interactive: bool,
    follow: bool,
    wait: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Submit a job.

    \b
    lilac submit                                   asks for everything
    lilac submit --non-interactive --name train --image debian:12 --queue default \\
        --cpu 4000 --memory 8192 --gpu-count 1 --follow -- python train.py --epochs 3
    """
    from lilac.cli.session import connected

    if follow and as_json:
        raise click.UsageError("--follow prints the job's output and --output json one document: take --wait.", ctx)
    words: list[str] | None = ctx.meta.get("lilac.words")
    options = _options(
        command=_command(shell_line, words),
        env=env,
        workdir=workdir,
        time_limit=time_limit,
        priority=priority,
        size=size,
        retries=retries,
        grace=grace,
        label=label,
        node_selector=node_selector,
        preemptible=preemptible,
        strict=strict,
    )
    request = Request(**asked)
    if (request.gpu_model or request.gpu_memory) and request.gpu_count is None and non_interactive:
        request = replace(request, gpu_count=1)
    _check_complete(request, non_interactive, ctx)
    quiet = as_json or follow
    with connected() as client:
        queues = client.queues.list()
        if not non_interactive:
            request = _ask(request, queues)
        queue = _find_queue(request.queue or "", queues)
        job = _body(request, queue, options)
        _print_summary(job, queue, to_stderr=quiet)
        if not non_interactive and not _go_ahead():
            click.echo("Not submitted.", err=quiet)
            return
        click.echo("Submitting…", err=quiet)
        created = client.jobs.submit(job)
        if as_json and not wait:
            print_json(created)
        elif not as_json:
            told = paint("Job submitted.", "green")
            click.echo(f"{told} Job ID: {created['id']}", err=quiet)
        if follow:
            ctx.exit(_follow(client, created["id"]))
        if wait:
            ended = client.jobs.wait(created["id"])
            if as_json:
                print_json(ended)
            else:
                click.echo(outcome(ended))
            ctx.exit(0 if ended["job_status"] == "succeeded" else 7)


def outcome(job: Job) -> str:
    """How a job ended, in one line."""
    from lilac.cli.jobs import run_time
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
    preset = _find_queue(request.queue, queues)["id"] if request.queue else None
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


def _find_queue(wanted: str, queues: list[Queue]) -> Queue:
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


def _command(shell_line: str | None, words: list[str] | None) -> list[str] | None:
    if shell_line is not None and words:
        raise InvalidInput("give the command with --command or after --, not both.")
    if shell_line is not None:
        return ["sh", "-c", shell_line]
    return words or None


def _options(
    *,
    command: list[str] | None,
    env: tuple[str, ...],
    workdir: str | None,
    time_limit: str | None,
    priority: int,
    size: str | None,
    retries: int | None,
    grace: str | None,
    label: tuple[str, ...],
    node_selector: tuple[str, ...],
    preemptible: bool,
    strict: bool,
) -> NewJob:
    """The optional fields of the body; those not asked for are left to the server's defaults."""
    body: NewJob = {}
    if command is not None:
        body["command"] = command
    if env:
        body["env"] = dict(_variable(text) for text in env)
    if workdir:
        body["working_dir"] = workdir
    if time_limit is not None:
        body["time_limit_s"] = wording.seconds(time_limit, "--time-limit")
    if priority:
        body["priority"] = priority
    if size is not None:
        least, most = _size(size)
        body["size"] = {"min": least, "max": most}
        if least != most:
            body["kind"] = "elastic"
    if retries is not None:
        body["max_retries"] = retries
    if grace is not None:
        body["grace_s"] = wording.seconds(grace, "--grace")
    if label:
        body["labels"] = dict(wording.pair(text, "--label") for text in label)
    if node_selector:
        body["node_selector"] = dict(wording.pair(text, "--node-selector") for text in node_selector)
    if preemptible:
        body["preemptible"] = True
    if strict:
        body["strict"] = True
    return body


def _variable(text: str) -> tuple[str, str]:
    if "=" in text:
        return wording.pair(text, "--env")
    if text not in os.environ:
        raise InvalidInput(f"--env {text}: there is no such variable here; give {text}=VALUE.")
    return text, os.environ[text]


def _size(text: str) -> tuple[int, int]:
    least, colon, most = text.partition(":")
    try:
        low = int(least)
        high = int(most) if colon else low
    except ValueError:
        raise InvalidInput(f"--size must be a number or MIN:MAX, not {text!r}.") from None
    if not 1 <= low <= high:
        raise InvalidInput(f"--size must be at least 1 and MIN not above MAX, not {text!r}.")
    return low, high


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
    if job.get("time_limit_s"):
        lines.append(f"- Time Limit: {wording.span(job.get('time_limit_s') or 0)}")
    for line in lines:
        click.echo(line, err=to_stderr)


def _follow(client: Client, job_id: str) -> int:
    from lilac.cli.logs import stream_log

    try:
        stream_log(client, job_id)
        ended = client.jobs.wait(job_id)
    except KeyboardInterrupt:
        note(f"\nNo longer following; the job goes on. Follow it: lilac logs -f {job_id}   "
             f"End it: lilac cancel {job_id}")  # fmt: skip
        return 130
    note(outcome(ended))
    return exit_code_of(ended)
