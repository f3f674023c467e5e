"""`lilac ui`: the web interface of the configured control plane."""

from __future__ import annotations

import webbrowser

import click


@click.command("ui")
@click.option("--print", "print_only", is_flag=True, help="Print the address and open nothing.")
def ui(*, print_only: bool) -> None:
    """Print the address of the web interface, and open it where there is a browser.

    You sign in there with your name and password; the API key of the command line is not handed over.
    """
    from lilac.client import config

    endpoint = config.load().api_endpoint.split(",")[0].strip().rstrip("/").removesuffix("/api")
    address = f"{endpoint}/ui/"
    click.echo(address)
    if not print_only:
        try:
            webbrowser.open(address)
        except webbrowser.Error as error:
            raise click.ClickException(f"no browser could be opened ({error}); open the address by hand.") from None
