/** The numbers of now, each leading to the jobs that it counts. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleDashed, CirclePlay, CircleX } from "lucide-react";
import { api, data } from "@/api/client";
import { cn } from "@/ui/cn";
import { number } from "@/ui/quantities";

interface Counts {
  queued: number;
  starting: number;
  running: number;
  failed: number;
}

const DAY_S = 86_400;

const countsQuery = {
  queryKey: ["jobs", "counts"],
  queryFn: async (): Promise<{ now: Counts; failedToday: number }> => {
    const since = new Date(Date.now() - DAY_S * 1000).toISOString();
    const [now, today] = await Promise.all([
      data(api.GET("/training_jobs/summary")),
      data(api.GET("/training_jobs/summary", { params: { query: { since, status: "failed" } } })),
    ]);
    return { now: (now as { counts: Counts }).counts, failedToday: (today as { counts: Counts }).counts.failed };
  },
};

export function Counters() {
  const { data: counts } = useQuery(countsQuery);
  const running = counts && counts.now.running + counts.now.starting;
  return (
    <ul aria-label="Jobs now" className="grid grid-cols-3 gap-3 sm:gap-4">
      <Counter label="running" status="running,starting" value={running} icon={CirclePlay} tone="text-info" />
      <Counter label="waiting" status="queued" value={counts?.now.queued} icon={CircleDashed} tone="text-warn" />
      <Counter label="failed" status="failed" value={counts?.now.failed} icon={CircleX} tone="text-bad" more={counts && `${number(counts.failedToday)} submitted in the last 24 h`} />
    </ul>
  );
}

interface CounterProps {
  label: string;
  status: string;
  value: number | undefined;
  icon: typeof CirclePlay;
  tone: string;
  more?: string | undefined;
}

function Counter({ label, status, value, icon: Icon, tone, more }: CounterProps) {
  return (
    <li>
      <Link to="/jobs" search={{ status } as never} className="flex h-full flex-col rounded-xl border border-line bg-surface p-3 hover:bg-raised sm:p-4">
        <span className="text-2xl font-semibold tabular-nums sm:text-3xl">{value === undefined ? "–" : number(value)}</span>
        <span className="flex items-center gap-1.5">
          <Icon aria-hidden className={cn("size-4", value ? tone : "text-muted")} /> {label}
        </span>
        {more && <span className="mt-0.5 text-xs text-muted">{more}</span>}
      </Link>
    </li>
  );
}
