/** The elements of an array: counts by state, and page after page of them by index. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { jobStateValues } from "@/api/schema.gen";
import { cn } from "@/ui/cn";
import { Empty, Notice, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { JobStateBadge } from "@/ui/job-state";
import { number } from "@/ui/quantities";
import { Lasting } from "@/ui/time";
import type { Counts, Job, JobState } from "./types";

const PAGE = 200;
const TONE: Record<JobState, string> = { queued: "bg-warn", starting: "bg-info", running: "bg-accent", succeeded: "bg-good", failed: "bg-bad", cancelled: "bg-muted" };

/** How far an array is, as one bar; its words for those who do not see it. */
export function ArrayBar({ counts, className }: { counts: Counts; className?: string }) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const words = jobStateValues.filter((state) => counts[state] > 0).map((state) => `${number(counts[state])} ${state}`);
  return (
    <span role="img" aria-label={words.join(", ")} title={words.join(", ")} className={cn("flex h-2 overflow-hidden rounded-full bg-raised", className)}>
      {(["succeeded", "failed", "cancelled", "running", "starting"] as const).map(
        (state) => counts[state] > 0 && <span key={state} className={TONE[state]} style={{ width: `${(counts[state] / total) * 100}%` }} />,
      )}
    </span>
  );
}

const COLUMNS: Column<Job>[] = [
  {
    id: "index",
    header: "Element",
    phone: "title",
    width: "8rem",
    cell: (job) =>
      job.attempt > 0 || job.job_status !== "queued" ? (
        <Link to="/jobs/$job" params={{ job: job.job_id }} className="text-accent hover:underline">
          [{job.array_index}]
        </Link>
      ) : (
        `[${job.array_index}]`
      ),
  },
  { id: "state", header: "State", width: "9rem", cell: (job) => <JobStateBadge state={job.job_status} /> },
  { id: "node", header: "Node", cell: (job) => job.node_name ?? "–" },
  { id: "exit", header: "Exit code", width: "6rem", align: "end", cell: (job) => job.exit_code ?? "–" },
  { id: "message", header: "How it ended", cell: (job) => job.message ?? "–", phone: "hide" },
  { id: "lasted", header: "Lasted", width: "7rem", align: "end", cell: (job) => <Lasting from={job.started_at} to={job.finished_at} /> },
];

export function Elements({ job }: { job: Job & { array: NonNullable<Job["array"]> } }) {
  const [state, setState] = useState<JobState | "">("");
  const elements = useInfiniteQuery({
    queryKey: ["jobs", "elements", job.job_id, state],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/training_jobs/{job}/elements", {
          params: { path: { job: job.job_id }, query: { limit: PAGE, ...(state ? { status: state } : {}), ...(pageParam ? { after: pageParam } : {}) } },
        }),
      ) as Promise<{ jobs: Job[]; next: string | null }>,
    getNextPageParam: (page) => page.next,
  });
  const rows = useMemo(() => elements.data?.pages.flatMap((page) => page.jobs) ?? [], [elements.data]);
  const { fetchNextPage, hasNextPage, isFetching } = elements;
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  return (
    <div className="flex flex-col gap-3">
      <ArrayBar counts={job.array.counts} className="h-3" />
      <div role="group" aria-label="State" className="flex flex-wrap gap-2">
        <Chip on={state === ""} onClick={() => setState("")}>
          All {number(job.array.size)}
        </Chip>
        {jobStateValues.map((each) => (
          <Chip key={each} on={state === each} onClick={() => setState(each)}>
            {each} {number(job.array.counts[each])}
          </Chip>
        ))}
      </div>
      {elements.error && <Notice tone="bad">{sentence(elements.error)}</Notice>}
      {elements.data ? <DataTable label="Elements" virtual rows={rows} columns={COLUMNS} rowId={(each) => String(each.array_index)} onEnd={more} empty={<Empty title="No element is in this state." />} /> : <Skeleton lines={6} />}
    </div>
  );
}

export function Chip({ on, onClick, children }: { on: boolean; onClick: () => void; children: React.ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onClick}
      className={cn("rounded-full border px-3 py-1 text-xs font-medium tabular-nums", on ? "border-accent bg-accent text-on-accent" : "border-line bg-surface text-muted hover:text-ink")}
    >
      {children}
    </button>
  );
}
