/** One queue: what its running jobs hold of its limits, and its waiting jobs in turn. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { ApiError, sentence } from "@/api/errors";
import { useMay, useSession } from "@/app/session";
import { writeSeconds } from "@/ui/amounts";
import { Button } from "@/ui/button";
import { Badge, Card, Empty, Meter, Notice, PageHead, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { number } from "@/ui/quantities";
import { Ago } from "@/ui/time";
import { LIMIT_NAMES, LIMITS, sayLimits } from "./limits";
import { MoveJob } from "./move-job";
import { clusterNamesQuery, LINE_SHOWN, lineQuery, type Queue, queueQuery, type Waiting } from "./queries";
import { QueueActions } from "./queue-actions";

export function QueuePage() {
  const { queue: id } = useParams({ from: "/inside/queues/$queue" });
  const queue = useQuery(queueQuery(id));
  const admin = useMay("admin");
  const navigate = useNavigate();
  if (queue.error) {
    const gone = queue.error instanceof ApiError && queue.error.status === 404;
    return gone ? (
      <Empty title="There is no such queue.">
        <Link to="/queues" className="text-accent underline">
          To all queues
        </Link>
      </Empty>
    ) : (
      <Notice tone="bad">{sentence(queue.error)}</Notice>
    );
  }
  if (!queue.data) return <Skeleton lines={8} />;
  const found = queue.data;
  return (
    <>
      <PageHead
        title={found.name}
        sub={
          <span className="flex flex-wrap items-center gap-2">
            Queue of priority {found.priority}
            {found.paused && <Badge tone="warn">paused: nothing more of it starts</Badge>}
          </span>
        }
      >
        {admin && <QueueActions queue={found} onDeleted={() => void navigate({ to: "/queues" })} />}
      </PageHead>
      <div className="flex flex-col gap-4">
        <div className="grid gap-4 lg:grid-cols-2">
          <Holds queue={found} />
          <Facts queue={found} />
        </div>
        <WaitingJobs queue={found} />
      </div>
    </>
  );
}

/** What is in use, beside its limit where there is one. */
function Holds({ queue }: { queue: Queue }) {
  const held = { ...queue.in_use, waiting_jobs: queue.waiting_jobs };
  return (
    <Card title="In use">
      <ul className="flex flex-col gap-2.5">
        {LIMIT_NAMES.map((name) => {
          const [amount, limit] = [Number(held[name] ?? 0), queue.limits[name]];
          const words = limit == null ? LIMITS[name].say(amount) : `${LIMITS[name].say(amount)} of at most ${LIMITS[name].say(limit)}`;
          return (
            <li key={name} className="flex flex-col gap-1">
              <span className="flex justify-between gap-2">
                <span className="text-muted">{LIMITS[name].label}</span>
                <span className="text-right tabular-nums">{words}</span>
              </span>
              {limit != null && <Meter value={amount} max={limit} label={`${LIMITS[name].label}: ${words}`} />}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Facts({ queue }: { queue: Queue }) {
  const clusters = useQuery(clusterNamesQuery);
  const facts: [string, string][] = [
    ["Order", queue.order === "fair" ? "users in turns" : "by submission"],
    ["Each user at most", sayLimits(queue.user_limits) || "no limit"],
    ["Ageing", queue.ageing_s ? `one priority number better for each ${writeSeconds(queue.ageing_s)} of waiting` : "none"],
    ["Preemption", queue.preemption ? "elastic and preemptible jobs make room for its jobs" : "nobody makes room for its jobs"],
  ];
  return (
    <Card title="Rules">
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
        <dt className="text-muted">Clusters</dt>
        <dd>
          <ol className="flex flex-wrap gap-x-1">
            {queue.cluster_targets.map((id, at) => (
              <li key={id}>
                {at > 0 && <span className="text-muted">then </span>}
                <Link to="/clusters/$cluster" params={{ cluster: id }} className="text-accent hover:underline">
                  {clusters.data?.find((each) => each.id === id)?.name ?? id}
                </Link>
              </li>
            ))}
            {queue.cluster_targets.length === 0 && <li>none: its jobs cannot run</li>}
          </ol>
        </dd>
        {facts.map(([name, words]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function WaitingJobs({ queue }: { queue: Queue }) {
  const line = useQuery(lineQuery(queue.id));
  const session = useSession();
  const [admin, member] = [useMay("admin"), useMay("member")];
  const [moving, setMoving] = useState<Waiting | null>(null);
  const username = session.username;
  const columns = useMemo(
    () => columnsOf((job) => admin || (member && job.owner === username), setMoving),
    [admin, member, username],
  );
  const jobs = line.data?.jobs ?? [];
  const others = (line.data?.waiting_jobs ?? 0) - jobs.length;
  return (
    <Card title={`In line (${number(line.data?.waiting_jobs ?? queue.waiting_jobs)})`}>
      {line.error && <Notice tone="bad">{sentence(line.error)}</Notice>}
      {line.isPending ? (
        <Skeleton />
      ) : (
        <DataTable
          label={`Waiting jobs of ${queue.name} in turn`}
          rows={jobs}
          columns={columns}
          rowId={(job) => job.job_id}
          empty={
            <Empty title={others > 0 ? "No job of yours waits here." : "Nothing waits in this queue."}>
              <Snippet text={`lilac submit --queue ${queue.name} --name hello --image debian:12 --cpu 1000 --memory 1024 -- echo hello`} className="text-left" />
            </Empty>
          }
        />
      )}
      {others > 0 && (
        <p className="mt-3 text-muted">
          {jobs.length >= LINE_SHOWN ? `${number(others)} more wait behind these.` : `${number(others)} ${others === 1 ? "job of others waits" : "jobs of others wait"} as well.`}
        </p>
      )}
      {moving && <MoveJob job={moving} queueId={queue.id} highest={Math.max(...jobs.map((job) => job.priority))} onClose={() => setMoving(null)} />}
    </Card>
  );
}

function columnsOf(mayMove: (job: Waiting) => boolean, onMove: (job: Waiting) => void): Column<Waiting>[] {
  return [
    { id: "place", header: "Place", align: "end", width: "4rem", cell: (job) => number(job.position) },
    {
      id: "job",
      header: "Job",
      phone: "title",
      cell: (job) => (
        <Link to="/jobs/$job" params={{ job: job.job_id }} className="font-medium break-all text-accent hover:underline">
          {job.job_name ?? job.job_id}
        </Link>
      ),
    },
    { id: "owner", header: "Owner", cell: (job) => <span className="wrap-anywhere">{job.owner ?? "–"}</span> },
    { id: "priority", header: "Priority", align: "end", cell: (job) => job.priority },
    { id: "waits", header: "What it waits for", cell: (job) => <span className="min-w-0 wrap-anywhere">{job.message ?? "its turn"}</span> },
    { id: "start", header: "Expected start", cell: (job) => (job.expected_start ? <Ago at={job.expected_start} /> : <span className="text-muted">not known</span>) },
    {
      id: "move",
      header: "Move",
      cell: (job) =>
        mayMove(job) && (
          <Button size="small" aria-label={`Move ${job.job_name ?? job.job_id}`} onClick={() => onMove(job)}>
            Move
          </Button>
        ),
    },
  ];
}
