/** Nodes as the API tells them. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";

export type Node = components["schemas"]["NodeShape"];
export type Gpu = Node["gpus"][number];

/** No event tells that a node was heard of as usual, or that its disk fills. */
const HEARD_MS = 30_000;

/** All nodes by name, `node-2` before `node-10`. */
export const nodesQuery = queryOptions({
  queryKey: ["nodes"],
  refetchInterval: HEARD_MS,
  queryFn: () => data(api.GET("/nodes")),
  select: ({ nodes }) => ({ nodes: nodes.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })) }),
});

export const nodeQuery = (node: string) =>
  queryOptions({ queryKey: ["nodes", node], refetchInterval: HEARD_MS, queryFn: () => data(api.GET("/nodes/{node}", { params: { path: { node } } })) });
