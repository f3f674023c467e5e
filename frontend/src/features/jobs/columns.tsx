/** What a row of the list of jobs tells. */
import { Link } from "@tanstack/react-router";
import type { Column } from "@/ui/data-table";
import { JobStateBadge } from "@/ui/job-state";
import { cores, memory, number } from "@/ui/quantities";
import { Ago, Lasting } from "@/ui/time";
import { ArrayBar } from "./elements";
import type { ListedJob } from "./types";

/** Shown unless somebody chooses others. */
export const USUAL = ["name", "state", "why", "queue", "owner", "needs", "node", "age", "lasted"];

export const COLUMNS: readonly Column<ListedJob>[] = [
  {
    id: "name",
    header: "Name",
    phone: "title",
    width: "20%",
    cell: (job) => (
      <Link to="/jobs/$job" params={{ job: job.job_id }} title={job.job_name} className="text-accent hover:underline">
        {job.job_name}
        {job.array && <span className="text-muted"> [{number(job.array.size)}]</span>}
      </Link>
    ),
  },
  {
    id: "state",
    header: "State",
    width: "7.5rem",
    cell: (job) => (
      <span className="flex items-center gap-2 max-md:w-full">
        <JobStateBadge state={job.job_status} />
        {job.array && <ArrayBar counts={job.array.counts} className="w-10 shrink-0 max-md:w-24" />}
      </span>
    ),
  },
  {
    id: "why",
    header: "Why",
    width: "18%",
    cell: (job) => {
      const words = job.waiting?.message ?? (job.job_status === "failed" ? job.message : job.progress ? job.progress.step.replaceAll("_", " ") : null);
      return <span title={words ?? undefined} className="text-muted max-md:whitespace-normal">{words ?? ""}</span>;
    },
  },
  {
    id: "queue",
    header: "Queue",
    width: "5.5rem",
    cell: (job) => (
      <Link to="/queues/$queue" params={{ queue: job.queue_name ?? job.queue_id }} className="hover:underline">
        {job.queue_name ?? "deleted"}
      </Link>
    ),
  },
  { id: "owner", header: "Owner", width: "5rem", cell: (job) => job.owner ?? "–" },
  { id: "needs", header: "Asks for", width: "8.5rem", cell: (job) => <span title={needs(job)}>{needs(job)}</span> },
  { id: "node", header: "Node", width: "5rem", cell: (job) => job.node_name ?? "–" },
  { id: "age", header: "Submitted", width: "6rem", align: "end", cell: (job) => <Ago at={job.created_at} /> },
  { id: "lasted", header: "Lasted", width: "4.75rem", align: "end", cell: (job) => <Lasting from={job.started_at} to={job.finished_at} /> },
  { id: "priority", header: "Priority", width: "5rem", align: "end", phone: "hide", cell: (job) => job.priority },
  { id: "kind", header: "Kind", width: "5rem", phone: "hide", cell: (job) => job.kind },
  { id: "exit", header: "Exit code", width: "5.5rem", align: "end", phone: "hide", cell: (job) => job.exit_code ?? "–" },
  { id: "labels", header: "Labels", width: "12rem", phone: "hide", cell: (job) => Object.entries(job.labels).map(([key, value]) => `${key}=${value}`).join(", ") },
  { id: "id", header: "Id", width: "9rem", phone: "hide", cell: (job) => <code className="font-mono text-xs">{job.job_id}</code> },
];

function needs(job: ListedJob): string {
  const need = job.resource_requirements;
  const words = [`${cores(need.cpu_millicores)} CPU`, memory(need.memory_mb)];
  if (need.gpus) words.push(`${need.gpus.count} ${need.gpus.model ?? "GPU"}`);
  const size = job.size.max > 1 ? ` ×${job.size.min === job.size.max ? job.size.min : `${job.size.min}–${job.size.max}`}` : "";
  return words.join(", ") + size;
}
