"""Volumes of replicas: where they are on this machine, and whether a job may have them.

A named volume is `lilac-<id>`: a volume of the Docker engine for containers, a directory below the agent's state for
processes. Both stay when jobs end, and go when the volume is deleted (`volume_removal`).

A host path is given only below a path that the agent's owner has allowed, and it is where it really leads that counts:
symbolic links are followed first, and what is mounted is what they led to. Links that somebody who may write there
changes between this look and the mounting by the engine are not seen; so paths that jobs may write to should be allowed
as whole file systems, without links out of them that anybody may set.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lilac.agent.journal import Entry
from lilac.agent.runtime import StartFailure
from lilac.agent.wire import Assignment
from lilac.model.states import FailureReason
from lilac.model.surroundings import VolumeMount

DIRECTORY = "volumes"


def volume_name(volume: VolumeMount) -> str:
    """What the engine, or the directory below the agent's state, calls a named volume."""
    return name_of(str(volume.volume_id))


def name_of(volume_id: str) -> str:
    return f"lilac-{volume_id}"


def real_path(path: str, allowed: Collection[str], *, read_only: bool) -> str:
    """Where an allowed host path leads; `StartFailure` with the reason where it may not be given."""
    try:
        real = os.path.realpath(path, strict=True)
    except OSError as error:
        raise _refused(f"The host path {path} cannot be mounted: {os.strerror(error.errno or 0)}.") from error
    writable = False
    for entry in allowed:
        root, _, mode = entry.partition(":")
        if not _is_below(real, os.path.realpath(root)):
            continue
        if mode != "ro" or read_only:
            return real
        writable = True
    leads = f" (it leads to {real})" if real != path else ""
    if writable:
        raise _refused(f"The agent allows the host path {path}{leads} for reading only; mount it with read_only.")
    raise _refused(f"The agent does not allow the host path {path}{leads}; see allowed_host_paths in its settings.")


def add_mounts(config: dict[str, Any], assignment: Assignment, allowed: Collection[str]) -> None:
    """Write a replica's volumes into its container's configuration."""
    mounts: list[dict[str, Any]] = []
    for volume in assignment.volumes:
        mount: dict[str, Any] = {"Target": volume.path, "ReadOnly": volume.read_only}
        if volume.host_path is not None:
            source = real_path(volume.host_path, allowed, read_only=volume.read_only)
            mount |= {"Type": "bind", "Source": source, "BindOptions": {"Propagation": "rprivate"}}
        else:
            labels = {"lilac.volume": str(volume.volume_id), "lilac.name": str(volume.name)}
            mount |= {"Type": "volume", "Source": volume_name(volume), "VolumeOptions": {"Labels": labels}}
        mounts.append(mount)
    if mounts:
        config["HostConfig"]["Mounts"] = mounts


def prepare(entry: Entry, allowed: Collection[str]) -> dict[str, str]:
    """Make ready a process's volumes; returns the variables that tell where they are.

    A process sees the machine as it is, so read_only is only a promise of the job here.
    """
    variables: dict[str, str] = {}
    for volume in entry.assignment.volumes:
        if volume.host_path is not None:
            variables[volume.variable] = real_path(volume.host_path, allowed, read_only=volume.read_only)
            continue
        directory = state_dir_of(entry) / DIRECTORY / volume_name(volume)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(f"The volume {volume.name} cannot be made: {os.strerror(error.errno or 0)}.") from error
        variables[volume.variable] = str(directory)
    return variables


def state_dir_of(entry: Entry) -> Path:
    """The agent's state directory, in which the journal is."""
    return entry.directory.parent.parent


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _refused(sentence: str) -> StartFailure:
    return StartFailure(FailureReason.START, sentence)
