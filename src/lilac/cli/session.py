"""The client that a command talks through, made from the user's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lilac.client import Client, config


@contextmanager
def connected() -> Iterator[Client]:
    """A client for the configured endpoint with the configured key; closed at the end."""
    settings = config.load()
    with Client(settings.api_endpoint, settings.api_key, ca_file=settings.ca_file) as client:
        yield client
