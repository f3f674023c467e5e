"""What the agent tells people: structured lines on standard error, never with a key in them."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = ("key", "secret", "password", "token", "auth", "env")


def configure(level: int = logging.INFO) -> None:
    """Set structlog up for this process; lines are for people, coloured on a terminal."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_secrets,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=36),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if name in _SECRET_NAMES or name.endswith(("_key", "_secret", "_password", "_token")):
            event[name] = "(hidden)"
    return event
