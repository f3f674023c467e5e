/** Clusters as the API tells them. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";

export type Cluster = components["schemas"]["ClusterSummaryShape"];

export type ClusterInfo = components["schemas"]["ClusterInfoShape"];
export type ClusterKey = components["schemas"]["ClusterKeyShape"];

export const clustersQuery = queryOptions({ queryKey: ["clusters"], queryFn: () => data(api.GET("/clusters")) });

export const clusterQuery = (cluster: string) =>
  queryOptions({ queryKey: ["clusters", cluster], queryFn: () => data(api.GET("/clusters/{cluster}/info", { params: { path: { cluster } } })) });

export const clusterKeysQuery = (cluster: string) =>
  queryOptions({
    queryKey: ["keys", "cluster", cluster],
    queryFn: () => data(api.GET("/clusters/{cluster}/api-keys", { params: { path: { cluster } } })),
  });
