"""`lilac jobs …`, and its short forms at the top: `ps`, `cancel`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import wording
from lilac.cli.events import print_events
from lilac.cli.exec_in import exec_in, port_forward
from lilac.cli.explain import explain
from lilac.cli.job_page import print_job
from lilac.cli.logs import logs
from lilac.cli.output import clean, note, output_option, print_json, print_table
from lilac.model.errors import InvalidInput, LilacError

if TYPE_CHECKING:
    from lilac.client.shapes import Job

STATES = ("queued", "starting", "running", "succeeded", "failed", "cancelled")


@click.group("jobs", no_args_is_help=True)
def jobs() -> None:
    """Everything about jobs.

    JOB is an id, the beginning of one (four characters or more), or a name (then the newest job of that name).
    """


@jobs.command("ls")
@click.option("-s", "--status", metavar="STATE[,…]", help=f"Only in these states: {', '.join(STATES)}.")
@click.option("-q", "--queue", help="Only of this queue.")
@click.option("--name", help="Only with this name.")
@click.option("-m", "--mine", is_flag=True, help="Only my own.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("--full-ids", is_flag=True, help="Whole ids (always so where the output is not a terminal).")
@output_option
def list_jobs(
    *, status: str | None, queue: str | None, name: str | None, mine: bool, limit: int, full_ids: bool, as_json: bool
) -> None:
    """List jobs, newest first."""
    import sys

    from lilac.cli.session import connected

    if status is not None:
        unknown = [word for word in status.split(",") if word not in STATES]
        if unknown:
            raise InvalidInput(f"--status: {unknown[0]!r} is not a state; there are {', '.join(STATES)}.")
    with connected() as client:
        page = client.jobs.list(status=status, queue=queue, name=name, owner="me" if mine else None, limit=limit)
    if as_json:
        print_json(page)
        return
    found = page["jobs"]
    if not found:
        note("No jobs." if not (status or queue or name or mine) else "No such jobs.")
        return
    whole = full_ids or not sys.stdout.isatty()
    now = time.time()
    rows = [_row(job, whole, now) for job in found]
    headings = ["ID", "NAME", "STATE", "QUEUE", "OWNER", "NODE", "GPUS", "RAN", "SUBMITTED"]
    print_table(headings, rows, flexible=1, states=2)
    if page.get("next"):
        note(f"The newest {len(found)}; there are more (-n).")


@jobs.command("show")
@click.argument("job")
@click.option("--yaml", "as_yaml", is_flag=True, help="As a file for `lilac submit -f`.")
@output_option
def show(job: str, *, as_yaml: bool, as_json: bool) -> None:
    """Show one job: state and reason, where it ran, and where the time went."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.jobs.find(job)
    if as_yaml:
        from lilac.cli.jobfile.writing import write_job

        click.echo(write_job(found), nl=False)
    elif as_json:
        print_json(found)
    else:
        print_job(found)


@jobs.command("cancel")
@click.argument("names", metavar="JOB...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, hidden=True)
@output_option
@click.pass_context
def cancel(ctx: click.Context, names: tuple[str, ...], *, yes: bool, as_json: bool) -> None:
    """Cancel jobs: running ones are asked to end, then killed after their grace period."""
    from lilac.cli.session import connected

    cancelled: list[Any] = []
    failure: LilacError | None = None
    with connected() as client:
        for name in names:
            try:
                job = client.jobs.find(name)
                client.jobs.cancel(job["job_id"])
            except LilacError as error:
                if len(names) == 1 or error.exit_code in (4, 6):
                    raise
                note(f"Error: {name}: {error}")
                failure = failure or error
                continue
            cancelled.append({"job_id": job["job_id"], "job_name": job["job_name"]})
            if not as_json:
                click.echo(f"Cancelled {clean(job['job_name'])} ({job['job_id']}).")
    if as_json:
        print_json({"cancelled": cancelled})
    if failure is not None:
        ctx.exit(failure.exit_code)


@jobs.command("wait")
@click.argument("names", metavar="JOB...", nargs=-1, required=True)
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
@click.argument("job")
@output_option
def job_events(job: str, *, as_json: bool) -> None:
    """What happened to one job."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.jobs.events(client.jobs.find(job)["job_id"])
    if as_json:
        print_json({"events": found})
    else:
        print_events(found)


jobs.add_command(logs)
jobs.add_command(explain)
jobs.add_command(exec_in)
jobs.add_command(port_forward)


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
    """A state with what is most telling about it: `failed (exit 3)`, `failed (image)`."""
    state = job["job_status"]
    if state != "failed":
        return state
    code, reason = job.get("exit_code"), job.get("reason")
    if reason in (None, "error") and code is not None:
        return f"{state} (exit {code})"
    return f"{state} ({reason.replace('_', ' ')})" if reason else state


def _row(job: Job, whole: bool, now: float) -> list[str]:
    ran = run_time(job, now)
    count = (job["resource_requirements"].get("gpus") or {}).get("count", 0)
    most = job.get("size", {"min": 1, "max": 1})["max"]
    return [
        job["job_id"] if whole else wording.short(job["job_id"]),
        clean(job["job_name"]),
        state_words(job),
        clean(job.get("queue_name") or wording.short(job["queue_id"])),
        clean(job.get("owner") or "-"),
        clean(job.get("node_name") or wording.short(job["node_id"])),
        f"{most}×{count}" if count and most > 1 else str(count or "-"),
        "-" if ran is None else wording.span(ran),
        wording.ago(job["created_at"], now),
    ]
