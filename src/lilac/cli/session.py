"""The client that a command talks through, made from the user's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lilac.cli.output import note
from lilac.client import Client, config
from lilac.client.patience import Patience
from lilac.model.errors import Unavailable


@contextmanager
def connected() -> Iterator[Client]:
    """A client for the configured endpoint with the configured key; closed at the end."""
    settings = config.load()
    with Client(settings.api_endpoint, settings.api_key, ca_file=settings.ca_file) as client:
        yield client


def patient(limit_s: float) -> Patience:
    """Tries again for so long, and says when it begins to."""

    def interrupted(error: Unavailable) -> None:
        note(f"lilac: {str(error).rstrip('.')}; trying again.")

    return Patience(limit_s, told=interrupted)
