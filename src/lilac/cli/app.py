"""The tree of commands and the one place where errors become sentences and exit codes.

`COMMANDS` names every command with its one-line help and where it lives; the module is imported when the command is
invoked, not for `lilac --help`. Commands raise errors of `lilac.model.errors` (or click's usage errors); `run` prints
one sentence on standard error and returns the exit code. A traceback is shown with `--debug` only.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from lilac.cli.nouns import did_you_mean
from lilac.model.errors import LilacError, Unauthenticated

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    section: str
    module: str
    attribute: str
    summary: str


_WORK = "Work"
_PLATFORM = "Platform"
_ACCOUNT = "Account"
_RUN = "Run it"

COMMANDS: dict[str, Entry] = {
    "submit": Entry(_WORK, "submit", "submit", "Submit a job."),
    "ps": Entry(_WORK, "job_lists", "list_jobs", "List jobs (the same as `jobs ls`)."),
    "logs": Entry(_WORK, "logs", "logs", "Show or follow the output of a job."),
    "exec": Entry(_WORK, "exec_in", "exec_in", "Run a command, or a shell, in a running job."),
    "port-forward": Entry(_WORK, "exec_in", "port_forward", "Reach ports of a running job from this machine."),
    "explain": Entry(_WORK, "explain", "explain", "Say why a job waits, and what would start it."),
    "cancel": Entry(_WORK, "job_lists", "cancel", "Cancel jobs."),
    "jobs": Entry(_WORK, "jobs", "jobs", "Everything about jobs: ls, show, logs, exec, explain, wait, retry, cancel."),
    "top": Entry(_PLATFORM, "top.command", "top", "The cluster at a glance, live."),
    "ui": Entry(_PLATFORM, "ui", "ui", "The web interface, in a browser."),
    "queues": Entry(_PLATFORM, "queues", "queues", "Queues: where jobs wait."),
    "clusters": Entry(_PLATFORM, "clusters", "clusters", "Clusters and the keys of their agents."),
    "nodes": Entry(_PLATFORM, "nodes", "nodes", "Nodes: the machines."),
    "events": Entry(_PLATFORM, "events", "events", "What happened, to what, when, by whom."),
    "what-if": Entry(_PLATFORM, "what_if", "what_if", "What would start when, if something were different."),
    "schema": Entry(_WORK, "schema", "schema", "JSON Schema of job files."),
    "login": Entry(_ACCOUNT, "login", "login", "Log in with a password and keep an API key."),
    "configure": Entry(_ACCOUNT, "configure", "configure", "Set the endpoint and the API key by hand."),
    "secrets": Entry(_ACCOUNT, "secrets", "secrets", "Secrets that your jobs name."),
    "volumes": Entry(_ACCOUNT, "volumes", "volumes", "Named volumes: directories that outlive jobs."),
    "keys": Entry(_ACCOUNT, "keys", "keys", "Your own API keys."),
    "users": Entry(_ACCOUNT, "users", "users", "Users (for admins)."),
    "whoami": Entry(_ACCOUNT, "whoami", "whoami", "Who you are to the control plane."),
    "completion": Entry(_ACCOUNT, "completion", "completion", "Let bash, zsh or fish complete commands and names."),
    "server": Entry(_RUN, "server", "server", "Run the control plane."),
    "agent": Entry(_RUN, "agent", "agent", "Run the agent of a node."),
    "replay": Entry(_RUN, "replay", "replay", "Plan a snapshot of the scheduler's state again."),
    "demo": Entry(_RUN, "demo.command", "demo", "See the whole platform work on this machine."),
}

SINGULAR = {
    noun.removesuffix("s"): noun
    for noun in ("jobs", "queues", "clusters", "nodes", "events", "secrets", "volumes", "keys", "users")
}
"""`lilac job show` is what `lilac jobs show` is."""

EXIT_CODES = """\b
Exit codes:
  0    done
  1    failed on the server, or unexpectedly
  2    wrong usage or wrong input
  3    not found
  4    not allowed: the credential is missing, wrong or has not the right
  5    conflict with the present state
  6    the control plane cannot be reached
  7    the job itself failed (--wait; with --follow the job's own exit code)
  130  interrupted

\b
Environment: LILAC_API_ENDPOINT and LILAC_USER_API_KEY override ~/.lilac/config.toml, NO_COLOR switches colours off.
With --debug, errors come with their traceback."""


class LilacGroup(click.Group):
    """The root: knows its commands by name and loads each when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(SINGULAR.get(cmd_name, cmd_name))
        if entry is None:
            return None
        module = importlib.import_module(f"lilac.cli.{entry.module}")
        return getattr(module, entry.attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in SINGULAR:
            args = [SINGULAR[args[0]], *args[1:]]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}.{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # Before click makes an exit code of 1 out of it.
            ctx.exit(_broken_pipe())

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands with their summaries, without loading any of them."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        named = [(name, entry.summary) for name, entry in COMMANDS.items() if name.startswith(incomplete)]
        return [CompletionItem(name, help=summary) for name, summary in named]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        width = max(map(len, COMMANDS))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])


@click.group(
    cls=LilacGroup,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(None, "-V", "--version", package_name="lilac", message="lilac %(version)s")
def root() -> None:
    """Lilac: submit work to a cluster, see what it does, and run the cluster.

    Begin with `lilac login`, then `lilac submit`. Each command tells more with --help.
    """


def run(args: Sequence[str]) -> int:
    """Run one command line; never raises."""
    args, debug = _take_debug(args)
    try:
        code = root.main(args, prog_name="lilac", standalone_mode=False)
        _flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except BrokenPipeError:
        return _broken_pipe()
    except (click.Abort, KeyboardInterrupt):
        return _say_interrupted()
    except click.UsageError as error:
        return _usage_error(error)
    except click.ClickException as error:
        _complain(error.format_message())
        return error.exit_code
    except LilacError as error:
        if debug:
            _traceback()
        _complain(str(error))
        if isinstance(error, Unauthenticated):
            click.echo(_how_to_log_in(), err=True)
        return error.exit_code
    except OSError as error:
        if debug:
            _traceback()
        _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 1
    except Exception as error:
        if debug:
            _traceback()
        _complain(f"something unexpected went wrong: {type(error).__name__}: {error}")
        if not debug:
            click.echo("This is a fault of lilac. The same command with --debug shows where it happened.", err=True)
        return 1


def _take_debug(args: Sequence[str]) -> tuple[list[str], bool]:
    """Take `--debug` out of the words before `--`, wherever it stands."""
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end] or os.environ.get("LILAC_DEBUG", "") not in ("", "0")
    return [word for word in words[:end] if word != "--debug"] + words[end:], debug


def _usage_error(error: click.UsageError) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    message = error.format_message()
    _complain(message[:1].lower() + message[1:] if not message.startswith("'") else message)
    if error.ctx is not None:
        click.echo(f"See `{error.ctx.command_path} --help`.", err=True)
    return 2


def _complain(sentence: str) -> None:
    from lilac.cli.output import paint

    click.echo(f"{paint('Error:', 'red', stream=sys.stderr)} {sentence}", err=True)


def _traceback() -> None:
    import traceback

    traceback.print_exc()


def _how_to_log_in() -> str:
    from lilac.client import config

    try:
        source = config.load().key_source
    except LilacError:
        source = None
    if source is None:
        return "No API key is configured: run `lilac login`, or set LILAC_USER_API_KEY."
    return f"The API key from {source} was sent. Run `lilac login` for a new one."


def _say_interrupted() -> int:
    click.echo(err=True)
    return 130


def _flush() -> None:
    sys.stdout.flush()


def _broken_pipe() -> int:
    """The reader went away: say nothing, also not when the interpreter flushes at its end."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)
    return 141
