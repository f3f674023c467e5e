"""The frames of a tunnel: one WebSocket message is one frame, its first byte the kind, the rest its data.

| kind | from | data |
| --- | --- | --- |
| OPEN | client | JSON: what to run (`Command`) or which port to reach (`Port`) |
| OPENED | agent | empty: it runs, or the port answers |
| INPUT | client | bytes for standard input, or for the port |
| END | both | empty: nothing follows in this direction |
| OUTPUT, ERRORS | agent | bytes of standard output (of the port), of standard error |
| RESIZE | client | JSON `{"rows": …, "cols": …}` |
| SIGNAL | client | name of a signal such as `SIGINT` |
| EXIT | agent, server | JSON `{"code": …}` or `{"error": "<sentence>"}`; the last frame |
| CREDIT | both | four bytes, big endian: so many more bytes may be sent to the sender of this frame |

Data frames are at most `MOST_BYTES` long, and a sender never has more than `WINDOW_BYTES` on the way that the other
end has not given credit for (see `windows`), so what is buffered anywhere on the way is bounded, and control frames and
keepalives are never stuck behind data that nobody reads. The control plane passes frames on without looking into them,
but for OPEN and EXIT.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from lilac.model.errors import InvalidInput

MOST_BYTES = 32 * 1024
WINDOW_BYTES = 256 * 1024
MOST_ARGUMENTS_BYTES = 128 * 1024


class Kind(IntEnum):
    OPEN = 1
    OPENED = 2
    INPUT = 3
    END = 4
    OUTPUT = 5
    ERRORS = 6
    RESIZE = 7
    SIGNAL = 8
    EXIT = 9
    CREDIT = 10


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    data: bytes = b""

    def encoded(self) -> bytes:
        return bytes((self.kind,)) + self.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run in a replica. No words: a shell, the best that is there."""

    argv: tuple[str, ...] = ()
    tty: bool = False
    rows: int = 24
    cols: int = 80
    term: str = "xterm"


@dataclass(frozen=True, slots=True)
class Port:
    """A port to reach inside of a replica, on its loopback address."""

    number: int


Opening = Command | Port


def decode(message: bytes) -> Frame:
    """Read one frame. Raises `InvalidInput` for what is none."""
    if not message:
        raise InvalidInput("An empty message is not a frame of a tunnel.")
    try:
        kind = Kind(message[0])
    except ValueError:
        raise InvalidInput(f"A tunnel has no frames of kind {message[0]}.") from None
    if len(message) > 1 + max(MOST_BYTES, MOST_ARGUMENTS_BYTES):
        raise InvalidInput(f"A frame of a tunnel is at most {MOST_ARGUMENTS_BYTES} bytes long.")
    return Frame(kind, message[1:])


def open_frame(opening: Opening) -> Frame:
    if isinstance(opening, Port):
        return Frame(Kind.OPEN, json.dumps({"port": opening.number}).encode())
    table = {
        "argv": list(opening.argv),
        "tty": opening.tty,
        "rows": opening.rows,
        "cols": opening.cols,
        "term": opening.term,
    }
    return Frame(Kind.OPEN, json.dumps(table).encode())


def read_opening(frame: Frame) -> Opening:
    """What the first frame of a client asks for. Raises `InvalidInput` naming what is wrong."""
    if frame.kind is not Kind.OPEN:
        raise InvalidInput(f"A tunnel begins with OPEN, not with {frame.kind.name}.")
    table = _table(frame)
    if "port" in table:
        return Port(_number(table, "port", 1, 65_535))
    argv = table.get("argv") or []
    if not isinstance(argv, list) or not all(isinstance(word, str) for word in cast("list[Any]", argv)):
        raise InvalidInput("argv must be a list of words.", field="argv")
    words = tuple(cast("list[str]", argv))
    if any("\0" in word for word in words) or (words and not words[0]):
        raise InvalidInput("argv must begin with a program and hold no NUL characters.", field="argv")
    if not all(_is_text(word) for word in words):
        raise InvalidInput("argv must be words of UTF-8.", field="argv")
    term = table.get("term", "xterm")
    if not isinstance(term, str) or not term.isprintable() or len(term) > 100:
        raise InvalidInput("term must be the name of a terminal.", field="term")
    return Command(
        argv=words,
        tty=table.get("tty") is True,
        rows=_number(table, "rows", 0, 10_000, 24),
        cols=_number(table, "cols", 0, 10_000, 80),
        term=term or "xterm",
    )


def resize_frame(rows: int, cols: int) -> Frame:
    return Frame(Kind.RESIZE, json.dumps({"rows": rows, "cols": cols}).encode())


def read_resize(frame: Frame) -> tuple[int, int]:
    table = _table(frame)
    return _number(table, "rows", 0, 10_000, 24), _number(table, "cols", 0, 10_000, 80)


def exit_frame(code: int) -> Frame:
    return Frame(Kind.EXIT, json.dumps({"code": code}).encode())


def error_frame(sentence: str) -> Frame:
    return Frame(Kind.EXIT, json.dumps({"error": sentence}).encode())


def read_exit(frame: Frame) -> int | str:
    """The exit code, or the sentence that says why there is none."""
    table = _table(frame)
    error = table.get("error")
    return str(error) if error is not None else _number(table, "code", -(2**31), 2**31 - 1)


def credit_frame(count: int) -> Frame:
    return Frame(Kind.CREDIT, count.to_bytes(4, "big"))


def read_credit(frame: Frame) -> int:
    if len(frame.data) != 4:
        raise InvalidInput("CREDIT holds four bytes.")
    return int.from_bytes(frame.data, "big")


def pieces(data: bytes) -> list[bytes]:
    """Data cut so that each piece fits into a frame."""
    return [data[at : at + MOST_BYTES] for at in range(0, len(data), MOST_BYTES)]


def _is_text(word: str) -> bool:
    """Whether it has a spelling in UTF-8: half of a pair of surrogates has none."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _table(frame: Frame) -> dict[str, Any]:
    try:
        table = json.loads(frame.data)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise InvalidInput(f"The data of {frame.kind.name} must be a JSON object.")
    return cast("dict[str, Any]", table)


def _number(table: dict[str, Any], name: str, least: int, most: int, default: int | None = None) -> int:
    value = table.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"{name} must be a whole number from {least} to {most}.", field=name)
    return value
