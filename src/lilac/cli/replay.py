"""`lilac replay`: plan a snapshot of the scheduler's state again, on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from lilac.cli.output import output_option, print_json


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_option
def replay(file: Path, *, as_json: bool) -> None:
    """Plan a snapshot again: what it starts, and why the rest waits.

    FILE is what `GET /plan/snapshot` gave. The same file always gives the same plan; the digest tells whether two
    plans are equal.
    """
    import json

    from lilac.scheduling.picture import from_json
    from lilac.scheduling.replaying import replayed

    try:
        picture = from_json(json.loads(file.read_bytes()))
    except ValueError as error:
        raise click.UsageError(f"{file} cannot be planned: {error}.", click.get_current_context()) from error
    told = replayed(picture)
    if as_json:
        print_json(told)
        return
    click.echo(f"{len(picture.nodes)} nodes, {len(picture.running)} running, {len(picture.waiting)} waiting")
    for start in told["starts"]:
        click.echo(f"start    {start['job_id']}  on {', '.join(start['nodes'])}")
    for job_id in told["preemptions"]:
        click.echo(f"preempt  {job_id}  for {told['making_room_for']}")
    for shrink in told["shrinks"]:
        click.echo(f"shrink   {shrink['job_id']}  by {len(shrink['ranks'])}")
    for grow in told["grows"]:
        click.echo(f"grow     {grow['job_id']}  on {', '.join(grow['nodes'])}")
    for waiting in told["blocked"]:
        click.echo(f"{waiting['jobs']:>5} wait  {waiting['code']}: {waiting['message']}")
    click.echo(f"digest   {told['digest']}")
