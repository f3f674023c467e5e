"""`lilac what-if`: what would start earlier or later, if something were different. Nothing is changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import wording
from lilac.cli.completing import job_names, node_names
from lilac.cli.output import clean, output_option, paint, print_json, print_table
from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    from lilac.client import Client


@click.command("what-if")
@click.option("--submit", "file", metavar="FILE", help="If the job of this file were submitted (- is standard input).")
@click.option("--cancel", multiple=True, metavar="JOB", help="If this job were cancelled.", shell_complete=job_names)
@click.option("--priority", "priorities", multiple=True, metavar="JOB=N", help="If this job had that priority.")
@click.option("--drain", multiple=True, metavar="NODE", help="If this node were drained.", shell_complete=node_names)
@click.option("--add-nodes", multiple=True, metavar="[N×]NODE", help="If there were N more nodes like this one.")
@output_option
def what_if(
    *,
    file: str | None,
    cancel: tuple[str, ...],
    priorities: tuple[str, ...],
    drain: tuple[str, ...],
    add_nodes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say which waiting jobs would start earlier or later, if all that is given were so.

    \b
    lilac what-if --submit job.yaml                when would it start?
    lilac what-if --add-nodes 2xgpu-1              what would two more nodes like gpu-1 change?
    lilac what-if --drain gpu-1 --cancel sweep     and these together?
    """
    from lilac.cli.session import connected

    question: dict[str, Any] = {
        "cancel": list(cancel),
        "priorities": [_priority(text) for text in priorities],
        "drain": list(drain),
        "add_nodes": [_more(text) for text in add_nodes],
    }
    if file is None and not any(question.values()):
        raise click.UsageError("say what shall be different, for example --cancel JOB.", click.get_current_context())
    if file is not None:
        question["submit"] = _job(file)
    with connected() as client:
        told = client.jobs.what_if(question)
        queues = {} if as_json else _queue_names(client)
    if as_json:
        print_json(told)
    else:
        _print(told, queues)


def _print(told: dict[str, Any], queues: dict[str, str]) -> None:
    asked = told.get("submitted")
    if asked is not None:
        if asked["starts_now"]:
            click.echo(paint("The job would start at once.", "green"))
        else:
            start = wording.when(asked["start"]) if asked["start"] else "at a time that nobody knows"
            click.echo(f"The job would start {start}.\nWhy not now:  {clean(asked['message'] or '-')}")
        if preempted := len(asked.get("preempts") or ()) + asked.get("preempts_others", 0):
            click.echo(f"It would make {preempted} running jobs wait again.")
    if told["jobs"]:
        rows = [
            [
                clean(each["job_name"] or each["job_id"]),
                clean(queues.get(each["queue_id"], each["queue_id"])),
                wording.when(each["before"]) if each["before"] else "not known",
                wording.when(each["after"]) if each["after"] else "not known",
            ]
            for each in told["jobs"]
        ]
        print_table(["JOB", "QUEUE", "STARTS AS THINGS ARE", "WOULD START"], rows, flexible=0)
    elif asked is None:
        click.echo("No waiting job of yours would start at another time.")
    others = told.get("others") or {}
    if told.get("more"):
        click.echo(f"… and {told['more']} more.")
    if others.get("earlier") or others.get("later"):
        click.echo(f"Of others, {others['earlier']} jobs would start earlier and {others['later']} later.")


def _job(file: str) -> dict[str, Any]:
    from lilac.cli.jobfile.reading import read_jobs
    from lilac.cli.submit_file import text_of

    found = read_jobs(text_of(file), "standard input" if file == "-" else file)
    if len(found) != 1:
        raise InvalidInput(f"--submit takes one job, and {file} holds {len(found)}.")
    return found[0]


def _priority(text: str) -> dict[str, Any]:
    job, _, number = text.rpartition("=")
    if not job or re.fullmatch(r"-?[0-9]+", number) is None:
        raise InvalidInput(f"--priority must be JOB=NUMBER, not {text!r}.")
    return {"job": job, "priority": int(number)}


def _more(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"(?:([0-9]+)[x×*])?(.+)", text)
    assert found is not None
    return {"like": found[2], "count": int(found[1] or 1)}


def _queue_names(client: Client) -> dict[str, str]:
    return {queue["id"]: queue["name"] for queue in client.queues.list()}
