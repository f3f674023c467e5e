"""`lilac users`: the people, for admins; and everybody's own password."""

from __future__ import annotations

import sys
from typing import Any

import click

from lilac.cli import wording
from lilac.cli.completing import user_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, output_option, print_fields, print_json, print_table
from lilac.model.errors import InvalidInput

_ROLES = click.Choice(["admin", "member", "viewer"])


@click.group("users", cls=NounGroup)
def users() -> None:
    """Users, for admins: admins do everything, members their own work, viewers look.

    USER is a name or an id. Passwords are asked for, or read from standard input with --password-stdin.
    """


@users.command("ls")
@output_option
def list_users(*, as_json: bool) -> None:
    """List all users."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.users.list()
    if as_json:
        print_json({"users": found})
        return
    rows = [
        [
            clean(user["username"]),
            user["role"] + (" (disabled)" if user.get("disabled") else ""),
            clean(" ".join(filter(None, (user["first_name"], user["last_name"]))) or "-"),
            wording.short(user["user_id"]),
            wording.ago(user["created_at"]),
        ]
        for user in found
    ]
    print_table(["USER", "ROLE", "NAME", "ID", "CREATED"], rows, flexible=2)


@users.command("create")
@click.argument("username")
@click.option("--role", type=_ROLES, default="member", show_default=True)
@click.option("--first-name")
@click.option("--last-name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@output_option
@click.pass_context
def create(
    ctx: click.Context,
    username: str,
    *,
    role: str,
    first_name: str | None,
    last_name: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Make a user."""
    from lilac.cli.session import connected

    password = new_password(ctx, from_stdin=password_stdin)
    with connected() as client:
        user = client.users.create(
            username=username, password=password, role=role, first_name=first_name, last_name=last_name
        )
    if as_json:
        print_json(user)
    else:
        click.echo(f"User {username} made, role {role}.")


@users.command("show")
@click.argument("user", shell_complete=user_names)
@output_option
def show(user: str, *, as_json: bool) -> None:
    """Show one user."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.users.get(user)
    if as_json:
        print_json(found)
        return
    names = " ".join(filter(None, (found["first_name"], found["last_name"])))
    print_fields(
        [
            ("User", clean(found["username"])),
            ("ID", found["user_id"]),
            ("Name", clean(names or "-")),
            ("Role", found["role"]),
            ("May log in", "no, disabled" if found.get("disabled") else "yes"),
            ("Created", wording.when(found["created_at"])),
        ]
    )


@users.command("edit")
@click.argument("user", shell_complete=user_names)
@click.option("--role", type=_ROLES, help="Another role.")
@click.option("--first-name", help="Another first name.")
@click.option("--last-name", help="Another last name.")
@output_option
@click.pass_context
def edit(ctx: click.Context, user: str, *, as_json: bool, **changes: Any) -> None:
    """Change a user; what is not given stays."""
    from lilac.cli.session import connected

    if not any(value is not None for value in changes.values()):
        raise click.UsageError("nothing to change: give --role, --first-name or --last-name.", ctx)
    with connected() as client:
        changed = client.users.change(user, **changes)
    _told(changed, f"{user} is changed.", as_json)


@users.command("rm")
@click.argument("user", shell_complete=user_names)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def delete(user: str, *, yes: bool, as_json: bool) -> None:
    """Delete a user with all keys. Refused while jobs of the user wait or run."""
    from lilac.cli.queues import confirmed
    from lilac.cli.session import connected

    if not confirmed(f"Delete user {user} and all keys?", yes):
        return
    with connected() as client:
        client.users.delete(user)
    _told({"deleted": user}, f"{user} is deleted.", as_json)


@users.command("set-role")
@click.argument("user", shell_complete=user_names)
@click.argument("role", type=_ROLES)
@output_option
def set_role(user: str, role: str, *, as_json: bool) -> None:
    """Give a user another role."""
    from lilac.cli.session import connected

    with connected() as client:
        changed = client.users.change(user, role=role)
    _told(changed, f"{user} is {role} now.", as_json)


@users.command("set-password")
@click.argument("user", shell_complete=user_names)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@output_option
@click.pass_context
def set_password(ctx: click.Context, user: str, *, password_stdin: bool, as_json: bool) -> None:
    """Give a user a new password."""
    from lilac.cli.session import connected

    password = new_password(ctx, from_stdin=password_stdin)
    with connected() as client:
        changed = client.users.change(user, password=password)
    _told(changed, f"{user} has a new password.", as_json)


@users.command("disable")
@click.argument("user", shell_complete=user_names)
@output_option
def disable(user: str, *, as_json: bool) -> None:
    """Keep a user out: password and keys no longer work."""
    from lilac.cli.session import connected

    with connected() as client:
        changed = client.users.change(user, disabled=True)
    _told(changed, f"{user} is disabled.", as_json)


@users.command("enable")
@click.argument("user", shell_complete=user_names)
@output_option
def enable(user: str, *, as_json: bool) -> None:
    """Let a disabled user in again."""
    from lilac.cli.session import connected

    with connected() as client:
        changed = client.users.change(user, disabled=False)
    _told(changed, f"{user} is enabled.", as_json)


@users.command("passwd")
@click.option("--password-stdin", is_flag=True, help="Read the old and the new password from two lines of input.")
@click.pass_context
def passwd(ctx: click.Context, *, password_stdin: bool) -> None:
    """Change your own password."""
    from lilac.cli import prompting
    from lilac.cli.session import connected

    if password_stdin:
        old = sys.stdin.readline().rstrip("\r\n")
    elif prompting.has_terminal():
        old = prompting.secret("Old password:")
    else:
        raise click.UsageError("there is no terminal to ask questions on: give --password-stdin.", ctx)
    new = new_password(ctx, from_stdin=password_stdin)
    with connected() as client:
        client.account.change_password(old=old, new=new)
    click.echo("Password changed.")


def new_password(ctx: click.Context, *, from_stdin: bool) -> str:
    """A password from standard input, or typed twice."""
    from lilac.cli import prompting

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise InvalidInput("standard input held no password.")
        return password
    if not prompting.has_terminal():
        raise click.UsageError("there is no terminal to ask questions on: give --password-stdin.", ctx)
    password = prompting.secret("New password:")
    if prompting.secret("The same again:") != password:
        raise InvalidInput("the two were not the same.")
    return password


def _told(changed: object, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(changed)
    else:
        click.echo(sentence)
