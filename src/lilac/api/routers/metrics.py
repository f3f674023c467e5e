"""The figures for Prometheus."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from lilac.api.auth import router
from lilac.control.metrics import CONTENT_TYPE
from lilac.control.platform import Platform
from lilac.store import clusters as cluster_store

routes = router("health")


@routes.get("/metrics", operation_id="get_metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus, as text; see the reference of metrics. The setting `metrics_access` says who may ask."""
    platform: Platform = request.app.state.platform
    clusters = await platform.db.read(cluster_store.list_clusters)
    platform.metrics.cluster_names = {cluster.id: cluster.name for cluster in clusters}
    return Response(platform.metrics.generate(), media_type=CONTENT_TYPE)
