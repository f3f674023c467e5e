"""`lilac server`: the control plane in the foreground."""

from __future__ import annotations

from typing import Any

import click


@click.group("server", no_args_is_help=True)
def server() -> None:
    """Run the control plane."""


@server.command("start")
@click.option("--host", help="Address to listen on (127.0.0.1); 0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (8080); 0 takes a free one.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where state and logs are kept (~/.lilac/server).")
@click.option("--database-url", metavar="URL", help="sqlite:///PATH or postgresql://… (a file in the data directory).")
@click.option("--log-format", type=click.Choice(["console", "json"]), help="Format of the server's own log.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Least severity logged.")
@click.option("--allow-sign-up", is_flag=True, default=None, help="Let anybody make an account of role member.")
def start(**flags: Any) -> None:
    """Start the control plane; Ctrl-C or SIGTERM ends it.

    Flags outweigh variables (LILAC_PORT, …), which outweigh server.toml in the data directory. The first start makes
    an administrator and prints the password, unless LILAC_ADMIN_PASSWORD gives one. Passwords in a database URL are
    better given by LILAC_DATABASE_URL than by the flag, since all users of a machine see its command lines.
    """
    from lilac.api.main import serve
    from lilac.control import settings

    serve(settings.load(**{name: value for name, value in flags.items() if value is not None}))
