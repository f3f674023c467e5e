"""Groups of commands (`lilac jobs …`): other spellings that work, and the nearest word for one that does not.

The long verbs (`list`, `get`, `add`, `delete`, `remove`) do the same as the short ones, with every noun. A verb may
live in another module, which is then imported when the verb is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

OTHER_SPELLINGS: Mapping[str, str] = {"list": "ls", "get": "show", "add": "create", "delete": "rm", "remove": "rm"}


class NounGroup(click.Group):
    """`spellings` are further ones of this noun; `hints` answer verbs that it cannot have."""

    def __init__(
        self,
        *args: Any,
        spellings: Mapping[str, str] | None = None,
        hints: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{"no_args_is_help": True, **kwargs})
        self._spellings = {**OTHER_SPELLINGS, **(spellings or {})}
        self._hints = hints or {}
        self._places: dict[str, tuple[str, str]] = {}
        self._order: list[str] = []

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(cmd, name)
        self._note(name or cmd.name or "")

    def add_from(self, module: str, **attributes: str) -> None:
        """Add commands by what their module of `lilac.cli` calls them: `add_from("logs", logs="logs")`."""
        for verb, attribute in attributes.items():
            self._places[verb.replace("_", "-")] = (module, attribute)
            self._note(verb.replace("_", "-"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for name in (cmd_name, self._spellings.get(cmd_name, "")):
            if name in self._places:
                module, attribute = self._places[name]
                return getattr(import_module(f"lilac.cli.{module}"), attribute)
            if (found := super().get_command(ctx, name)) is not None:
                return found
        return None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._order)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with its first sentence, which goes on in the next line instead of being cut."""
        rows: list[tuple[str, str]] = []
        for name in self._order:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, _first_sentence(command.help or "")))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        also = [f"{long} for {short}" for long, short in self._spellings.items() if short in self._order]
        if also:
            formatter.write_paragraph()
            formatter.write_text(f"Also understood: {', '.join(also)}.")

    def _note(self, name: str) -> None:
        if name not in self._order:
            self._order.append(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0] if args else ""
        if word and not word.startswith("-") and self.get_command(ctx, word) is None:
            hint = f" {self._hints[word]}" if word in self._hints else did_you_mean(word, self._order)
            raise click.UsageError(f"there is no `{ctx.command_path} {word}`.{hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        return (command.name if command is not None else name), command, rest


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."


def did_you_mean(word: str, known: Any) -> str:
    """` Did you mean `ls`?`, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
