"""Names from the control plane for the shell to complete: quickly, or not at all, and never with an error.

Each function is a `shell_complete` of click. A key that waits for more than half a second is worse than no proposal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lilac.client import Client

TIMEOUT_S = 0.5
STATES = ("queued", "starting", "running", "succeeded", "failed", "cancelled")


def _from(ask: Callable[[Client], Iterable[str | None]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        from lilac.client import Client, config

        try:
            settings = config.load()
            with Client(
                settings.api_endpoint, settings.api_key, ca_file=settings.ca_file, timeout_s=TIMEOUT_S
            ) as client:
                names = [name for name in ask(client) if name]
        except Exception:  # A shell in the middle of a line is no place for any message.
            return []
        return sorted({name for name in names if name.startswith(incomplete) and name.isprintable()})

    return complete


job_names = _from(lambda client: (job["job_name"] for job in client.jobs.list(limit=200)["jobs"]))
queue_names = _from(lambda client: (queue["name"] for queue in client.queues.list()))
node_names = _from(lambda client: (node.get("name") for node in client.nodes.list()))
cluster_names = _from(lambda client: (cluster["cluster_name"] for cluster in client.clusters.list()))
volume_names = _from(lambda client: (volume["name"] for volume in client.volumes.list()))
secret_names = _from(lambda client: (secret["name"] for secret in client.secrets.list()))
user_names = _from(lambda client: (user["username"] for user in client.users.list()))
key_names = _from(lambda client: (key.get("name") or key["id"] for key in client.account.keys()))  # noqa: SIM118


def job_states(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Of several with commas between, the last."""
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{state}" for state in STATES if state.startswith(begun)]
