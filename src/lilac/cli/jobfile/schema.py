"""The JSON Schema of a job file, for editors; published in the reference, printed by `lilac schema job`."""

from __future__ import annotations

from typing import Any

from lilac.cli.jobfile.fields import FIELDS
from lilac.cli.jobfile.kinds import object_schema


def job_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A job of Lilac",
        "description": "One document of a job file, as `lilac submit -f` takes it.",
        **object_schema(FIELDS),
    }
