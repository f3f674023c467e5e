"""The routes, one module per noun; `ROUTERS` is all of them."""

from __future__ import annotations

from lilac.api.routers import account, auth, clusters, events, health, jobs, node, nodes, queues, users

ROUTERS = (
    auth.routes,
    account.routes,
    users.routes,
    clusters.routes,
    nodes.routes,
    queues.routes,
    jobs.routes,
    node.routes,
    events.routes,
    health.routes,
)
