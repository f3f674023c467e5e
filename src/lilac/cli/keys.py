"""`lilac keys`: your own API keys. The functions that show and find keys also serve the keys of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lilac.cli import wording
from lilac.cli.completing import key_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, note, output_option, print_fields, print_json, print_table
from lilac.model.errors import NotFound

if TYPE_CHECKING:
    from lilac.client.shapes import ApiKey, NewApiKey

expires_option = click.option(
    "--expires-in", metavar="TIME", help="How long it is valid, e.g. 12h or 30d (default: until it is deleted)."
)


@click.group("keys", cls=NounGroup)
def keys() -> None:
    """Your own API keys: for the command line, programs and CI."""


@keys.command("ls")
@output_option
def list_keys(*, as_json: bool) -> None:
    """List your keys (never their secret part)."""
    from lilac.cli.session import connected

    with connected() as client:
        print_keys(client.account.keys(), as_json)


@keys.command("show")
@click.argument("name", metavar="KEY", shell_complete=key_names)
@output_option
def show(name: str, *, as_json: bool) -> None:
    """Show one key by name, id or the beginning of an id (never its secret part)."""
    from lilac.cli.session import connected

    with connected() as client:
        key = find_key(name, client.account.keys())
    if as_json:
        print_json(key)
    else:
        print_fields(
            [
                ("Key", clean(key.get("name") or "-")),
                ("ID", key["id"]),
                ("Begins with", key["prefix"] + "…"),
                ("Scope", key.get("scope") or "-"),
                ("Created", wording.when(key["created_at"])),
                ("Last used", wording.when(key["last_used_at"]) if key["last_used_at"] else "never"),
                ("Expires", wording.when(key["expires_at"]) if key["expires_at"] else "never"),
            ]
        )


@keys.command("create")
@click.argument("name", required=False, default="")
@expires_option
@click.option("--scope", type=click.Choice(["read", "submit", "admin"]), default="admin", show_default=True,
              help="What it is good for: to look; also to submit; or all that you may.")  # fmt: skip
@output_option
def create(name: str, *, expires_in: str | None, scope: str, as_json: bool) -> None:
    """Make a key. It is printed once, alone on standard output."""
    from lilac.cli.session import connected

    with connected() as client:
        print_new_key(client.account.create_key(name=name, expires_at=expiry(expires_in), scope=scope), as_json)


@keys.command("rm")
@click.argument("names", metavar="KEY...", nargs=-1, required=True, shell_complete=key_names)
@output_option
def delete(names: tuple[str, ...], *, as_json: bool) -> None:
    """Delete keys by name, id or the beginning of an id. They stop working at once."""
    from lilac.cli.session import connected

    with connected() as client:
        found = [find_key(name, client.account.keys()) for name in names]
        for key in found:
            client.account.delete_key(key["id"])
            if not as_json:
                click.echo(f"Deleted key {clean(key.get('name') or key['id'])}.")
    if as_json:
        print_json({"deleted": [key["id"] for key in found]})


def expiry(text: str | None) -> str | None:
    """A length of time from now as a moment in the API's form."""
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    return (
        (datetime.now(UTC) + timedelta(seconds=wording.seconds(text, "--expires-in")))
        .isoformat()
        .replace("+00:00", "Z")
    )


def print_keys(found: Sequence[ApiKey], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if not found:
        note("No keys.")
        return
    rows = [
        [
            clean(key.get("name") or "-"),
            wording.short(key["id"]),
            key["prefix"] + "…",
            key.get("scope") or "-",
            wording.ago(key["created_at"]),
            wording.ago(key["last_used_at"]),
            wording.when(key["expires_at"]) if key["expires_at"] else "never",
        ]
        for key in found
    ]
    print_table(["NAME", "ID", "KEY", "SCOPE", "CREATED", "LAST USED", "EXPIRES"], rows, flexible=0, droppable=[4])


def print_new_key(key: NewApiKey, as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    click.echo(key["key"])
    note("Keep it now: it is not shown again.")


def find_key(name: str, known: Sequence[ApiKey]) -> ApiKey:
    """The one key with this id, this name, or an id that begins so. Raises `NotFound`."""
    matches = [key for key in known if name in (key["id"], key.get("name"))]
    if not matches and len(name) >= 4:
        matches = [key for key in known if key["id"].startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(key["id"] for key in matches)
        raise NotFound(f"{len(matches)} keys are called {name!r}: give one of the ids {ids}.")
    raise NotFound(f"there is no key {name!r}.")
