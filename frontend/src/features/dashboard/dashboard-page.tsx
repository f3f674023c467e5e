/** What goes on now, what the machines do, and what needs somebody. Live by the event stream; charts by themselves. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import type { PlatformEvent } from "@/api/stream";
import { AddNodeDialog } from "@/features/clusters/add-node";
import { type Cluster, clustersQuery } from "@/features/clusters/queries";
import { EventList } from "@/features/events/event-words";
import { useNames } from "@/features/events/names";
import { NodeCounts, NodeStrip } from "@/features/nodes/node-state";
import { nodesQuery } from "@/features/nodes/queries";
import { DEFAULT_RANGE, type Range, RangeChoice } from "@/features/usage/ranges";
import { ClusterUsage } from "@/features/usage/usage-charts";
import { Card, Notice, PageHead, Skeleton } from "@/ui/card";
import { attentionQuery, concernsOf } from "./attention";
import { AttentionCard } from "./attention-card";
import { Counters } from "./counters";
import { FirstSteps } from "./first-steps";
import { QueuesCard } from "./queues-card";

const LATEST = 12;
const route = getRouteApi("/inside/");

const latestQuery = {
  queryKey: ["events", "latest", LATEST],
  queryFn: () => data(api.GET("/events", { params: { query: { limit: LATEST } } })),
};
const anyJobQuery = { queryKey: ["jobs", "any"], queryFn: () => data(api.GET("/training_jobs", { params: { query: { limit: 1 } } })) };

export function DashboardPage() {
  // the steps go when they are done; the dialog stays and says so
  const [adding, setAdding] = useState<Cluster | null>(null);
  const nodes = useQuery(nodesQuery);
  const clusters = useQuery(clustersQuery);
  const queues = useQuery({ queryKey: ["queues"], queryFn: () => data(api.GET("/queues")) });
  const attention = useQuery(attentionQuery);
  const error = nodes.error ?? clusters.error ?? queues.error;
  if (error && !nodes.data) return <Notice tone="bad">{sentence(error)}</Notice>;
  if (!nodes.data || !clusters.data || !queues.data) return <Skeleton lines={8} />;
  const all = nodes.data.nodes;
  return (
    <>
      <PageHead title="Dashboard" />
      <div className="flex flex-col gap-4">
        <Counters />
        <Steps nodes={all.length} queues={queues.data.length} clusters={clusters.data.clusters} onAddNode={setAdding} />
        {adding && <AddNodeDialog cluster={adding.cluster_id} name={adding.cluster_name} open onOpenChange={() => setAdding(null)} />}
        {all.length > 0 && attention.data && <AttentionCard concerns={concernsOf(attention.data, all)} />}
        <div className="grid gap-4 xl:grid-cols-2">
          <Card title="Nodes" actions={<Link to="/nodes" className="text-accent hover:underline">All nodes</Link>}>
            <div className="flex flex-col gap-3">
              <NodeCounts nodes={all} />
              <NodeStrip nodes={all} />
            </div>
          </Card>
          <QueuesCard queues={queues.data} />
        </div>
        {all.length > 0 && <Usage clusters={clusters.data.clusters.filter((cluster) => cluster.total_nodes > 0)} />}
        <Latest />
      </div>
    </>
  );
}

/** Only as long as something is to be done; a session that began with everything done never sees it. */
function Steps({ nodes, queues, ...shared }: { nodes: number; queues: number; clusters: readonly Cluster[]; onAddNode: (to: Cluster) => void }) {
  const jobs = useQuery(anyJobQuery);
  if (!jobs.data) return null;
  const done = { node: nodes > 0, queue: queues > 0, job: (jobs.data as { jobs: unknown[] }).jobs.length > 0 };
  return done.node && done.queue && done.job ? null : <FirstSteps done={done} {...shared} />;
}

function Usage({ clusters }: { clusters: readonly { cluster_id: string; cluster_name: string }[] }) {
  const { range = DEFAULT_RANGE } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = (next: Range) => void navigate({ search: next === DEFAULT_RANGE ? {} : { range: next }, replace: true });
  return (
    <>
      {clusters.map((cluster, place) => (
        <Card
          key={cluster.cluster_id}
          title={
            <>
              Use of{" "}
              <Link to="/clusters/$cluster" params={{ cluster: cluster.cluster_id }} className="hover:underline">
                {cluster.cluster_name}
              </Link>
            </>
          }
          actions={place === 0 && <RangeChoice value={range} onChange={choose} />}
        >
          <ClusterUsage cluster={cluster.cluster_id} range={range} />
        </Card>
      ))}
    </>
  );
}

function Latest() {
  const names = useNames();
  const { data: latest } = useQuery(latestQuery);
  const events = (latest as { events: PlatformEvent[] } | undefined)?.events ?? [];
  return (
    <Card title="Latest" actions={<Link to="/events" className="text-accent hover:underline">All events</Link>}>
      {latest ? <EventList label="Latest events" events={events.toReversed()} names={names} /> : <Skeleton lines={6} />}
    </Card>
  );
}
