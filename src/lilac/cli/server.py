"""`lilac server`: the control plane in the foreground. Every setting is a flag, made from the one typed place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lilac.cli.nouns import NounGroup

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


@click.group("server", cls=NounGroup)
def server() -> None:
    """Run the control plane."""


class SettingsCommand(click.Command):
    """A command with a flag for each setting of the control plane. The settings are loaded when it is used only."""

    wanted: tuple[str, ...] = ()
    """Flags for these settings only."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not any(param.name == "config" for param in self.params):
            from lilac.control.settings import Settings

            self.params += [
                _flag(name, field)
                for name, field in Settings.model_fields.items()
                if not _secret(field) and (not self.wanted or name in self.wanted)
            ]
            self.params.append(
                click.Option(
                    ["--config"],
                    type=click.Path(dir_okay=False),
                    help="File with settings (LILAC_CONFIG_FILE; server.toml in the data directory).",
                )
            )
        return super().get_params(ctx)


class DatabaseCommand(SettingsCommand):
    """A command that works on the database of a control plane, whether one runs or not."""

    wanted = ("data_dir", "database_url")


@server.command("start", cls=SettingsCommand)
def start(config: str | None, **flags: Any) -> None:
    """Start the control plane; Ctrl-C or SIGTERM ends it.

    Flags outweigh variables (LILAC_PORT, …), which outweigh server.toml in the data directory. The first start makes
    an administrator and prints the password, unless LILAC_ADMIN_PASSWORD gives one. Secrets are given by variables or
    the file only, since all users of a machine see its command lines; that goes for a password in a database URL too.

    SIGHUP makes the server read its TLS certificate again.
    """
    from lilac.api.main import serve
    from lilac.control import settings

    given = {name: list(value) if isinstance(value, tuple) else value for name, value in flags.items() if value != ()}
    serve(settings.load(config, **given))


@server.command("password", cls=DatabaseCommand)
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the new password from standard input.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.pass_context
def password(
    ctx: click.Context, username: str, password_stdin: bool, generate: bool, config: str | None, **flags: Any
) -> None:
    """Set the password of an account, on the server's machine.

    For when nobody can sign in any more. It works in the database itself, whether the server runs or not. The password
    is asked for, read or made; it is never taken from the command line, which all users of a machine see.
    """
    import asyncio
    import secrets
    import sys

    from lilac.cli import prompting
    from lilac.control import recovery, settings

    if password_stdin and generate:
        raise click.UsageError("--password-stdin and --generate exclude each other.", ctx)
    if generate:
        new = secrets.token_urlsafe(18)
    elif password_stdin:
        new = sys.stdin.readline().rstrip("\r\n")
    elif prompting.has_terminal():
        new = prompting.secret(f"New password of {username}:")
        if new != prompting.secret("Again:"):
            raise click.UsageError("the two passwords differ; nothing was changed.", ctx)
    else:
        raise click.UsageError(
            "there is no terminal to ask for the password on: give --password-stdin or --generate.", ctx
        )
    user = asyncio.run(recovery.set_password(settings.load(config, **flags), username, new))
    click.echo(f"The password of {user.username} ({user.role}) is changed; older sign-ins of it are void.")
    if generate:
        click.echo(f"  password: {new}")
    if user.disabled:
        click.echo(f"The account is disabled: an administrator lets it in again by lilac users enable {user.username}.")


def _flag(name: str, field: FieldInfo) -> click.Option:
    flag, kind, many, choices = f"--{name.replace('_', '-')}", field.annotation, False, ()
    text = (field.description or "").removesuffix(".")
    default = None if field.default_factory else field.get_default()
    if default not in (None, "", False):
        text += f" (default: {'yes' if default is True else default})"
    help_text = f"{text}."
    if kind is bool:
        return click.Option([f"{flag}/--no-{name.replace('_', '-')}"], default=None, help=help_text)
    spelled = str(kind)
    many = "list[str]" in spelled
    for item in field.metadata:
        pattern = getattr(item, "pattern", None)
        if isinstance(pattern, str) and pattern.startswith("^(") and pattern.endswith(")$"):
            choices = tuple(pattern[2:-2].split("|"))
    value: Any = click.Choice(choices) if choices else _TYPES.get(kind, click.STRING)
    return click.Option([flag], type=value, multiple=many, help=help_text, metavar=_METAVARS.get(name))


def _secret(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("secret"))


_TYPES: dict[Any, click.ParamType] = {int: click.INT, float: click.FLOAT}
_METAVARS = {
    "database_url": "URL",
    "data_dir": "DIRECTORY",
    "log_dir": "DIRECTORY",
    "tls_cert_file": "FILE",
    "tls_key_file": "FILE",
}
