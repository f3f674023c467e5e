"""From the text of a job file to requests of the API; all mistakes at once, each with file, line and column."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from yaml.nodes import MappingNode

from lilac.cli.jobfile import documents
from lilac.cli.jobfile.documents import Fault, Faults, kind_of
from lilac.cli.jobfile.fields import FIELDS
from lilac.cli.jobfile.kinds import read_fields
from lilac.model.errors import InvalidInput

MOST_SHOWN = 20


def read_jobs(text: str, file: str, *, given: Collection[str] = ()) -> list[dict[str, Any]]:
    """The requests of a file, one for each of its documents. Fields in `given` (by their names in the API) come from
    elsewhere and may be missing.

    Raises:
        InvalidInput: with a line for each mistake, `FILE:LINE:COLUMN: what is wrong`.
    """
    faults = Faults()
    found: list[dict[str, Any]] = []
    for node in documents.documents(text, faults):
        if not isinstance(node, MappingNode):
            faults.at(node, f"a job is a mapping with keys such as name, image and queue, not {kind_of(node)}")
            continue
        before = len(faults.found)
        values = read_fields(node, FIELDS, faults)
        meant = {nearest_of(name) for name, _, _ in documents.pairs(node, Faults())} - {None}
        seen = meant | {name for name, _, _ in documents.pairs(node, Faults())}
        for field in FIELDS:
            if field.needed and field.name not in seen and field.api_name not in given:
                faults.at(node, f"{field.name} is missing: {field.about[:1].lower()}{field.about[1:].rstrip('.')}")
        if values.get("runtime") == "process" and "command" not in seen and "command" not in given:
            faults.at(node, "command is missing: a job of runtime process needs one")
        if values.get("runtime", "docker") == "docker" and "image" not in seen and "definition" not in given:
            faults.at(node, "image is missing: a job needs a Docker image, or `runtime: process`")
        if len(faults.found) == before:
            found.append(_request(values))
    if not found and not faults:
        raise InvalidInput(f"{file} holds no job.")
    if faults:
        raise InvalidInput(_sentences(faults.found, file))
    _name_siblings(found)
    return found


def _request(values: dict[str, Any]) -> dict[str, Any]:
    retries = values.get("retries")
    if isinstance(retries, int):
        values["max_retries"] = values.pop("retries")
    size = values.get("size")
    if size is not None and size["min"] != size["max"]:
        values["kind"] = "elastic"
    values.setdefault("definition", "")
    return values


def nearest_of(name: str) -> str | None:
    """The key that an unknown one was meant to be: it is not told as missing too."""
    known = [field.name for field in FIELDS]
    from difflib import get_close_matches

    return None if name in known else next(iter(get_close_matches(name.lower(), known, n=1, cutoff=0.6)), None)


def _name_siblings(jobs: list[dict[str, Any]]) -> None:
    """Let a job wait for an earlier one of its file: named there, it is `#0`, `#1`, … to the API."""
    earlier: dict[str, int] = {}
    for number, job in enumerate(jobs):
        job_after = [
            {**each, "job_id": f"#{earlier[each['job_id']]}"} if each["job_id"] in earlier else each
            for each in job.get("after", ())
        ]
        if job_after:
            job["after"] = job_after
        if "name" in job:
            earlier[job["name"]] = number


def _sentences(faults: list[Fault], file: str) -> str:
    ordered = sorted(set(faults))
    lines = [f"{file}:{fault.line}:{fault.column}: {fault.message}" for fault in ordered[:MOST_SHOWN]]
    if len(ordered) > MOST_SHOWN:
        lines.append(f"… and {len(ordered) - MOST_SHOWN} more.")
    head = "a mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
    return f"{file} has {head}:\n" + "\n".join(lines)
