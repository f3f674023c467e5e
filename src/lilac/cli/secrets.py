"""`lilac secrets`: values that jobs name. A value comes from standard input or a prompt, never from a flag."""

from __future__ import annotations

import sys

import click

from lilac.cli.completing import secret_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, note, output_option, print_fields, print_json, print_table
from lilac.model.errors import InvalidInput, NotFound

shared_option = click.option("--shared", is_flag=True, help="One for everybody (administrators).")


@click.group("secrets", cls=NounGroup, spellings={"create": "set", "add": "set", "edit": "set"})
def secrets() -> None:
    """Secrets that your jobs name; nobody reads them back."""


@secrets.command("ls")
@output_option
def list_secrets(*, as_json: bool) -> None:
    """List names and dates of your own and of the shared ones."""
    from lilac.cli import wording
    from lilac.cli.session import connected

    with connected() as client:
        found = client.secrets.list()
    if as_json:
        print_json({"secrets": found})
        return
    if not found:
        note("No secrets. `lilac secrets set NAME` keeps one.")
        return
    rows = [
        [clean(each["name"]), "everybody" if each["shared"] else "you", wording.ago(each["updated_at"])]
        for each in found
    ]
    print_table(["NAME", "FOR", "SET"], rows, flexible=0)


@secrets.command("show")
@click.argument("name", shell_complete=secret_names)
@output_option
def show(name: str, *, as_json: bool) -> None:
    """Show one secret, without its value, which nobody reads back."""
    from lilac.cli import wording
    from lilac.cli.session import connected

    with connected() as client:
        found = [each for each in client.secrets.list() if each["name"] == name]
    if not found:
        raise NotFound(f"there is no secret {name!r}.")
    if as_json:
        print_json(found[0] if len(found) == 1 else found)
        return
    for each in found:
        print_fields(
            [
                ("Secret", clean(each["name"])),
                ("For", "everybody" if each["shared"] else "you"),
                ("Created", wording.when(each["created_at"])),
                ("Set", wording.when(each["updated_at"])),
            ]
        )


@secrets.command("set")
@click.argument("name", shell_complete=secret_names)
@shared_option
@output_option
def set_secret(name: str, *, shared: bool, as_json: bool) -> None:
    """Keep a value under a name, instead of the one before.

    \b
    lilac secrets set token                asks for it
    lilac secrets set key < id_ed25519     takes all of standard input; one line break at its end is left out
    """
    from lilac.cli import prompting
    from lilac.cli.session import connected

    value = prompting.secret("Value:") if prompting.has_terminal() else _without_line_end(sys.stdin.read())
    if not value:
        raise InvalidInput("there is no value: type one, or give it on standard input.")
    with connected() as client:
        kept = client.secrets.set(name, value, shared=shared)
    if as_json:
        print_json(kept)
    else:
        click.echo(f"Set {clean(kept['name'])}.")


@secrets.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=secret_names)
@shared_option
@output_option
def remove(names: tuple[str, ...], *, shared: bool, as_json: bool) -> None:
    """Forget secrets. Jobs that wait for their start and name them will fail then."""
    from lilac.cli.session import connected

    with connected() as client:
        for name in names:
            client.secrets.delete(name, shared=shared)
            if not as_json:
                click.echo(f"Removed {clean(name)}.")
    if as_json:
        print_json({"deleted": list(names)})


def _without_line_end(text: str) -> str:
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
