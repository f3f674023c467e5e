"""Clusters with their keys, the nodes in them, and the queues that lead to them. Names do where ids do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lilac.client.connection import Connection, segment

if TYPE_CHECKING:
    from lilac.client.shapes import (
        ApiKey,
        ClusterInfo,
        ClusterSummary,
        EventPage,
        Job,
        JobPage,
        NewApiKey,
        Node,
        Queue,
        QueueChanges,
        QueueLine,
        UsageSeries,
    )


class Clusters:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[ClusterSummary]:
        return self._connection.call("GET", "/clusters")["clusters"]

    def create(self, name: str, description: str | None = None) -> str:
        """Create a cluster and return its id."""
        body = {"cluster_name": name, "cluster_description": description}
        return self._connection.call("POST", "/clusters", body=body)["cluster_id"]

    def info(self, cluster: str) -> ClusterInfo:
        return self._connection.call("GET", f"/clusters/{segment(cluster)}/info")

    def nodes(self, cluster: str) -> list[Node]:
        return self._connection.call("GET", f"/clusters/{segment(cluster)}/nodes")["cluster_nodes"]

    def jobs(self, cluster: str) -> list[Job]:
        return self._connection.call("GET", f"/clusters/{segment(cluster)}/jobs")["cluster_jobs"]

    def usage(
        self, cluster: str, *, since: float | None = None, until: float | None = None, step_s: int | None = None
    ) -> UsageSeries:
        """What it uses over time: by default of the last hour. Times are seconds since the epoch."""
        query = {"since": since, "until": until, "step": step_s}
        return self._connection.call("GET", f"/clusters/{segment(cluster)}/usage", params=query)

    def delete(self, cluster: str) -> None:
        self._connection.call("DELETE", f"/clusters/{segment(cluster)}")

    def keys(self, cluster: str) -> list[ApiKey]:
        return self._connection.call("GET", f"/clusters/{segment(cluster)}/api-keys")

    def create_key(self, cluster: str, *, name: str = "", expires_at: str | None = None) -> NewApiKey:
        body = {"name": name, "expires_at": expires_at}
        return self._connection.call("POST", f"/clusters/{segment(cluster)}/api-keys", body=body)

    def delete_key(self, cluster: str, key_id: str) -> None:
        self._connection.call("DELETE", f"/clusters/{segment(cluster)}/api-keys/{segment(key_id)}")


class Nodes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Node]:
        return self._connection.call("GET", "/nodes")["nodes"]

    def get(self, node: str) -> Node:
        return self._connection.call("GET", f"/nodes/{segment(node)}")

    def usage(
        self, node: str, *, since: float | None = None, until: float | None = None, step_s: int | None = None
    ) -> UsageSeries:
        """What it uses over time: by default of the last hour. Times are seconds since the epoch."""
        query = {"since": since, "until": until, "step": step_s}
        return self._connection.call("GET", f"/nodes/{segment(node)}/usage", params=query)

    def drain(self, node: str, *, deadline_s: int | None = None, evict: bool = False) -> Node:
        """Give it nothing new; stop and queue again what runs there at once (`evict`) or after so many seconds."""
        body = {"deadline_s": deadline_s, "evict": evict} if evict or deadline_s is not None else None
        return self._connection.call("POST", f"/nodes/{segment(node)}/drain", body=body)

    def label(self, node: str, labels: dict[str, str | None]) -> Node:
        """Set labels over those of its agent; None takes one back."""
        return self._connection.call("PATCH", f"/nodes/{segment(node)}", body={"labels": labels})

    def events(self, node: str, *, after: int | None = None, limit: int = 100) -> EventPage:
        """Its history: the newest events, or those after a number, oldest first."""
        params = {"limit": limit} | ({} if after is None else {"after": after})
        return self._connection.call("GET", f"/nodes/{segment(node)}/events", params=params)

    def jobs(self, node: str, *, before: str | None = None, limit: int = 100) -> JobPage:
        """The jobs that run or ran there, newest first; `before` is the `next` of the page before."""
        params = {"limit": limit} | ({} if before is None else {"before": before})
        return self._connection.call("GET", f"/nodes/{segment(node)}/jobs", params=params)

    def resume(self, node: str) -> None:
        self._connection.call("POST", f"/nodes/{segment(node)}/resume")

    def remove(self, node: str) -> None:
        self._connection.call("DELETE", f"/nodes/{segment(node)}")


class Queues:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Queue]:
        return self._connection.call("GET", "/queues")

    def get(self, queue: str) -> Queue:
        return self._connection.call("GET", f"/queues/{segment(queue)}")

    def create(self, *, name: str, priority: int, clusters: list[str], paused: bool = False) -> Queue:
        return self._connection.call("POST", "/queues", body=_queue(name, priority, clusters, paused))

    def replace(self, queue: str, *, name: str, priority: int, clusters: list[str], paused: bool = False) -> Queue:
        body = _queue(name, priority, clusters, paused)
        return self._connection.call("PUT", f"/queues/{segment(queue)}", body=body)

    def edit(self, queue: str, changes: QueueChanges) -> Queue:
        """Change some fields; what is not named stays."""
        return self._connection.call("PATCH", f"/queues/{segment(queue)}", body=changes)

    def pause(self, queue: str) -> Queue:
        return self._connection.call("POST", f"/queues/{segment(queue)}/pause")

    def resume(self, queue: str) -> Queue:
        return self._connection.call("POST", f"/queues/{segment(queue)}/resume")

    def delete(self, queue: str, *, cancel_waiting: bool = False) -> None:
        """Refused while jobs wait in it, unless they are to be cancelled."""
        params = {"cancel_waiting": True} if cancel_waiting else None
        self._connection.call("DELETE", f"/queues/{segment(queue)}", params=params)

    def line(self, queue: str, *, limit: int = 100) -> QueueLine:
        """The jobs that wait in it in turn, with their expected starts."""
        return self._connection.call("GET", f"/queues/{segment(queue)}/line", params={"limit": limit})

    def jobs(self, queue: str) -> list[Job]:
        """The jobs that wait in it, oldest first."""
        return self._connection.call("GET", f"/queues/{segment(queue)}/jobs")["jobs"]


def _queue(name: str, priority: int, clusters: list[str], paused: bool) -> dict[str, object]:
    return {"name": name, "priority": priority, "cluster_targets": clusters, "paused": paused}
