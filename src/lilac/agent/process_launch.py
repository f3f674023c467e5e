"""Starts the shim of a process replica, with the replica's command below it.

The shim is a small POSIX shell script. It puts itself into the replica's control group if there is one, notes who it is
(`pid`), runs the command, and writes the command's exit code (`exit`). It cannot put itself there: then it leaves
`unplaced` and nothing is run.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from lilac.agent.journal import Entry
from lilac.agent.runtime import StartFailure
from lilac.agent.wire import replica_environment
from lilac.model.states import FailureReason

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNPLACED = "unplaced"

# $0 is the replica's directory; the parameters are the doors of its control group, --, the working directory, and the
# command, its program as a path with a slash so that no builtin of the shell is meant. Positional parameters only:
# a variable of the shell could be one of the job. The shell itself is mute (its standard error is nowhere): it would
# say "Terminated" and the like.
_SHIM = """\
trap : HUP INT QUIT ABRT TERM USR1 USR2 ALRM CONT WINCH
while [ "$1" != -- ]; do
printf 0 >"$1" || { : >"$0/unplaced"; exit 126; }
shift
done
shift
IFS= read -r _LILAC_SHIM </proc/self/stat
printf '%s\\n' "$_LILAC_SHIM" >"$0/pid"
unset _LILAC_SHIM
cd "$1" || exit 126
unset OLDPWD
shift
"$@" 2>&1
set -- "$?"
printf '%s\\n' "$1" >"$0/exit"
exit "$1"
"""

# A shell drops variables whose names it could not spell itself, so for those the command starts through here.
_ENVIRON_LAUNCHER = """\
import os, sys
with open(sys.argv[1], "rb") as f:
    pairs = [p.split(b"=", 1) for p in f.read().split(b"\\0") if p]
os.unlink(sys.argv[1])
os.execve(sys.argv[2], sys.argv[2:], {**dict(pairs), b"PWD": os.getcwdb()})
"""


def spawn(entry: Entry, variables: dict[str, str], doors: Sequence[str] = ()) -> int:
    """Start the replica's shim and return its process number; `variables` go over the environment.

    Raises `StartFailure` with one sentence.
    """
    environment = _environment(entry) | variables
    workdir = _working_directory(entry)
    program = _program(entry, environment["PATH"], workdir)
    command = [program, *entry.assignment.words[1:]]
    if not all(_is_shell_name(name) for name in environment):
        command = _launched(entry, environment, command)
    environment["PWD"] = str(workdir)
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", _SHIM, str(entry.directory), *doors, "--", str(workdir), *command],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(entry.output), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP)],
        )
    except (OSError, ValueError) as error:
        exit_code = 126
        raise StartFailure(
            FailureReason.START, f"The process could not be started: {_why(error)}.", exit_code
        ) from error


def _environment(entry: Entry) -> dict[str, str]:
    """A clean base, never the agent's own environment: that one holds the cluster's key."""
    base = {
        "PATH": os.environ.get("PATH") or _DEFAULT_PATH,
        "HOME": os.environ.get("HOME") or "/",
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "TMPDIR": os.environ.get("TMPDIR") or "/tmp",
    }
    return {
        **base,
        **replica_environment(entry.assignment),
        "LILAC_STOP_REASON_FILE": str(entry.path("stop_reason")),
    }


def _working_directory(entry: Entry) -> Path:
    wanted = entry.assignment.working_dir
    if wanted is None:
        directory = entry.path("work")
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory
    directory = Path(wanted)
    if not directory.is_absolute():
        raise StartFailure(FailureReason.START, f"The working directory {wanted} must be an absolute path.", 126)
    if not directory.is_dir():
        raise StartFailure(FailureReason.START, f"The working directory {wanted} does not exist on this node.", 126)
    return directory


def _program(entry: Entry, path: str, workdir: Path) -> str:
    """Find the program as a shell would; `StartFailure` with the code that a shell would give."""
    command = entry.assignment.command
    if not command or not command[0]:
        raise StartFailure(FailureReason.START, "A job of runtime process needs a command.", 127)
    name = command[0]
    if "/" in name:
        program = Path(workdir, name)
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
        if program.exists():
            raise StartFailure(FailureReason.START, f"{name} is not an executable program.", 126)
        raise StartFailure(FailureReason.START, f"The program {name} does not exist on this node.", 127)
    found = shutil.which(name, path=path)
    if found is None:
        raise StartFailure(FailureReason.START, f"The program {name} was not found on this node (PATH {path}).", 127)
    return str(Path(workdir, found))


def _launched(entry: Entry, environment: dict[str, str], command: list[str]) -> list[str]:
    path = entry.path("environ")
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(b"\0".join(os.fsencode(f"{name}={value}") for name, value in environment.items()))
    return [sys.executable, "-I", "-c", _ENVIRON_LAUNCHER, str(path), *command]


def _is_shell_name(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.E2BIG:
            return "its command and environment are too long for the system"
        return os.strerror(error.errno)
    return str(error)
