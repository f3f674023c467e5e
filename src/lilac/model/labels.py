"""Labels: what may be one.

A key is chosen so that `key=value` can be written in a shell, a file and a filter without quotes. Only new labels are
checked: those that were stored before there were rules stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lilac.model.errors import InvalidInput

MOST_LABELS = 64
LONGEST_KEY = 128
LONGEST_VALUE = 255
_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")


def check_labels(labels: Mapping[str, str | None], *, field: str = "labels") -> None:
    """Raise `InvalidInput` for a label that cannot be one; the value None takes a label back, whatever its key."""
    if len(labels) > MOST_LABELS:
        raise InvalidInput(f"{field} must be at most {MOST_LABELS}, not {len(labels)}.", field=field)
    for key, value in labels.items():
        if value is None:
            continue
        if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
            raise InvalidInput(
                f"{field}: a key must be 1 to {LONGEST_KEY} letters, digits or any of . _ - /, beginning and ending "
                f"with a letter or digit, not {key[:60]!r}.",
                field=field,
            )
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise InvalidInput(
                f"{field}: the value of {key!r} must be at most {LONGEST_VALUE} printable characters, "
                f"not {value[:60]!r}.",
                field=field,
            )
