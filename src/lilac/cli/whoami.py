"""`lilac whoami`: to which control plane, as whom, and how far the key goes."""

from __future__ import annotations

import click

from lilac.cli.output import clean, output_option, print_fields, print_json


@click.command("whoami")
@output_option
def whoami(*, as_json: bool) -> None:
    """Say who you are to the control plane, and where that is configured."""
    from lilac.cli.session import connected
    from lilac.client import config

    settings = config.load()
    with connected() as client:
        account = client.account.details()
        endpoint = client.endpoint
    if as_json:
        print_json({**account, "api_endpoint": endpoint})
        return
    names = " ".join(filter(None, (account["first_name"], account["last_name"])))
    facts = [
        ("User", clean(account["username"]) + (f" ({clean(names)})" if names else "")),
        ("Role", account.get("role") or "-"),
        ("Key's scope", str(account.get("scope") or "-")),
        ("Control plane", f"{endpoint} (from {settings.endpoint_source})"),
        ("Key", f"from {settings.key_source or 'nowhere'}"),
    ]
    print_fields(facts)
