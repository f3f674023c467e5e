"""What running a command line gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]
