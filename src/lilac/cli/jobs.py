"""`lilac jobs …`, and its short forms at the top: `ps`, `cancel`."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from lilac.cli import wording
from lilac.cli.completing import job_names, queue_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, output_option, print_json
from lilac.model.errors import NotFound

if TYPE_CHECKING:
    from lilac.client.shapes import Job


_NOT_DELETED = "Jobs stay in the history; `lilac cancel` ends them."
_SUBMITTED = "Jobs are made by `lilac submit`."
_HINTS = {
    **dict.fromkeys(("rm", "delete", "remove"), _NOT_DELETED),
    **dict.fromkeys(("create", "add", "submit", "run"), _SUBMITTED),
    **dict.fromkeys(("edit", "set"), "A waiting job gets another priority or queue by `lilac jobs move`."),
}


@click.group("jobs", cls=NounGroup, hints=_HINTS)
def jobs() -> None:
    """Everything about jobs.

    JOB is an id, the beginning of one (four characters or more), or a name (then the newest job of that name).
    """


jobs.add_from("job_lists", ls="list_jobs")


@jobs.command("show")
@click.argument("job", shell_complete=job_names)
@click.option("--yaml", "as_yaml", is_flag=True, help="As a file for `lilac submit -f`.")
@output_option
def show(job: str, *, as_yaml: bool, as_json: bool) -> None:
    """Show one job: state and reason, where it ran, and where the time went."""
    from lilac.cli.session import connected

    use = None
    with connected() as client:
        found = client.jobs.find(job)
        if found["job_status"] == "running" and not (as_yaml or as_json):
            from lilac.cli.live_use import of_job

            with suppress(NotFound):  # an original control plane measures nothing
                use = of_job(client, found["job_id"])
    if as_yaml:
        from lilac.cli.jobfile.writing import write_job

        click.echo(write_job(found), nl=False)
    elif as_json:
        print_json(found)
    else:
        from lilac.cli.job_page import print_job

        print_job(found, use=use)


@jobs.command("wait")
@click.argument("names", metavar="JOB...", nargs=-1, required=True, shell_complete=job_names)
@click.option("--timeout", metavar="TIME", help="Give up after e.g. 90, 10m or 2h (exit code 1).")
@output_option
@click.pass_context
def wait(ctx: click.Context, names: tuple[str, ...], *, timeout: str | None, as_json: bool) -> None:
    """Return when the jobs have ended: exit code 0 if all succeeded, 7 if not."""
    from lilac.cli.session import connected
    from lilac.cli.submit import outcome
    from lilac.client.jobs import ENDED_JOB

    deadline = None if timeout is None else time.monotonic() + wording.seconds(timeout, "--timeout")
    ended: list[Job] = []
    with connected() as client:
        for name in names:
            job_id = client.jobs.find(name)["job_id"]
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            job = client.jobs.wait(job_id, timeout_s=left)
            ended.append(job)
            if not as_json:
                still = job["job_status"] not in ENDED_JOB
                click.echo(f"{clean(job['job_name'])} is still {job['job_status']}." if still else outcome(job))
    if as_json:
        print_json(ended[0] if len(ended) == 1 else ended)
    if any(job["job_status"] not in ENDED_JOB for job in ended):
        ctx.exit(1)
    ctx.exit(0 if all(job["job_status"] == "succeeded" for job in ended) else 7)


@jobs.command("events")
@click.argument("job", shell_complete=job_names)
@output_option
def job_events(job: str, *, as_json: bool) -> None:
    """What happened to one job."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.jobs.events(client.jobs.find(job)["job_id"])
    if as_json:
        print_json({"events": found})
    else:
        from lilac.cli.events import print_events

        print_events(found)


@jobs.command("retry")
@click.argument("names", metavar="JOB...", nargs=-1, required=True, shell_complete=job_names)
@output_option
def retry(names: tuple[str, ...], *, as_json: bool) -> None:
    """Run jobs that failed or were cancelled again, as new jobs; of an array, those elements that did."""
    from lilac.cli.session import connected

    with connected() as client:
        made = [client.jobs.retry(client.jobs.find(name)["job_id"]) for name in names]
    if as_json:
        print_json(made[0] if len(made) == 1 else made)
    else:
        for job in made:
            click.echo(f"Submitted {clean(job['name'])} again. Job ID: {job['id']}")


@jobs.command("move")
@click.argument("job", shell_complete=job_names)
@click.option("--priority", type=int, help="Within its queue; higher goes first.")
@click.option("-q", "--queue", help="Another queue.", shell_complete=queue_names)
@output_option
@click.pass_context
def move(ctx: click.Context, job: str, *, priority: int | None, queue: str | None, as_json: bool) -> None:
    """Give a waiting job another priority or another queue; it keeps its order of submission."""
    from lilac.cli.session import connected

    if priority is None and queue is None:
        raise click.UsageError("nothing to change: give --priority or --queue.", ctx)
    with connected() as client:
        moved = client.jobs.move(client.jobs.find(job)["job_id"], priority=priority, queue=queue)
    if as_json:
        print_json(moved)
    else:
        where = clean(moved.get("queue_name") or moved["queue_id"])
        click.echo(f"{clean(moved['job_name'])} waits in queue {where} with priority {moved.get('priority')}.")


jobs.add_from("usage", usage="job_usage")
jobs.add_from("job_lists", elements="elements", cancel="cancel")
jobs.add_from("logs", logs="logs")
jobs.add_from("explain", explain="explain")
jobs.add_from("exec_in", exec="exec_in", port_forward="port_forward")
