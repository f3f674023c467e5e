"""`lilac jobs ls`, `lilac jobs elements`, `lilac cancel`: many jobs at once, chosen by filters."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lilac.cli import quantities, wording
from lilac.cli.completing import STATES, job_names, job_states, node_names, queue_names
from lilac.cli.job_rows import HEADINGS, WIDE_HEADINGS, row
from lilac.cli.output import clean, is_wide, note, output_option, print_json, print_table
from lilac.model.errors import InvalidInput, LilacError

if TYPE_CHECKING:
    from lilac.client.shapes import Job

F = TypeVar("F", bound=Callable[..., Any])

KINDS = ("batch", "elastic", "pod")
PAGE = 1000
_STATUS_HELP = f"Only in these states: {', '.join(STATES)}."


@click.command("ls")
@click.option("-s", "--status", metavar="STATE[,…]", help=_STATUS_HELP, shell_complete=job_states)
@click.option("-q", "--queue", help="Only of this queue.", shell_complete=queue_names)
@click.option("--name", help="Only with this name.")
@click.option("--search", metavar="TEXT", help="Only with this text in the name.")
@click.option("-l", "--label", multiple=True, metavar="KEY=VALUE", help="Only with this label; may be repeated.")
@click.option("--owner", metavar="USER", help="Only of this user.")
@click.option("-m", "--mine", is_flag=True, help="Only my own.")
@click.option("--node", help="Only those that run or ran there.", shell_complete=node_names)
@click.option("--kind", type=click.Choice(KINDS), help="Only of this kind.")
@click.option("--since", metavar="TIME", help="Submitted since: 2h ago as `2h`, or a moment as 2026-11-24T04:00.")
@click.option("--until", metavar="TIME", help="Submitted before.")
@click.option("--array", metavar="JOB", help="The elements of this array that have begun.", shell_complete=job_names)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@click.option("-a", "--all", "everything", is_flag=True, help="All of them.")
@click.option("--full-ids", is_flag=True, help="Whole ids (always so where the output is not a terminal).")
@output_option
def list_jobs(
    *,
    status: str | None,
    mine: bool,
    owner: str | None,
    queue: str | None,
    label: tuple[str, ...],
    search: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    everything: bool,
    full_ids: bool,
    as_json: bool,
    **more: str | None,
) -> None:
    """List jobs, newest first. An array is one line, with its elements counted."""
    from lilac.cli.session import connected

    if mine and owner:
        raise click.UsageError("--mine and --owner say two things.", click.get_current_context())
    for text in label:
        wording.pair(text, "--label")
    filters: dict[str, Any] = {
        "status": _checked(status),
        "queue": queue,
        "owner": "me" if mine else owner,
        "label": list(label) or None,
        "q": search,
        "since": _moment(since, "--since"),
        "until": _moment(until, "--until"),
        **more,
    }
    with connected() as client:
        page = client.jobs.list(limit=PAGE if everything else min(limit, PAGE), **filters)
        found, following = page["jobs"], page.get("next")
        while following and (everything or len(found) < limit):
            wanted = PAGE if everything else min(limit - len(found), PAGE)
            page = client.jobs.list(limit=wanted, after=following, **filters)
            found, following = [*found, *page["jobs"]], page.get("next")
    if as_json:
        print_json({"jobs": found, "next": following})
    elif not found:
        filtered = any(value is not None for value in filters.values())
        note("No such jobs." if filtered else "No jobs. `lilac submit` makes one.")
    else:
        print_jobs(found, full_ids=full_ids)
        if following:
            note(f"The newest {len(found)}; there are more (-n, --all).")


@click.command("elements")
@click.argument("job", shell_complete=job_names)
@click.option("-s", "--status", metavar="STATE[,…]", help=_STATUS_HELP, shell_complete=job_states)
@click.option("-n", "--limit", type=click.IntRange(1, PAGE), default=50, show_default=True, help="At most so many.")
@output_option
def elements(*, job: str, status: str | None, limit: int, as_json: bool) -> None:
    """List the elements of an array by index, also those that have not begun. Each is named JOB[INDEX]."""
    from lilac.cli.session import connected

    with connected() as client:
        page = client.jobs.elements(job, status=_checked(status), limit=limit)
    if as_json:
        print_json(page)
    elif not page["jobs"]:
        note("No such elements.")
    else:
        print_jobs(page["jobs"])
        if page.get("next"):
            note(f"The first {len(page['jobs'])}; there are more (-n).")


@click.command("cancel")
@click.argument("names", metavar="[JOB]...", nargs=-1, shell_complete=job_names)
@click.option("-s", "--status", metavar="STATE[,…]", help="All in these states (queued, starting, running).")
@click.option("-q", "--queue", help="All of this queue.", shell_complete=queue_names)
@click.option("--name", help="All with this name.")
@click.option("-l", "--label", multiple=True, metavar="KEY=VALUE", help="All with this label.")
@click.option("--owner", metavar="USER", help="All of this user.")
@click.option("-m", "--mine", is_flag=True, help="All my own.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before many are cancelled.")
@output_option
@click.pass_context
def cancel(
    ctx: click.Context,
    names: tuple[str, ...],
    *,
    status: str | None,
    queue: str | None,
    name: str | None,
    label: tuple[str, ...],
    owner: str | None,
    mine: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Cancel jobs: running ones are asked to end, then killed after their grace period.

    By name, or all that match the filters given: `lilac cancel --mine --status queued`.
    """
    filters = {
        "status": status.split(",") if _checked(status) and status else None,
        "queue_id": queue,
        "name": name,
        "labels": dict(wording.pair(text, "--label") for text in label) or None,
        "owner": "me" if mine else owner,
    }
    where = {key: value for key, value in filters.items() if value is not None}
    if bool(names) == bool(where):
        raise click.UsageError(
            "give jobs, or filters such as --mine or --queue" + (", not both." if names else "."), ctx
        )
    if where:
        _cancel_where(where, yes=yes, as_json=as_json)
    else:
        ctx.exit(_cancel_each(names, as_json=as_json))


def print_jobs(found: list[Job], *, full_ids: bool = False) -> None:
    wide = is_wide()
    whole_ids = full_ids or wide or not sys.stdout.isatty()
    now = time.time()
    rows = [row(job, now, whole_ids=whole_ids, wide=wide) for job in found]
    print_table(WIDE_HEADINGS if wide else HEADINGS, rows, flexible=1, states=2, droppable=_droppable(rows))


def _droppable(rows: list[list[str]]) -> list[int]:
    """Columns to leave out where there is little room: what tells the jobs of this list least apart goes first."""
    least = [at for at in (6, 4, 3) if len({row[at] for row in rows}) < 2]
    return [*least, *(at for at in (4, 3, 6) if at not in least)]


def _cancel_each(names: tuple[str, ...], *, as_json: bool) -> int:
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
    return 0 if failure is None else failure.exit_code


def _cancel_where(where: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    from lilac.cli.queues import confirmed
    from lilac.cli.session import connected

    told = ", ".join(f"{key.removesuffix('_id')} {value}" for key, value in where.items())
    if not confirmed(f"Cancel all jobs with {told}?", yes):
        return
    with connected() as client:
        done = client.jobs.cancel_where(where)
    if as_json:
        print_json(done)
        return
    count = len(done["cancelled"]) if isinstance(done["cancelled"], list) else done["cancelled"]
    click.echo(f"Cancelled {count} {'job' if count == 1 else 'jobs'}.")


def _checked(status: str | None) -> str | None:
    unknown = [word for word in (status or "").split(",") if status is not None and word not in STATES]
    if unknown:
        raise InvalidInput(f"--status: {unknown[0]!r} is not a state; there are {', '.join(STATES)}.")
    return status


def _moment(text: str | None, flag: str) -> str | None:
    """A length of time before now, or a moment (without a zone: of the local clock), as the API has it."""
    if text is None:
        return None
    ago_s = quantities.seconds(text) if re.search("[smhd]$", text) else None
    try:
        at = datetime.fromtimestamp(time.time() - ago_s, UTC) if ago_s is not None else datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{flag} must be such as 2h, 3d, 2026-11-24 or 2026-11-24T04:00, not {text!r}.") from None
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
