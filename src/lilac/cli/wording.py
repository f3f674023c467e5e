"""Numbers and times in words that people read."""

from __future__ import annotations

import re
import time
from datetime import datetime

from lilac.model.errors import InvalidInput


def epoch(text: str | None) -> float | None:
    """RFC 3339 text as seconds since the epoch."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
    except ValueError:
        return None


def span(seconds: float) -> str:
    """A length of time in its two largest units: `840ms`, `12s`, `3m 5s`, `2h 10m`, `3d 4h`."""
    if seconds < 0:
        seconds = 0
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    units = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    parts: list[str] = []
    for size, unit in units:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count}{unit}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0"))


def ago(text: str | None, now: float | None = None) -> str:
    at = epoch(text)
    if at is None:
        return "never"
    passed = (time.time() if now is None else now) - at
    return "just now" if passed < 1 else f"{span(passed)} ago"


def when(text: str | None, now: float | None = None) -> str:
    """A moment, relative and absolute: `in 3m 5s (14:02:11)`."""
    at = epoch(text)
    if at is None:
        return "unknown"
    now = time.time() if now is None else now
    relative = f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"
    return f"{relative} ({clock(at, now)})"


def clock(at: float, now: float | None = None) -> str:
    """A moment by the local clock, with its date where that is not today."""
    local = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(time.time() if now is None else now).astimezone()
    return local.strftime("%H:%M:%S" if local.date() == today.date() else "%Y-%m-%d %H:%M:%S")


def memory(mb: int) -> str:
    """MiB as `512 MB` or `1.5 GB`."""
    return f"{mb} MB" if mb < 1024 else f"{mb / 1024:.1f} GB".replace(".0 GB", " GB")


def size(count: int) -> str:
    """Bytes as `512 B`, `1.5 kB`, `3.2 MB`, `1.2 GB`."""
    if count < 1024:
        return f"{count} B"
    for unit, factor in (("kB", 1 << 10), ("MB", 1 << 20)):
        if count < factor << 10:
            return f"{count / factor:.1f} {unit}"
    return f"{count / (1 << 30):.1f} GB"


def cores(millicores: int) -> str:
    """Millicores as cores: `0.5`, `4`."""
    return f"{millicores / 1000:.3f}".rstrip("0").rstrip(".")


def gpus(request: object) -> str:
    """A GPU request as `8 × H100 with 80 GB`, or `-`."""
    if not isinstance(request, dict) or not request.get("count"):
        return "-"
    size = f" with {request['memory_gb']} GB" if request.get("memory_gb") else ""
    return f"{request['count']} × {request.get('model') or 'any'}{size}"


def short(identity: str | None) -> str:
    return (identity or "-")[:8]


def seconds(text: str, what: str) -> int:
    """A length of time given as `90`, `90s`, `10m`, `2h`, `1h30m` or `1d`, in seconds."""
    parts = re.findall(r"(\d+)([smhd]?)", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower().replace(" ", ""):
        raise InvalidInput(f"{what} must be a length of time such as 90, 10m or 1h30m, not {text!r}.")
    if len(parts) > 1 and any(not unit for _, unit in parts):
        raise InvalidInput(f"{what}: {text!r} has a number without a unit.")
    factors = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
    return sum(int(number) * factors[unit] for number, unit in parts)


def pair(text: str, what: str) -> tuple[str, str]:
    """`KEY=VALUE` in its two parts."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise InvalidInput(f"{what} must be KEY=VALUE, not {text!r}.")
    return key, value
