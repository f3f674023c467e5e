"""The command line of the demo."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("demo")
@click.option("--runtime", type=click.Choice(["process", "docker"]), default="process", show_default=True,
              help="Run the training as a plain process, or in a container.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the platform running at the end.")
@click.option("--stop", is_flag=True, help="Stop a platform that --keep left running.")
@click.option("--dir", "directory", envvar="LILAC_DEMO_DIR", default="./.lilac/demo", show_default=True,
              type=click.Path(file_okay=False), help="Where everything of the demo is kept.")  # fmt: skip
@click.pass_context
def demo(ctx: click.Context, *, runtime: str, keep: bool, stop: bool, directory: str) -> None:
    """See the whole platform work on this machine.

    Starts a control plane and an agent with data of their own, submits a training job as a user would, follows it,
    shows what became of it, and stops everything. Nothing outside its directory is touched.
    """
    path = Path(os.path.abspath(os.path.expanduser(directory)))
    if stop:
        from lilac.cli.demo.stage import stop_kept

        stopped = stop_kept(path)
        click.echo("The demo's platform is stopped." if stopped else "No platform of the demo is running.")
        return
    from lilac.cli.demo.story import tell

    ctx.exit(tell(path, runtime=runtime, keep=keep))
