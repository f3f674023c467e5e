/** All clusters with what they have and what of it is given to jobs; making one. */
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/form";
import { number } from "@/ui/quantities";
import { Amount } from "./capacity";
import { type Cluster, type ClusterInfo, clusterQuery, clustersQuery } from "./queries";

type Row = Cluster & { info: ClusterInfo | undefined };

const COLUMNS: Column<Row>[] = [
  {
    id: "name",
    header: "Name",
    sort: (cluster) => cluster.cluster_name,
    phone: "title",
    cell: (cluster) => (
      <>
        <Link to="/clusters/$cluster" params={{ cluster: cluster.cluster_id }} className="font-medium break-all hover:underline">
          {cluster.cluster_name}
        </Link>
        {cluster.cluster_description && <p className="text-xs break-words text-muted">{cluster.cluster_description}</p>}
      </>
    ),
  },
  {
    id: "nodes",
    header: "Nodes",
    sort: (cluster) => cluster.total_nodes,
    cell: (cluster) => (
      <Link to="/nodes" search={{ cluster: cluster.cluster_name }} className="tabular-nums hover:underline">
        {cluster.total_nodes}
        <span className="text-muted"> ({cluster.busy_nodes} busy)</span>
      </Link>
    ),
  },
  { id: "jobs", header: "Running jobs", sort: (cluster) => cluster.total_running_jobs, cell: (cluster) => <span className="tabular-nums">{number(cluster.total_running_jobs)}</span> },
  { id: "cpu", header: "CPU given", cell: ({ info, cluster_name }) => info && <Amount kind="cpu" of={cluster_name} used={info.cpu_info.used_millicores} total={info.cpu_info.total_millicores} /> },
  { id: "memory", header: "Memory given", cell: ({ info, cluster_name }) => info && <Amount kind="memory" of={cluster_name} used={info.memory_info.used_memory_mb} total={info.memory_info.total_memory_mb} /> },
  { id: "gpus", header: "GPUs given", cell: ({ info, cluster_name }) => info && <Amount kind="gpu" of={cluster_name} used={info.gpu_info.used_gpus} total={info.gpu_info.total_gpus} /> },
];

export function ClustersPage() {
  const admin = useMay("admin");
  const { data: list, error } = useQuery(clustersQuery);
  const clusters = list?.clusters ?? [];
  const infos = useQueries({ queries: clusters.map((cluster) => clusterQuery(cluster.cluster_id)) });
  if (error && !list) return <Notice tone="bad">{sentence(error)}</Notice>;
  return (
    <>
      <PageHead title="Clusters" sub="Groups of nodes, to which queues lead.">
        {admin && <NewCluster />}
      </PageHead>
      {list ? (
        <DataTable
          label="Clusters"
          rows={clusters.map((cluster, place) => ({ ...cluster, info: infos[place]?.data }))}
          columns={COLUMNS}
          rowId={(cluster) => cluster.cluster_id}
          empty={
            <Empty title="There is no cluster yet.">
              <p className="mb-2">A cluster is a group of machines that queues lead to.</p>
              <Snippet text="lilac clusters create lab" className="text-left" />
            </Empty>
          }
        />
      ) : (
        <Skeleton lines={4} />
      )}
    </>
  );
}

function NewCluster() {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const client = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => data(api.POST("/clusters", { body: { cluster_name: name.trim(), cluster_description: about.trim() || null } })),
    onSuccess: async ({ cluster_id }) => {
      await client.invalidateQueries({ queryKey: ["clusters"] });
      toast(`Cluster ${name.trim()} is there. Add its first node.`);
      await navigate({ to: "/clusters/$cluster", params: { cluster: cluster_id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const field = create.error instanceof ApiError ? create.error.field : null;
  return (
    <>
      <Button kind="primary" onClick={() => (create.reset(), setOpen(true))}>
        <Plus aria-hidden /> New cluster
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title="New cluster">
        <form onSubmit={submit} className="flex flex-col gap-4">
          <Field label="Name" error={field === "cluster_description" ? null : create.error && sentence(create.error)}>
            {(bound) => <Input {...bound} required value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
          <Field label="Description" hint="May be left out." error={field === "cluster_description" && create.error ? sentence(create.error) : null}>
            {(bound) => <Input {...bound} value={about} onChange={(event) => setAbout(event.target.value)} />}
          </Field>
          <div className="flex justify-end gap-2">
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button kind="primary" type="submit" disabled={create.isPending}>
              Create
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
