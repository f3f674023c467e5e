"""The secrets of one replica on the node: from the control plane's list to the replica, and away again.

Values are no part of an assignment, so they are never in `replica.json`, in a `repr` or in a log. They lie in a file of
their own in the replica's directory of the journal (`secrets.json`, mode 0600), because the agent needs them to mask
output, also after a restart; the file goes away with the rest of the directory when the output is shipped. A process
finds its secret files in `secrets/` (mode 0700, files 0400), which are removed as soon as the process has ended. What
goes into a container as a variable stands in the engine's own description of it until the container is removed.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
from collections.abc import Mapping

from lilac.agent.journal import SECRETS, Entry
from lilac.agent.masking import Mask
from lilac.agent.runtime import StartFailure
from lilac.agent.wire import Assignment
from lilac.model.states import FailureReason

IN_CONTAINER = "/run/secrets"


def read(entry: Entry) -> dict[str, str]:
    """The values by name; empty where nothing is kept."""
    values = entry.read_json(SECRETS) if entry.assignment.secrets else None
    return {str(name): str(value) for name, value in (values or {}).items()}


def mask_for(entry: Entry) -> Mask:
    return Mask(read(entry).values())


def check_all_there(assignment: Assignment, values: Mapping[str, str]) -> None:
    """Raise `StartFailure` naming a secret that the control plane did not send."""
    for secret in assignment.secrets:
        if secret.name not in values:
            raise StartFailure(
                FailureReason.START,
                f"The secret {secret.name} does not exist any more, or cannot be opened: store it again and resubmit.",
            )


def variables(assignment: Assignment, values: Mapping[str, str], directory: str) -> dict[str, str]:
    """What the replica finds in its environment; `directory` is where its secret files are for it."""
    found = {secret.env: values[secret.name] for secret in assignment.secrets if secret.env is not None}
    if any(secret.file is not None for secret in assignment.secrets):
        found["LILAC_SECRETS_DIR"] = directory
    return found


def write_files(entry: Entry, values: Mapping[str, str]) -> None:
    """Put the secret files of a process in place."""
    wanted = [secret for secret in entry.assignment.secrets if secret.file is not None]
    if not wanted:
        return
    directory = entry.path("secrets")
    directory.mkdir(mode=0o700, exist_ok=True)
    for secret in wanted:
        path = directory / str(secret.file)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400), "wb") as file:
            file.write(values[secret.name].encode())


def remove_files(entry: Entry) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(entry.path("secrets"))


def archive(assignment: Assignment, values: Mapping[str, str], owner: tuple[int, int]) -> bytes | None:
    """A tar archive of the secret files for a container, readable by `owner` (uid, gid) only; None without any."""
    wanted = [secret for secret in assignment.secrets if secret.file is not None]
    if not wanted:
        return None
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("run", "run/secrets"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(directory)
        for secret in wanted:
            content = values[secret.name].encode()
            member = tarfile.TarInfo(f"run/secrets/{secret.file}")
            member.size, member.mode = len(content), 0o400
            member.uid, member.gid = owner
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def owner_of(user: str, passwd: str) -> tuple[int, int]:
    """Who runs in a container whose image says this user, by the image's own list of users; root if it is unknown."""
    name, _, group = user.partition(":")
    if not name:
        return 0, 0
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) > 3 and name in (fields[0], fields[2]) and fields[2].isdigit() and fields[3].isdigit():
            return int(fields[2]), int(group) if group.isdigit() else int(fields[3])
    return (int(name), int(group) if group.isdigit() else 0) if name.isdigit() else (0, 0)
