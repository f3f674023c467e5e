"""The routes, one module per noun; `ROUTERS` is all of them, the busiest first, since they are tried in order."""

from __future__ import annotations

from lilac.api.routers import (
    account,
    auth,
    clusters,
    events,
    foresight,
    health,
    job_lists,
    jobs,
    metrics,
    node,
    nodes,
    queues,
    replicas,
    secrets,
    sessions,
    submitting,
    tunnels,
    usage,
    users,
    volumes,
)

ROUTERS = (
    submitting.routes,
    job_lists.routes,
    jobs.routes,
    node.routes,
    tunnels.routes,
    auth.routes,
    sessions.routes,
    account.routes,
    users.routes,
    clusters.routes,
    nodes.routes,
    queues.routes,
    secrets.routes,
    volumes.routes,
    events.routes,
    foresight.routes,
    replicas.routes,
    usage.routes,
    metrics.routes,
    health.routes,
)
