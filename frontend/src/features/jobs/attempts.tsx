/** The attempts of a job and their replicas: where they ran, how they ended, and the way to their output. */
import { Link } from "@tanstack/react-router";
import { Badge, Card, Empty } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { JobStateBadge } from "@/ui/job-state";
import { bytes, cores, memory } from "@/ui/quantities";
import { Ago, Lasting } from "@/ui/time";
import type { Attempt, JobDetail, Replica } from "./types";

export function Attempts({ job }: { job: JobDetail }) {
  if (job.attempts.length === 0) return <Empty title="It has not been started yet.">Each start is listed here with its replicas and how they ended.</Empty>;
  return (
    <div className="flex flex-col gap-4">
      {job.attempts.toReversed().map((attempt) => (
        <OneAttempt key={attempt.number} job={job} attempt={attempt} />
      ))}
    </div>
  );
}

function OneAttempt({ job, attempt }: { job: JobDetail; attempt: Attempt }) {
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-2">
          Attempt {attempt.number} <JobStateBadge state={attempt.state} />
          <span className="font-normal text-muted">
            <Ago at={attempt.created_at} />, lasted <Lasting from={attempt.started_at} to={attempt.finished_at} />
          </span>
        </span>
      }
    >
      {(attempt.message ?? attempt.reason) && <p className="mb-3 break-words">{attempt.message ?? attempt.reason?.replaceAll("_", " ")}</p>}
      <DataTable label={`Replicas of attempt ${attempt.number}`} rows={attempt.replicas} columns={columnsOf(job, attempt)} rowId={(replica) => String(replica.rank)} />
    </Card>
  );
}

function columnsOf(job: JobDetail, attempt: Attempt): Column<Replica>[] {
  const ported = attempt.replicas.some((replica) => Object.keys(replica.ports).length > 0);
  const columns: Column<Replica>[] = [
    { id: "rank", header: "Replica", cell: (replica) => `Replica ${replica.rank}`, sort: (replica) => replica.rank, phone: "title" },
    { id: "state", header: "State", cell: (replica) => <Badge>{replica.state.replaceAll("_", " ")}</Badge>, sort: (replica) => replica.state },
    {
      id: "node",
      header: "Node",
      sort: (replica) => replica.node_name,
      cell: (replica) => (
        <Link to="/nodes/$node" params={{ node: replica.node_id }} className="text-accent hover:underline">
          {replica.node_name ?? replica.node_id}
        </Link>
      ),
    },
    { id: "exit", header: "Exit code", cell: (replica) => replica.exit_code ?? "–", sort: (replica) => replica.exit_code, align: "end" },
    { id: "reason", header: "How it ended", cell: (replica) => <span className="break-words">{replica.message ?? replica.reason?.replaceAll("_", " ") ?? "–"}</span> },
    { id: "lasted", header: "Lasted", cell: (replica) => <Lasting from={replica.started_at} to={replica.finished_at} />, align: "end" },
    {
      id: "usage",
      header: "Peak use",
      align: "end",
      cell: (replica) => (replica.usage ? `${cores(replica.usage.cpu_millicores_max)} cores, ${memory(replica.usage.memory_mb_max)}` : "–"),
    },
    {
      id: "log",
      header: "Output",
      align: "end",
      sort: (replica) => replica.log_bytes,
      cell: (replica) => (
        <Link to="/jobs/$job" params={{ job: job.job_id }} search={{ tab: "logs", attempt: attempt.number, rank: replica.rank }} className="text-accent hover:underline">
          {bytes(replica.log_bytes)}
        </Link>
      ),
    },
  ];
  if (ported) columns.push({ id: "ports", header: "Ports", cell: (replica) => Object.entries(replica.ports).map(([name, at]) => `${name} ${at.address}`).join(", ") });
  return columns;
}
