"""`lilac completion`: the script that lets a shell complete commands, options and names."""

from __future__ import annotations

import click

from lilac.cli.output import note

_HOW = {
    "bash": 'eval "$(lilac completion bash)"     in ~/.bashrc',
    "zsh": 'eval "$(lilac completion zsh)"     in ~/.zshrc, after compinit',
    "fish": "lilac completion fish | source     in ~/.config/fish/config.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_HOW)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(lilac completion bash)"         in ~/.bashrc
    zsh:   eval "$(lilac completion zsh)"          in ~/.zshrc, after compinit
    fish:  lilac completion fish | source          in ~/.config/fish/config.fish

    Names of jobs, queues, nodes and clusters are asked of the control plane, within half a second or not at all.
    """
    import sys

    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # click's own method would ask the shell for its version first, which a script that is only printed need not have.
    script = kind(ctx.find_root().command, {}, "lilac", "_LILAC_COMPLETE")
    # click's for fish ends what it says of a command at the first comma.
    text = (script.source_template % script.source_vars()).replace('string split ","', 'string split --max 1 ","')
    click.echo(text)
    if sys.stdout.isatty():
        note(f"# Put this into use with: {_HOW[shell]}")
