"""`lilac server`: the control plane in the foreground. Every setting is a flag, made from the one typed place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


@click.group("server", no_args_is_help=True)
def server() -> None:
    """Run the control plane."""


class SettingsCommand(click.Command):
    """A command with a flag for each setting of the control plane. The settings are loaded when it is used only."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self.params:
            from lilac.control.settings import Settings

            self.params = [_flag(name, field) for name, field in Settings.model_fields.items() if not _secret(field)]
            self.params.append(
                click.Option(
                    ["--config"],
                    type=click.Path(dir_okay=False),
                    help="File with settings (LILAC_CONFIG_FILE; server.toml in the data directory).",
                )
            )
        return super().get_params(ctx)


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
_METAVARS = {"database_url": "URL", "data_dir": "DIRECTORY", "tls_cert_file": "FILE", "tls_key_file": "FILE"}
