/** The columns of tables of nodes. */
import { Link } from "@tanstack/react-router";
import { Badge, Meter } from "@/ui/card";
import type { Column } from "@/ui/data-table";
import { cores, memory } from "@/ui/quantities";
import { Ago } from "@/ui/time";
import { modelsOf } from "./gpu-picture";
import { NODE_STATES, NodeStateBadge } from "./node-state";
import type { Node } from "./queries";

const LABELS_SHOWN = 3;

/** `clusters`: names by id; without them the column is left out. */
export function nodeColumns(clusters?: ReadonlyMap<string, string>): Column<Node>[] {
  const all: (Column<Node> | false)[] = [
    {
      id: "name",
      header: "Name",
      sort: (node) => node.name,
      phone: "title",
      cell: (node) => (
        <Link to="/nodes/$node" params={{ node: node.id }} className="font-medium break-all hover:underline">
          {node.name}
        </Link>
      ),
    },
    { id: "state", header: "State", sort: (node) => NODE_STATES.indexOf(node.node_status), cell: (node) => <NodeStateBadge node={node} /> },
    clusters !== undefined && {
      id: "cluster",
      header: "Cluster",
      sort: (node) => clusters.get(node.cluster_id),
      cell: (node) => (
        <Link to="/clusters/$cluster" params={{ cluster: node.cluster_id }} className="hover:underline">
          {clusters.get(node.cluster_id) ?? node.cluster_id.slice(0, 8)}
        </Link>
      ),
    },
    {
      id: "cpu",
      header: "CPU given",
      sort: (node) => node.cpu.millicores,
      cell: (node) => <Given label={`CPU of ${node.name} given to jobs`} used={node.cpu.millicores - node.free.cpu_millicores} total={node.cpu.millicores} words={(value) => cores(value)} unit="cores" lost={node.node_status === "lost"} />,
    },
    {
      id: "memory",
      header: "Memory given",
      sort: (node) => node.memory_mb,
      cell: (node) => <Given label={`Memory of ${node.name} given to jobs`} used={node.memory_mb - node.free.memory_mb} total={node.memory_mb} words={memory} lost={node.node_status === "lost"} />,
    },
    {
      id: "gpus",
      header: "GPUs held",
      sort: (node) => node.gpus.length,
      cell: (node) => {
        if (node.gpus.length === 0) return <span className="text-muted">none</span>;
        const ill = node.gpus.filter((gpu) => !gpu.healthy || gpu.lost).length;
        return (
          <span className="inline-flex flex-wrap items-center gap-x-2 tabular-nums" title={modelsOf(node)}>
            {node.gpus.filter((gpu) => gpu.job_id).length} of {node.gpus.length}
            {ill > 0 && <Badge tone="bad">{ill} unhealthy</Badge>}
          </span>
        );
      },
    },
    { id: "jobs", header: "Jobs", sort: (node) => node.jobs.length, align: "end", cell: (node) => node.jobs.length },
    { id: "labels", header: "Labels", phone: "hide", cell: (node) => <Labels labels={node.labels} /> },
    { id: "version", header: "Agent", sort: (node) => node.agent_version, phone: "hide", cell: (node) => <span className="text-muted">{node.agent_version}</span> },
    { id: "heard", header: "Last heard", sort: (node) => node.last_heartbeat, cell: (node) => <Ago at={node.last_heartbeat} /> },
  ];
  return all.filter((column): column is Column<Node> => column !== false);
}

interface GivenProps {
  label: string;
  used: number;
  total: number;
  words: (value: number) => string;
  unit?: string;
  lost: boolean;
}

function Given({ label, used, total, words, unit = "", lost }: GivenProps) {
  if (lost) return <span className="text-muted">–</span>;
  return (
    <div className="min-w-24 max-md:flex-1">
      <Meter value={Math.max(used, 0)} max={total} label={label} />
      <span className="text-xs whitespace-nowrap text-muted tabular-nums">
        {words(Math.max(used, 0))} of {words(total)} {unit}
      </span>
    </div>
  );
}

export function Labels({ labels, all = false }: { labels: Readonly<Record<string, string>>; all?: boolean }) {
  const known = Object.entries(labels);
  const shown = all ? known : known.slice(0, LABELS_SHOWN);
  return (
    <span className="flex flex-wrap gap-1">
      {shown.map(([key, value]) => (
        <Badge key={key} className="max-w-56">
          <span className="truncate" title={`${key}=${value}`}>
            {key}={value}
          </span>
        </Badge>
      ))}
      {known.length > shown.length && <span className="text-xs text-muted">and {known.length - shown.length} more</span>}
    </span>
  );
}
