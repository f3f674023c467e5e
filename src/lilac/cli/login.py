"""`lilac login`: a password once, an API key from then on.

The password is asked for or read from standard input, sent, and forgotten; what is kept is an API key made for this
user on this machine, which can be seen and deleted like any other (`lilac keys`).
"""

from __future__ import annotations

import getpass
import os
import socket
import sys

import click

from lilac.cli.output import note, output_option, print_json


@click.command("login")
@click.option("--endpoint", metavar="URL", help="The control plane, e.g. http://lilac.example.com:8080.")
@click.option("--username", help="Who you are there.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--key-name", help="What the new key is called (default: user@host of this machine).")
@output_option
@click.pass_context
def login(
    ctx: click.Context,
    *,
    endpoint: str | None,
    username: str | None,
    password_stdin: bool,
    key_name: str | None,
    as_json: bool,
) -> None:
    """Log in with a password and keep an API key in ~/.lilac/config.toml."""
    from lilac.cli import prompting
    from lilac.client import Client, config

    settings = _settings_or_default()
    asks = prompting.has_terminal() and not password_stdin
    missing = [flag for flag, value in (("--username", username), ("--password-stdin", password_stdin)) if not value]
    if missing and not asks and not (password_stdin and username):
        raise click.UsageError(f"there is no terminal to ask questions on: give {' and '.join(missing)}.", ctx)
    if endpoint is None:
        endpoint = prompting.text("Lilac API Endpoint:", settings.api_endpoint) if asks else settings.api_endpoint
    if username is None:
        username = prompting.text("Username:", getpass.getuser())
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else prompting.secret("Password:")
    with Client(endpoint) as anonymous:
        token = anonymous.auth.login(username, password)["access_token"]
        endpoint = anonymous.endpoint
    name = key_name or f"{_system_user()}@{socket.gethostname()}"
    with Client(endpoint, token) as client:
        key = client.account.create_key(name=name)
        account = client.account.details()
    path = config.save(api_endpoint=endpoint, api_key=key["key"])
    if as_json:
        print_json({**account, "api_endpoint": endpoint, "key_id": key["id"], "key_name": name, "config": str(path)})
    else:
        role = f" ({account.get('role')})" if account.get("role") else ""
        click.echo(f"Logged in to {endpoint} as {account['username']}{role}. API key {name} saved in {path}.")
    warn_of_environment()


def warn_of_environment() -> None:
    """Say so where variables outweigh what was just saved."""
    from lilac.client.config import ENDPOINT_VARIABLE, KEY_VARIABLE

    set_ones = [name for name in (ENDPOINT_VARIABLE, KEY_VARIABLE) if os.environ.get(name)]
    if set_ones:
        note(f"Note: {' and '.join(set_ones)} in the environment outweigh the file.")


def _settings_or_default():
    """What is configured; a broken file is no reason not to write a good one."""
    from lilac.client import config
    from lilac.model.errors import InvalidInput

    try:
        return config.load()
    except InvalidInput as error:
        note(f"Note: {error}")
        return config.UserConfig(api_endpoint=os.environ.get(config.ENDPOINT_VARIABLE) or config.DEFAULT_ENDPOINT)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid{os.getuid()}"
