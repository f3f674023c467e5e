/** What the things that events are about are called. Read once and kept fresh by the events themselves. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "@/api/client";
import { useMay, useSession } from "@/app/session";
import { clustersQuery } from "@/features/clusters/queries";
import { nodesQuery } from "@/features/nodes/queries";
import type { Names } from "./wording";

export function useNames(): Names {
  const session = useSession();
  const nodes = useQuery(nodesQuery).data;
  const clusters = useQuery(clustersQuery).data;
  const queues = useQuery({ queryKey: ["queues"], queryFn: () => data(api.GET("/queues")) }).data;
  const users = useQuery({ queryKey: ["users"], queryFn: () => data(api.GET("/users")), enabled: useMay("admin") }).data;
  return useMemo(() => {
    const known = {
      node: new Map(nodes?.nodes.map((node) => [node.id, node.name])),
      cluster: new Map(clusters?.clusters.map((cluster) => [cluster.cluster_id, cluster.cluster_name])),
      queue: new Map(queues?.map((queue) => [queue.id, queue.name])),
      user: new Map([[session.user_id, session.username], ...peopleOf(users)]),
    };
    return {
      node: (id) => known.node.get(id),
      cluster: (id) => known.cluster.get(id),
      queue: (id) => known.queue.get(id),
      user: (id) => known.user.get(id),
    };
  }, [session, nodes, clusters, queues, users]);
}

function peopleOf(users: { users?: { user_id: string; username: string }[] } | undefined): [string, string][] {
  return (users?.users ?? []).map((user) => [user.user_id, user.username]);
}
