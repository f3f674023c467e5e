"""`lilac configure`: endpoint and API key by hand."""

from __future__ import annotations

import sys

import click

from lilac.cli.output import note, paint
from lilac.model.errors import LilacError


@click.command("configure")
@click.option("--endpoint", metavar="URL", help="The control plane (asked for unless given).")
@click.option("--api-key-stdin", is_flag=True, help="Read the API key from standard input.")
@click.pass_context
def configure(ctx: click.Context, *, endpoint: str | None, api_key_stdin: bool) -> None:
    """Set the endpoint and your API key; they are kept in ~/.lilac/config.toml.

    The pair is tried on the server, and saved whatever the answer is.
    """
    from lilac.cli import prompting
    from lilac.cli.login import _settings_or_default, warn_of_environment
    from lilac.client import config
    from lilac.client.connection import normal_endpoint

    current = _settings_or_default()
    if prompting.has_terminal() and not api_key_stdin:
        endpoint = prompting.text("Lilac API Endpoint:", endpoint or current.api_endpoint)
        endpoint = normal_endpoint(endpoint)
        kept = f" [{prompting.masked(current.api_key)}, Enter keeps it]" if current.api_key else ""
        key = prompting.secret(f"User API Key{kept}:") or current.api_key
    elif api_key_stdin:
        endpoint = normal_endpoint(endpoint or current.api_endpoint)
        key = sys.stdin.readline().strip() or current.api_key
    else:
        raise click.UsageError(
            "there is no terminal to ask questions on: give --endpoint and --api-key-stdin, "
            "or set LILAC_API_ENDPOINT and LILAC_USER_API_KEY instead of configuring.",
            ctx,
        )
    verdict = _try(endpoint, key)
    path = config.save(api_endpoint=endpoint, api_key=key)
    click.echo(f"Saved in {path}.")
    note(verdict)
    warn_of_environment()


def _try(endpoint: str, key: str | None) -> str:
    from lilac.client import Client

    with Client(endpoint, key, timeout_s=5.0) as client:
        try:
            if key is None:
                client.health()
                return f"{endpoint} answers. No API key is set: `lilac login` makes one."
            account = client.account.details()
        except LilacError as error:
            return f"{paint('Warning:', 'yellow', stream=sys.stderr)} {error}"
    return f"{endpoint} knows this key: it belongs to {account['username']}."
