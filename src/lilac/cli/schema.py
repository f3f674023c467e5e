"""`lilac schema`: what a job file may hold, for editors and programs."""

from __future__ import annotations

import click


@click.group("schema", no_args_is_help=True)
def schema() -> None:
    """Schemas of files, as JSON Schema."""


@schema.command("job")
def job() -> None:
    """Print the JSON Schema of a job file (`lilac submit -f`)."""
    import json

    from lilac.cli.jobfile.schema import job_schema

    click.echo(json.dumps(job_schema(), indent=2))
