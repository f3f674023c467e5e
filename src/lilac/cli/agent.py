"""`lilac agent`: make this machine a node."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from lilac.cli.nouns import NounGroup
from lilac.cli.output import note, paint
from lilac.model.errors import InvalidInput

_RUNTIMES = click.Choice(["docker", "process"])
_STATE_DIR = click.Path(file_okay=False)


@click.group("agent", cls=NounGroup)
def agent() -> None:
    """Run the agent of a node.

    Its settings are in ~/.lilac/agent.toml; LILAC_API_ENDPOINT, LILAC_CLUSTER_API_KEY, LILAC_NODE_ID and
    LILAC_PRIVATE_REGISTRY_URL/_USERNAME/_PASSWORD override them key by key.
    """


@agent.command("configure")
@click.option("--endpoint", metavar="URL", help="The control plane.")
@click.option("--cluster-key-stdin", is_flag=True, help="Read the cluster's API key from standard input.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; take the variables and the flags.")
@click.pass_context
def configure(ctx: click.Context, *, endpoint: str | None, cluster_key_stdin: bool, non_interactive: bool) -> None:
    """Set the endpoint, the cluster's API key and a private registry; kept in ~/.lilac/agent.toml.

    With --non-interactive, LILAC_API_ENDPOINT, LILAC_CLUSTER_API_KEY and the other variables are what is kept.
    """
    from lilac.agent import config
    from lilac.cli import prompting

    path = config.default_path()
    try:
        stored = config.stored(path)
    except InvalidInput as error:
        note(f"Note: {error} It is written anew.")
        path.rename(path.with_suffix(".toml.broken"))
        stored = {}
    environ = dict(os.environ)
    if endpoint:
        environ["LILAC_API_ENDPOINT"] = endpoint
    if cluster_key_stdin:
        environ["LILAC_CLUSTER_API_KEY"] = sys.stdin.readline().strip()
    if non_interactive or cluster_key_stdin:
        settings = config.load(path, environ)
    elif not prompting.has_terminal():
        raise click.UsageError(
            "there is no terminal to ask questions on: set LILAC_API_ENDPOINT and LILAC_CLUSTER_API_KEY "
            "and give --non-interactive.",
            ctx,
        )
    else:
        settings = _ask(path, stored, environ)
    config.save(settings, path)
    click.echo(f"Saved in {path}. Start it with `lilac agent start`.")


@agent.command("start")
@click.option(
    "--runtime", "runtimes", type=_RUNTIMES, multiple=True, help="How it runs jobs (docker); may be repeated."
)
@click.option("--name", help="The node's name (the machine's host name).")
@click.option("--state-dir", type=_STATE_DIR, help="Where it keeps its journal (~/.lilac/agent).")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label of the node; may be repeated.")
@click.option("--config", "file", type=click.Path(dir_okay=False), help="Another file than ~/.lilac/agent.toml.")
def start(
    *, runtimes: tuple[str, ...], name: str | None, state_dir: str | None, labels: tuple[str, ...], file: str | None
) -> None:
    """Start the agent; Ctrl-C or SIGTERM ends it, running jobs go on and are found again at the next start."""
    from lilac.agent import config
    from lilac.cli import wording

    environ = dict(os.environ)
    if runtimes:
        environ["LILAC_AGENT_RUNTIMES"] = ",".join(runtimes)
    if name:
        environ["LILAC_NODE_NAME"] = name
    if state_dir:
        environ["LILAC_AGENT_STATE_DIR"] = state_dir
    settings = config.load(Path(file) if file else None, environ)
    if labels:
        given = dict(wording.pair(text, "--label") for text in labels)
        settings = replace(settings, labels={**settings.labels, **given})

    import asyncio

    from lilac.agent.main import run

    code = asyncio.run(run(settings))
    click.get_current_context().exit(code)


def _ask(path: Path, stored: dict[str, object], environ: dict[str, str]):
    """The documented questions; what is configured already is the answer that is typed in."""
    from lilac.agent import config
    from lilac.cli import prompting
    from lilac.client.config import DEFAULT_ENDPOINT

    known_endpoint = environ.get("LILAC_API_ENDPOINT") or str(stored.get("api_endpoint") or DEFAULT_ENDPOINT)
    environ["LILAC_API_ENDPOINT"] = prompting.text("Lilac API Endpoint:", known_endpoint)
    known_key = environ.get("LILAC_CLUSTER_API_KEY") or str(stored.get("cluster_api_key") or "")
    kept = f" [{prompting.masked(known_key)}, Enter keeps it]" if known_key else ""
    environ["LILAC_CLUSTER_API_KEY"] = prompting.secret(f"Cluster API Key{kept}:") or known_key
    registry = stored.get("private_registry")
    known = registry if isinstance(registry, dict) else {}
    for variable in ("URL", "USERNAME", "PASSWORD"):
        environ.pop(f"LILAC_PRIVATE_REGISTRY_{variable}", None)
    wants_registry = prompting.confirm("Use a private Docker registry?", bool(known))
    url = prompting.text("Registry URL:", str(known.get("registry_url", ""))) if wants_registry else ""
    from_aws = config.Registry(registry_url=url) if url else None
    has_secret = bool(known.get("secret"))
    if from_aws and from_aws.is_ecr and prompting.confirm("Let the agent ask AWS for its password?", not has_secret):
        return replace(config.load(path, environ), private_registry=from_aws)
    if wants_registry:
        environ["LILAC_PRIVATE_REGISTRY_URL"] = url
        environ["LILAC_PRIVATE_REGISTRY_USERNAME"] = prompting.text("Username:", str(known.get("username", "")))
        secret_kept = " [Enter keeps it]" if known.get("secret") else ""
        secret = prompting.secret(f"Password or token{secret_kept}:") or str(known.get("secret", ""))
        environ["LILAC_PRIVATE_REGISTRY_PASSWORD"] = secret
    settings = config.load(path, environ)
    if not wants_registry:
        if known:
            note(f"{paint('Note:', 'yellow', stream=sys.stderr)} the private registry that was configured is dropped.")
        settings = replace(settings, private_registry=None)
    return settings
