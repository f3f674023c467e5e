"""Amounts as people write them: cores, memory, time; in flags, in job files, and back.

A plain number means what the field always means (cores in a job file, MB, seconds). Units of memory are powers of
1024 whether written `GB`, `GiB` or `G`, as everywhere in Lilac, where 1 MB is 1 MiB; a part of a MB counts as one.
"""

from __future__ import annotations

import math
import re

_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?b)?", re.IGNORECASE)
_CORES = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(m?)")
_TIME_PART = re.compile(r"(\d+)([smhd]?)")
_TIME_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_IN_MB = {"k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0 * 1024}


def millicores(text: str) -> int | None:
    """`2`, `0.5` (cores) or `1500m` as millicores; None for anything else, also for parts of a millicore."""
    found = _CORES.fullmatch(text.strip())
    if found is None:
        return None
    amount = float(found[1]) * (1 if found[2] else 1000)
    return round(amount) if math.isclose(amount, round(amount), abs_tol=1e-6) and round(amount) >= 1 else None


def memory_mb(text: str, unit: str = "m") -> int | None:
    """`4096`, `4GiB`, `512M` as MB; a number without a unit counts in `unit`. None for anything else."""
    found = _MEMORY.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        return None
    amount = float(found[1]) * _IN_MB[found[2].lower() or unit]
    return math.ceil(amount) if amount > 0 else None


def seconds(text: str) -> int | None:
    """`90`, `90s`, `10m`, `2h`, `1h30m` or `1d` as seconds; None for anything else."""
    plain = text.strip().lower().replace(" ", "")
    parts = _TIME_PART.findall(plain)
    if not parts or "".join(number + unit for number, unit in parts) != plain:
        return None
    if len(parts) > 1 and any(not unit for _, unit in parts):
        return None
    return sum(int(number) * _TIME_UNITS[unit] for number, unit in parts)


def written_cores(amount: int) -> str:
    """Millicores as a job file has them: `2`, or `1500m`."""
    return str(amount // 1000) if amount % 1000 == 0 else f"{amount}m"


def written_memory(amount_mb: int) -> str:
    """MB as a job file has them: `4GiB`, or `1500MiB`."""
    return f"{amount_mb // 1024}GiB" if amount_mb % 1024 == 0 else f"{amount_mb}MiB"


def written_seconds(amount_s: int) -> str:
    """Seconds as a job file has them: `2h`, `1h30m`, `90s`."""
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, amount_s = divmod(amount_s, _TIME_UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
