"""Times on the wire: RFC 3339 in UTC with the suffix Z. Inside, a time is seconds since the epoch as a float."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def rfc3339(at: float) -> str: ...
@overload
def rfc3339(at: None) -> None: ...
@overload
def rfc3339(at: float | None) -> str | None: ...
def rfc3339(at: float | None) -> str | None:
    """Spell a time for the wire, with fractional digits only where there are any."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat() + "Z"


def from_rfc3339(text: str) -> float | None:
    """Read a time with its zone; None for anything else. A time without a zone is nobody's time."""
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return parsed.timestamp() if parsed.tzinfo is not None else None
