"""`Client`: the API of one control plane, by noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from lilac.client.accounts import Auth, OwnAccount, Users
from lilac.client.clusters import Clusters, Nodes, Queues
from lilac.client.connection import Connection
from lilac.client.events import Events
from lilac.client.jobs import Jobs
from lilac.client.secrets import Secrets
from lilac.client.volumes import Volumes

if TYPE_CHECKING:
    from lilac.client.shapes import Health


class Client:
    """Calls one control plane with one credential (an API key or a login token). Not for use by several threads."""

    def __init__(
        self, endpoint: str, api_key: str | None = None, *, timeout_s: float = 30.0, ca_file: str | None = None
    ) -> None:
        connection = Connection(endpoint, api_key, timeout_s=timeout_s, ca_file=ca_file)
        self.connection = connection
        self.auth = Auth(connection)
        self.account = OwnAccount(connection)
        self.users = Users(connection)
        self.clusters = Clusters(connection)
        self.nodes = Nodes(connection)
        self.queues = Queues(connection)
        self.secrets = Secrets(connection)
        self.volumes = Volumes(connection)
        self.events = Events(connection)
        self.jobs = Jobs(connection, self.events)

    @property
    def endpoint(self) -> str:
        return self.connection.endpoint

    def health(self) -> Health:
        """Whether it lives; needs no credential."""
        return self.connection.call("GET", "/health")

    def ready(self) -> bool:
        """Whether it serves everything. Raises `Unavailable` while it does not."""
        self.connection.call("GET", "/health/ready")
        return True

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
