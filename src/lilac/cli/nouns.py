"""Groups of commands (`lilac jobs …`): other spellings that work, and the nearest word for one that does not.

Spellings that were documented once go on working, unlisted: `delete` and `remove` for `rm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

OTHER_SPELLINGS: Mapping[str, str] = {"delete": "rm", "remove": "rm", "list": "ls", "add": "create", "get": "show"}


class NounGroup(click.Group):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"no_args_is_help": True, **kwargs})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        return found or super().get_command(ctx, OTHER_SPELLINGS.get(cmd_name, ""))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0] if args else ""
        if word and not word.startswith("-") and self.get_command(ctx, word) is None:
            raise click.UsageError(f"there is no `{ctx.command_path} {word}`.{did_you_mean(word, self.commands)}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        return (command.name if command is not None else name), command, rest


def did_you_mean(word: str, known: Any) -> str:
    """` Did you mean `ls`?`, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f" Did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
