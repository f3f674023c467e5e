/** One cluster: what it has and uses, its nodes, the jobs that run there, and the keys of its agents. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useMemo } from "react";
import { api, data } from "@/api/client";
import { deleting } from "@/api/deleting";
import { ApiError, sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { toast } from "@/app/toasts";
import { type JobBrief, liveJobsQuery } from "@/features/nodes/holders";
import { nodeColumns } from "@/features/nodes/node-columns";
import { NodeStrip } from "@/features/nodes/node-state";
import { nodesQuery } from "@/features/nodes/queries";
import { DEFAULT_RANGE, RangeChoice } from "@/features/usage/ranges";
import { ClusterUsage } from "@/features/usage/usage-charts";
import { Button } from "@/ui/button";
import { Card, Empty, PageHead, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm } from "@/ui/dialog";
import { JobStateBadge } from "@/ui/job-state";
import { Lasting } from "@/ui/time";
import { AddNode } from "./add-node";
import { Amount } from "./capacity";
import { ClusterKeys } from "./cluster-keys";
import { type ClusterInfo, clusterQuery } from "./queries";

const route = getRouteApi("/inside/clusters/$cluster");
const COLUMNS = nodeColumns();
const VIRTUAL_FROM = 100;
const JOBS_SHOWN = 50;

export function ClusterPage() {
  const { cluster: ref } = route.useParams();
  const admin = useMay("admin");
  const { data: cluster, error } = useQuery(clusterQuery(ref));
  if (error && (!cluster || (error instanceof ApiError && error.status === 404))) {
    return (
      <Empty title={sentence(error)}>
        <Link to="/clusters" className="text-accent underline">
          All clusters
        </Link>
      </Empty>
    );
  }
  if (!cluster) return <Skeleton lines={10} />;
  return (
    <>
      <PageHead title={cluster.cluster_name} sub={cluster.cluster_description}>
        {admin && <AddNode cluster={cluster.cluster_id} name={cluster.cluster_name} />}
        {admin && <DeleteCluster cluster={cluster} />}
      </PageHead>
      <div className="flex flex-col gap-4">
        <Now cluster={cluster} />
        {cluster.total_nodes > 0 && <Use cluster={cluster.cluster_id} />}
        <Nodes cluster={cluster} />
        <RunningJobs cluster={cluster} />
        {admin && <ClusterKeys cluster={cluster.cluster_id} name={cluster.cluster_name} />}
      </div>
    </>
  );
}

function Now({ cluster }: { cluster: ClusterInfo }) {
  const { cpu_info: cpu, memory_info: ram, gpu_info: gpu, cluster_name: name } = cluster;
  return (
    <Card title="Given to jobs now">
      <dl className="grid gap-4 sm:grid-cols-3">
        {(
          [
            ["CPU", <Amount key="cpu" kind="cpu" of={name} used={cpu.used_millicores} total={cpu.total_millicores} />],
            ["Memory", <Amount key="memory" kind="memory" of={name} used={ram.used_memory_mb} total={ram.total_memory_mb} />],
            ["GPUs", <Amount key="gpu" kind="gpu" of={name} used={gpu.used_gpus} total={gpu.total_gpus} />],
          ] as const
        ).map(([term, amount]) => (
          <div key={term}>
            <dt className="mb-1 text-muted">{term}</dt>
            <dd>{amount}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Use({ cluster }: { cluster: string }) {
  const { range = DEFAULT_RANGE } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Card title="Use" actions={<RangeChoice value={range} onChange={(next) => void navigate({ search: next === DEFAULT_RANGE ? {} : { range: next }, replace: true })} />}>
      <ClusterUsage cluster={cluster} range={range} />
    </Card>
  );
}

function Nodes({ cluster }: { cluster: ClusterInfo }) {
  const { data: all } = useQuery(nodesQuery);
  const nodes = useMemo(() => all?.nodes.filter((node) => node.cluster_id === cluster.cluster_id) ?? [], [all, cluster.cluster_id]);
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <h2 className="font-semibold">Nodes ({nodes.length})</h2>
      {nodes.length > 0 && <NodeStrip nodes={nodes} />}
      {all ? (
        <DataTable
          label={`Nodes of ${cluster.cluster_name}`}
          rows={nodes}
          columns={COLUMNS}
          rowId={(node) => node.id}
          virtual={nodes.length > VIRTUAL_FROM}
          empty={<Empty title="No node is in this cluster yet.">Add one: a machine becomes a node by running the agent with a key of this cluster.</Empty>}
        />
      ) : (
        <Skeleton lines={4} />
      )}
    </section>
  );
}

const JOB_COLUMNS: Column<JobBrief & { node_name: string | null }>[] = [
  {
    id: "name",
    header: "Job",
    phone: "title",
    sort: (job) => job.job_name,
    cell: (job) => (
      <Link to="/jobs/$job" params={{ job: job.job_id }} className="font-medium break-all hover:underline">
        {job.job_name}
      </Link>
    ),
  },
  { id: "state", header: "State", cell: (job) => <JobStateBadge state={job.job_status} /> },
  { id: "owner", header: "Owner", sort: (job) => job.owner, cell: (job) => job.owner ?? "–" },
  { id: "node", header: "Node", sort: (job) => job.node_name, cell: (job) => job.node_name ?? "–" },
  { id: "queue", header: "Queue", sort: (job) => job.queue_name, cell: (job) => job.queue_name ?? "–" },
  { id: "ran", header: "Runs for", sort: (job) => job.started_at, cell: (job) => <Lasting from={job.started_at} /> },
];

/** The newest live jobs of which a replica is on one of the cluster's nodes. */
function RunningJobs({ cluster }: { cluster: ClusterInfo }) {
  const { data: nodes } = useQuery(nodesQuery);
  const { data: live } = useQuery(liveJobsQuery);
  const here = useMemo(() => {
    const ids = new Set(nodes?.nodes.filter((node) => node.cluster_id === cluster.cluster_id).flatMap((node) => node.jobs));
    return (live ?? []).filter((job) => ids.has(job.job_id)) as (JobBrief & { node_name: string | null })[];
  }, [nodes, live, cluster.cluster_id]);
  return (
    <section className="flex min-w-0 flex-col gap-3">
      <h2 className="font-semibold">Jobs running here ({here.length})</h2>
      <DataTable
        label={`Jobs of ${cluster.cluster_name}`}
        rows={here.slice(0, JOBS_SHOWN)}
        columns={JOB_COLUMNS}
        rowId={(job) => job.job_id}
        empty={<p className="text-muted">No job that you may see runs here now.</p>}
      />
      {here.length > JOBS_SHOWN && (
        <Link to="/jobs" search={{ status: "running,starting" } as never} className="text-accent hover:underline">
          {here.length - JOBS_SHOWN} more, among all running jobs
        </Link>
      )}
    </section>
  );
}

function DeleteCluster({ cluster }: { cluster: ClusterInfo }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { data: queues } = useQuery({ queryKey: ["queues"], queryFn: () => data(api.GET("/queues")) });
  const { data: nodes } = useQuery(nodesQuery);
  const led = queues?.filter((queue) => queue.cluster_targets.includes(cluster.cluster_id)) ?? [];
  const stranded = led.filter((queue) => queue.cluster_targets.length === 1);
  const mine = nodes?.nodes.filter((node) => node.cluster_id === cluster.cluster_id) ?? [];
  const alive = mine.filter((node) => node.node_status !== "lost");
  const remove = async () => {
    await deleting(cluster.cluster_id, () => api.DELETE("/clusters/{cluster}", { params: { path: { cluster: cluster.cluster_id } } }));
    toast(`Cluster ${cluster.cluster_name} is deleted.`);
    await navigate({ to: "/clusters" });
    await Promise.all(["clusters", "nodes", "queues", "keys"].map((noun) => client.invalidateQueries({ queryKey: [noun] })));
  };
  return (
    <Confirm
      trigger={
        <Button kind="danger">
          <Trash2 aria-hidden /> Delete
        </Button>
      }
      title={`Delete cluster ${cluster.cluster_name}?`}
      action="Delete the cluster"
      onConfirm={remove}
    >
      {alive.length > 0 ? (
        <p className="text-bad">
          It will be refused: {alive.length === 1 ? `node ${alive[0]?.name} is` : `${alive.length} nodes are`} alive in it. Stop {alive.length === 1 ? "its agent" : "their agents"} first.
        </p>
      ) : (
        mine.length > 0 && <p>{mine.length === 1 ? "Its lost node is" : `Its ${mine.length} lost nodes are`} forgotten.</p>
      )}
      <p>The keys of its agents stop working at once.</p>
      {led.length > 0 && <p>Queues that lead to it lose it: {led.map((queue) => queue.name).join(", ")}.</p>}
      {stranded.length > 0 && <p>Jobs of {stranded.map((queue) => queue.name).join(", ")} would then wait for ever: no other cluster is left to these queues.</p>}
    </Confirm>
  );
}
