"""What can go wrong, as part of the product.

Each error has a stable `code` for programs and a sentence for people that says what, where and what to do next.
The HTTP status and the exit code of each kind are fixed here, once: `http_status` is used by the API layer,
`exit_code` by the command line.

Exit codes: 0 done; 1 failed on the server or unexpectedly; 2 wrong usage or wrong input; 3 not found;
4 not allowed (credential missing, wrong or without the right); 5 conflict with the present state;
6 control plane not reachable; 7 the job itself failed (`--wait`, `--follow`); 130 interrupted.
"""

from __future__ import annotations

from typing import Any, ClassVar


class LilacError(Exception):
    """The root. `code` is stable; `str(error)` is the sentence; `details` are facts for programs."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details: dict[str, Any] = details


class InvalidInput(LilacError):
    """A value that can never be right, whoever sends it."""

    code = "invalid_input"
    http_status = 422
    exit_code = 2


class Unsatisfiable(InvalidInput):
    """No node of the queue's clusters could ever run this, and the caller asked to be told instead of waiting."""

    code = "unsatisfiable"


class NotFound(LilacError):
    code = "not_found"
    http_status = 404
    exit_code = 3


class Unauthenticated(LilacError):
    code = "unauthenticated"
    http_status = 401
    exit_code = 4


class Forbidden(LilacError):
    code = "forbidden"
    http_status = 403
    exit_code = 4


class Conflict(LilacError):
    code = "conflict"
    http_status = 409
    exit_code = 5


class IllegalTransition(Conflict):
    """A change of state that the state table does not have."""

    code = "illegal_transition"


class LogGap(Conflict):
    """A chunk of log that begins after the end of what is stored; `details["offset"]` is where to go on."""

    code = "log_gap"


class TooManyRequests(LilacError):
    code = "too_many_requests"
    http_status = 429
    exit_code = 4


class Unavailable(LilacError):
    """Not now; trying again later is right."""

    code = "unavailable"
    http_status = 503
    exit_code = 6
