/** One job, or one array: what it is doing, why it waits, its output, and all that happened to it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { ApiError, sentence } from "@/api/errors";
import { Badge, Card, Empty, Meter, Notice, PageHead, Skeleton } from "@/ui/card";
import { CopyButton } from "@/ui/copy";
import { JobStateBadge } from "@/ui/job-state";
import { bytes, cores, memory } from "@/ui/quantities";
import { Tabs } from "@/ui/tabs";
import { Ago, duration, Lasting } from "@/ui/time";
import { Attempts } from "./attempts";
import { Elements } from "./elements";
import { WhyItWaits } from "./explanation";
import { JobActions } from "./job-actions";
import { JobEvents } from "./job-events";
import { JobLogs } from "./job-logs";
import { jobQuery } from "./queries";
import { type JobDetail, isOpen } from "./types";
import { Waterfall } from "./waterfall";

const JobRequest = lazy(async () => ({ default: (await import("./job-request")).JobRequest }));
const JobUsage = lazy(async () => ({ default: (await import("./job-usage")).JobUsage }));

export function JobPage() {
  const { job: wanted } = useParams({ from: "/inside/jobs/$job" });
  const navigate = useNavigate();
  const job = useQuery(jobQuery(wanted));
  const id = job.data?.job_id;
  useEffect(() => {
    // events speak of ids: a page by name goes on as the page of that very job
    if (id && id !== wanted) void navigate({ to: "/jobs/$job", params: { job: id }, search: true, replace: true });
  }, [id, wanted, navigate]);
  if (job.error instanceof ApiError && job.error.status === 404)
    return (
      <Empty title={job.error.message}>
        <Link to="/jobs" className="text-accent underline">
          To the jobs
        </Link>
      </Empty>
    );
  if (job.error && !job.data) return <Notice tone="bad">{sentence(job.error)}</Notice>;
  if (!job.data) return <Skeleton lines={10} />;
  return <Shown job={job.data} />;
}

function Shown({ job }: { job: JobDetail }) {
  const search = useSearch({ from: "/inside/jobs/$job" });
  const navigate = useNavigate({ from: "/jobs/$job" });
  const tab = search.tab ?? (job.array ? "elements" : "overview");
  const attempt = search.attempt ?? job.attempt;
  const logs = (
    <JobLogs
      job={job}
      attempt={attempt}
      rank={search.rank ?? 0}
      onChoose={(nextAttempt, rank) => void navigate({ search: (before) => ({ ...before, attempt: nextAttempt === job.attempt ? undefined : nextAttempt, rank }), replace: true })}
    />
  );
  const { array } = job;
  const tabs = [
    ...(array ? [{ value: "elements" as const, label: "Elements", content: <Elements job={{ ...job, array }} /> }] : []),
    { value: "overview" as const, label: "Overview", content: <Overview job={job} /> },
    ...(array
      ? []
      : [
          { value: "logs" as const, label: "Output", content: logs },
          { value: "attempts" as const, label: `Attempts${job.attempts.length > 1 ? ` (${job.attempts.length})` : ""}`, content: <Attempts job={job} /> },
          { value: "usage" as const, label: "Usage", content: <JobUsage job={job} attempt={attempt} rank={search.rank} /> },
        ]),
    { value: "events" as const, label: "Events", content: <JobEvents job={job.job_id} /> },
    { value: "request" as const, label: "Request", content: <JobRequest job={job} /> },
  ];
  return (
    <>
      <PageHead
        title={
          <span className="flex flex-wrap items-center gap-3">
            <span className="min-w-0 break-all">{job.job_name}</span> <JobStateBadge state={job.job_status} />
          </span>
        }
        sub={<Under job={job} />}
      >
        <JobActions job={job} />
      </PageHead>
      <Tabs label="About the job" value={tab} onChange={(next) => void navigate({ search: (before) => ({ ...before, tab: next }), replace: true })} tabs={tabs.map((each) => ({ ...each, content: <Suspense fallback={<Skeleton lines={6} />}>{each.content}</Suspense> }))} />
    </>
  );
}

function Under({ job }: { job: JobDetail }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span>
        in{" "}
        <Link to="/queues/$queue" params={{ queue: job.queue_name ?? job.queue_id }} className="text-accent hover:underline">
          {job.queue_name ?? job.queue_id}
        </Link>
      </span>
      {job.owner && <span>by {job.owner}</span>}
      <span>
        submitted <Ago at={job.created_at} />
      </span>
      {job.array_id && (
        <Link to="/jobs/$job" params={{ job: job.array_id }} className="text-accent hover:underline">
          element {job.array_index} of its array
        </Link>
      )}
      {job.retry_of && (
        <Link to="/jobs/$job" params={{ job: job.retry_of }} className="text-accent hover:underline">
          runs another job again
        </Link>
      )}
      <span className="inline-flex items-center font-mono text-xs">
        {job.job_id} <CopyButton text={job.job_id} label="Copy the id" />
      </span>
    </span>
  );
}

function Overview({ job }: { job: JobDetail }) {
  return (
    <div className="flex flex-col gap-4">
      {job.message && <Notice tone={job.job_status === "failed" ? "bad" : "info"}>{job.message}</Notice>}
      {job.job_status === "queued" && <WhyItWaits job={job} />}
      {job.progress && <Progress progress={job.progress} />}
      <div className="grid gap-4 xl:grid-cols-2">
        <Card title="Where the time went">
          <Waterfall waterfall={job.waterfall} ended={!isOpen(job)} />
        </Card>
        <Card title="The job">
          <Facts job={job} />
        </Card>
      </div>
    </div>
  );
}

function Progress({ progress }: { progress: NonNullable<JobDetail["progress"]> }) {
  const { step, done, total } = progress;
  const words = done === null ? "" : total ? `${bytes(done)} of ${bytes(total)}` : bytes(done);
  return (
    <Card title={`${step.charAt(0).toUpperCase()}${step.slice(1).replaceAll("_", " ")}`}>
      {done !== null && total ? <Meter value={done} max={total} label={step} /> : null}
      <p role="status" className="mt-1 text-muted tabular-nums">
        {words}
      </p>
    </Card>
  );
}

function Facts({ job }: { job: JobDetail }) {
  const need = job.resource_requirements;
  const gpus = need.gpus && `${need.gpus.count} ${need.gpus.model ?? ""} ${need.gpus.count === 1 ? "GPU" : "GPUs"}`.replace(/ +/g, " ");
  const command = [...(job.command ?? []), ...job.args].map((word) => (/^[\w./:=@%+-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  const facts: [string, React.ReactNode][] = [
    ["Needs", [`${cores(need.cpu_millicores)} cores`, memory(need.memory_mb), gpus].filter(Boolean).join(", ") + (job.size.max > 1 ? `, for each of ${job.size.min === job.size.max ? job.size.min : `${job.size.min}–${job.size.max}`} replicas` : "")],
    ["Image", job.definition || "none: a process on the node"],
    ["Command", command ? <code key="command" className="font-mono text-xs break-all">{command}</code> : "the image's own"],
    ["Node", job.node_name ? <Link key="node" to="/nodes/$node" params={{ node: job.node_name }} className="text-accent hover:underline">{job.node_name}</Link> : "–"],
    ["Started", <Ago key="started" at={job.started_at} />],
    ["Lasted", <Lasting key="lasted" from={job.started_at} to={job.finished_at} />],
    ["Exit code", job.exit_code ?? "–"],
    ["Attempt", job.attempt === 0 ? "none yet" : `${job.attempt}${job.retries > 0 ? `, ${job.retries} after failures` : ""}`],
    ["Priority", job.priority],
    ["Time limit", job.time_limit_s ? duration(job.time_limit_s) : "none"],
  ];
  if (job.reason) facts.push(["Reason", <Badge key="reason">{job.reason.replaceAll("_", " ")}</Badge>]);
  const labels = Object.entries(job.labels);
  if (labels.length > 0) facts.push(["Labels", <span key="labels" className="flex flex-wrap gap-1">{labels.map(([key, value]) => <Badge key={key} className="max-w-full truncate">{key}={value}</Badge>)}</span>]);
  return (
    <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-x-3 gap-y-1.5">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
