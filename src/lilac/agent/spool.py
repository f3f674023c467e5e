"""The output of one replica as one stream of bytes, whose offsets are the same on both sides of the wire.

The spool is the `output` file, and it is bounded by what the control plane has not got yet: the part that it has is
given back to the file system by punching holes, which changes no offset. While the control plane is away, a process
may still write more than there is room for. Then the stream is cut: the head stays, one line says that output is
missing, and what the process goes on writing is dropped. The cut is remembered beside the file.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LIMIT_BYTES = 256 << 20
FREED_AT_ONCE = 8 << 20
_BLOCK = 4096
_KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02


class Spool:
    """Reads and bounds the `output` file of a replica. Nothing is kept open, so ten thousand of them cost nothing."""

    def __init__(self, path: Path, *, limit_bytes: int = LIMIT_BYTES, freed_at_once: int = FREED_AT_ONCE) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._freed_at_once = freed_at_once
        self._freed = 0
        self._cut_file = path.with_name("cut")
        self._cut = _read_number(self._cut_file)
        self._dropped_to = self._cut or 0

    @property
    def size(self) -> int:
        """The length of the stream so far."""
        if self._cut is not None:
            return self._cut + len(self._marker())
        return self._file_size()

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset` on; empty at the end."""
        if self._cut is not None and offset >= self._cut:
            return self._marker()[offset - self._cut :][:limit]
        if self._cut is not None:
            limit = min(limit, self._cut - offset)
        try:
            handle = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(handle, limit, offset)
        finally:
            os.close(handle)

    def has_room(self, stored: int) -> bool:
        """Whether more may be written, when the control plane has `stored` bytes."""
        return self.size - stored < self._limit_bytes

    def bound(self, stored: int, *, cut: bool) -> None:
        """Give back the space of what is stored; `cut` the stream if what is not has outgrown the limit."""
        stored = min(stored, self._cut if self._cut is not None else stored)
        if stored - self._freed >= self._freed_at_once:
            self._punch(self._freed, stored)
            self._freed = stored // _BLOCK * _BLOCK
        if cut and self._cut is None and self._file_size() - stored > self._limit_bytes:
            self._cut = stored + self._limit_bytes
            self._dropped_to = self._cut
            with open(self._cut_file, "w", encoding="ascii", opener=_private) as file:
                file.write(f"{self._cut}\n")
            log.warning("too much output waits for the control plane, dropping the rest", output=str(self._path))
        if self._cut is not None and (size := self._file_size()) - self._dropped_to >= self._freed_at_once:
            self._punch(self._dropped_to, size)
            self._dropped_to = size // _BLOCK * _BLOCK

    def _marker(self) -> bytes:
        return b"\n[lilac: the output was cut here: more than %d MiB waited on the node for the control plane]\n" % (
            self._limit_bytes >> 20
        )

    def _file_size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _punch(self, begin: int, end: int) -> None:
        begin, end = -(-begin // _BLOCK) * _BLOCK, end // _BLOCK * _BLOCK
        if end <= begin:
            return
        with contextlib.suppress(OSError, AttributeError):  # a file system without holes keeps it all
            libc = ctypes.CDLL(None, use_errno=True)
            handle = os.open(self._path, os.O_WRONLY)
            try:
                libc.fallocate(handle, _KEEP_SIZE_AND_PUNCH_HOLE, ctypes.c_int64(begin), ctypes.c_int64(end - begin))
            finally:
                os.close(handle)


def _read_number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii")
        return int(text) if text.endswith("\n") else None
    except (OSError, ValueError):
        return None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
