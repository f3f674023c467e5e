/** Queues as the API tells them, and how they are read. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";

export type Queue = components["schemas"]["QueueShape"];
export type Limits = components["schemas"]["LimitsBody"];
export type QueueBody = components["schemas"]["QueueBody"];

/** A waiting job in its place. */
export type Waiting = components["schemas"]["InLineShape"];

export const queuesQuery = queryOptions({ queryKey: ["queues"], queryFn: () => data(api.GET("/queues")) });

export const queueQuery = (queue: string) =>
  queryOptions({ queryKey: ["queues", queue], queryFn: () => data(api.GET("/queues/{queue}", { params: { path: { queue } } })) });

export const LINE_SHOWN = 500;

export const lineQuery = (queue: string) =>
  queryOptions({
    queryKey: ["line", queue],
    queryFn: () => data(api.GET("/queues/{queue}/line", { params: { path: { queue }, query: { limit: LINE_SHOWN } } })),
  });

/** The names of the clusters by their ids, in the order of their names. */
export const clusterNamesQuery = queryOptions({
  queryKey: ["clusters", "names"],
  queryFn: async () => {
    const { clusters } = await data(api.GET("/clusters"));
    return clusters.map((each) => ({ id: each.cluster_id, name: each.cluster_name })).toSorted((a, b) => a.name.localeCompare(b.name));
  },
});
