"""The output of one replica as one stream of bytes, whose offsets are the same on both sides of the wire."""

from __future__ import annotations

import os
from pathlib import Path


class Spool:
    """Reads the `output` file of a replica. Nothing is kept open, so ten thousand of them cost nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset` on; empty at the end."""
        try:
            handle = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(handle, limit, offset)
        finally:
            os.close(handle)
