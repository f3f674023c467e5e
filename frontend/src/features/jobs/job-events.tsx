/** What happened to a job, newest first; it grows as things happen. */
import { useQuery } from "@tanstack/react-query";
import { sentence } from "@/api/errors";
import { Notice, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { Ago } from "@/ui/time";
import { type JobEvent, jobEventsQuery } from "./queries";

const COLUMNS: Column<JobEvent>[] = [
  { id: "at", header: "When", cell: (event) => <Ago at={event.at} />, sort: (event) => event.seq },
  { id: "kind", header: "What", cell: (event) => event.kind.replace(".", " ").replaceAll("_", " "), sort: (event) => event.kind, phone: "title" },
  { id: "actor", header: "By", cell: (event) => event.actor, sort: (event) => event.actor },
  { id: "data", header: "Details", cell: (event) => <span className="text-xs break-words text-muted">{details(event.data)}</span> },
];

export function JobEvents({ job }: { job: string }) {
  const events = useQuery(jobEventsQuery(job));
  if (events.error) return <Notice tone="bad">{sentence(events.error)}</Notice>;
  if (!events.data) return <Skeleton lines={5} />;
  return <DataTable label="Events" rows={events.data.toReversed()} columns={COLUMNS} rowId={(event) => String(event.seq)} />;
}

/** The facts of an event as `name: value`. */
export function details(data: Record<string, unknown>): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" · ");
}
