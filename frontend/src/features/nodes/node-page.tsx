/** One node: what it is, who holds it, what it used, what happened to it, and what can be done with it. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import type { PlatformEvent } from "@/api/stream";
import { useMay } from "@/app/session";
import { clustersQuery } from "@/features/clusters/queries";
import { EventList } from "@/features/events/event-words";
import { useNames } from "@/features/events/names";
import { DEFAULT_RANGE, RangeChoice } from "@/features/usage/ranges";
import { NodeUsage } from "@/features/usage/usage-charts";
import { Button } from "@/ui/button";
import { Card, Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { JobStateBadge } from "@/ui/job-state";
import { Ago, Lasting } from "@/ui/time";
import { GpuTiles } from "./gpu-tiles";
import { type JobBrief, useHolders } from "./holders";
import { NodeActions } from "./node-actions";
import { NodeFacts } from "./node-facts";
import { NodeStateBadge } from "./node-state";
import { type Node, nodeQuery } from "./queries";

const route = getRouteApi("/inside/nodes/$node");
const PAGE = 50;

export function NodePage() {
  const { node: ref } = route.useParams();
  const { data: node, error } = useQuery(nodeQuery(ref));
  const holders = useHolders();
  const admin = useMay("admin");
  if (error && (!node || (error instanceof ApiError && error.status === 404))) {
    return (
      <Empty title={sentence(error)}>
        <Link to="/nodes" className="text-accent underline">
          All nodes
        </Link>
      </Empty>
    );
  }
  if (!node) return <Skeleton lines={10} />;
  const here = node.jobs.flatMap((id) => holders.get(id) ?? []);
  return (
    <>
      <PageHead
        title={
          <span className="inline-flex flex-wrap items-center gap-2">
            <span className="break-all">{node.name}</span> <NodeStateBadge node={node} />
          </span>
        }
        sub={<Under node={node} />}
      >
        {admin && <NodeActions node={node} jobs={here} />}
      </PageHead>
      <div className="flex flex-col gap-4">
        {node.node_status === "lost" && (
          <Notice tone="bad">
            Nothing was heard of this node since <Ago at={node.last_heartbeat} />. Its jobs get a new attempt elsewhere within their retries. Look at the machine and its agent; it comes back by itself.
          </Notice>
        )}
        {node.node_status === "draining" && <Draining node={node} />}
        {node.gpus.length > 0 && <Gpus node={node} />}
        <div className="grid items-start gap-4 xl:grid-cols-2">
          <NodeFacts node={node} />
          <NodeJobs node={node} />
        </div>
        <Usage node={node} />
        <History node={node} />
      </div>
    </>
  );
}

function Under({ node }: { node: Node }) {
  const { data: clusters } = useQuery(clustersQuery);
  const name = clusters?.clusters.find((cluster) => cluster.cluster_id === node.cluster_id)?.cluster_name;
  return (
    <>
      in cluster{" "}
      <Link to="/clusters/$cluster" params={{ cluster: node.cluster_id }} className="text-ink underline">
        {name ?? node.cluster_id.slice(0, 8)}
      </Link>
      , heard of <Ago at={node.last_heartbeat} />
    </>
  );
}

function Draining({ node }: { node: Node }) {
  if (node.drained) return <Notice tone="warn">Drained: nothing runs here any more. The machine can be worked on; resume it afterwards.</Notice>;
  return (
    <Notice tone="warn">
      Takes nothing new; {node.jobs.length === 1 ? "one job still runs" : `${node.jobs.length} jobs still run`} here
      {node.drain_deadline ? (
        <>
          . What is left is stopped and waits again <Ago at={node.drain_deadline} />.
        </>
      ) : (
        " to their end."
      )}
    </Notice>
  );
}

function Gpus({ node }: { node: Node }) {
  const [marked, setMarked] = useState<string | null>(null);
  const ill = node.gpus.filter((gpu) => gpu.problem || gpu.lost);
  return (
    <Card title={`GPUs (${node.gpus.filter((gpu) => gpu.job_id).length} of ${node.gpus.length} held)`}>
      <GpuTiles gpus={node.gpus} marked={marked} onMark={setMarked} />
      {ill.map((gpu) => (
        <p key={gpu.uuid} className="mt-2 break-words text-bad">
          GPU {node.gpus.indexOf(gpu)} ({gpu.uuid}): {gpu.problem ?? "it does not answer any more"}
        </p>
      ))}
    </Card>
  );
}

const JOB_COLUMNS: Column<JobBrief>[] = [
  {
    id: "name",
    header: "Job",
    phone: "title",
    cell: (job) => (
      <Link to="/jobs/$job" params={{ job: job.job_id }} className="font-medium break-all hover:underline">
        {job.job_name}
      </Link>
    ),
  },
  { id: "state", header: "State", cell: (job) => <JobStateBadge state={job.job_status} /> },
  { id: "owner", header: "Owner", cell: (job) => job.owner ?? "–" },
  { id: "ran", header: "Ran for", cell: (job) => <Lasting from={job.started_at} to={job.finished_at} /> },
  { id: "ended", header: "Ended", cell: (job) => (job.finished_at ? <Ago at={job.finished_at} /> : <span className="text-muted">runs</span>) },
];

function NodeJobs({ node }: { node: Node }) {
  const pages = useInfiniteQuery({
    queryKey: ["jobs", "of-node", node.id],
    queryFn: async ({ pageParam }) =>
      (await data(
        api.GET("/nodes/{node}/jobs", { params: { path: { node: node.id }, query: { limit: PAGE, ...(pageParam ? { before: Number(pageParam) } : {}) } } }),
      )) as unknown as { jobs: JobBrief[]; next: string | null },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const jobs = pages.data?.pages.flatMap((page) => page.jobs) ?? [];
  return (
    <Card title="Jobs, running and past">
      {pages.isPending ? (
        <Skeleton lines={4} />
      ) : (
        <DataTable label={`Jobs of ${node.name}`} rows={jobs} columns={JOB_COLUMNS} rowId={(job) => job.job_id} empty={<p className="text-muted">No job that you may see has run here yet.</p>} />
      )}
      {pages.hasNextPage && (
        <Button size="small" className="mt-2" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Older jobs
        </Button>
      )}
    </Card>
  );
}

function Usage({ node }: { node: Node }) {
  const { range = DEFAULT_RANGE } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Card title="Use" actions={<RangeChoice value={range} onChange={(next) => void navigate({ search: next === DEFAULT_RANGE ? {} : { range: next }, replace: true })} />}>
      <NodeUsage node={node.id} range={range} />
    </Card>
  );
}

function History({ node }: { node: Node }) {
  const names = useNames();
  const { data: page } = useQuery({
    queryKey: ["events", "node", node.id],
    queryFn: () => data(api.GET("/nodes/{node}/events", { params: { path: { node: node.id }, query: { limit: 100 } } })),
  });
  const events = (page as { events: PlatformEvent[] } | undefined)?.events ?? [];
  return <Card title="What happened">{page ? <EventList label={`Events of ${node.name}`} events={events.toReversed()} names={names} /> : <Skeleton lines={5} />}</Card>;
}
