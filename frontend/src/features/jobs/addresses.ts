/** What the pages of jobs keep in their addresses. What makes no sense is left out. */
import { jobKindValues, jobStateValues } from "@/api/schema.gen";
import type { JobState } from "./types";

export const JOB_TABS = ["overview", "elements", "logs", "attempts", "usage", "events", "request"] as const;

export interface JobSearch {
  tab?: (typeof JOB_TABS)[number] | undefined;
  attempt?: number | undefined;
  rank?: number | undefined;
}

export function jobSearch(search: Record<string, unknown>): JobSearch {
  return {
    tab: JOB_TABS.find((tab) => tab === search.tab),
    attempt: whole(search.attempt, 1),
    rank: whole(search.rank, 0),
  };
}

export interface JobsSearch {
  /** States with commas between. */
  status?: string | undefined;
  queue?: string | undefined;
  /** A user's name, or `me`. */
  owner?: string | undefined;
  /** `key=value` with commas between. */
  label?: string | undefined;
  q?: string | undefined;
  kind?: (typeof jobKindValues)[number] | undefined;
  node?: string | undefined;
  /** Submitted within so long: `1h`, `24h`, `7d`, `30d`. */
  within?: string | undefined;
  /** Columns shown, with commas between; left out: the usual ones. */
  columns?: string | undefined;
}

export const WITHIN: Record<string, number> = { "1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400 };

export function jobsSearch(search: Record<string, unknown>): JobsSearch {
  const states = text(search.status)?.split(",").filter((state) => (jobStateValues as readonly string[]).includes(state));
  const within = text(search.within);
  return {
    status: states?.join(",") || undefined,
    queue: text(search.queue),
    owner: text(search.owner),
    label: text(search.label),
    q: text(search.q),
    kind: jobKindValues.find((kind) => kind === search.kind),
    node: text(search.node),
    within: within && within in WITHIN ? within : undefined,
    columns: text(search.columns),
  };
}

/** The filters that are set: all of the address but the choice of columns. */
export function filtersOf({ columns: _columns, ...search }: JobsSearch): Omit<JobsSearch, "columns"> {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
}

export function statesOf(search: JobsSearch): JobState[] {
  return (search.status?.split(",") ?? []) as JobState[];
}

function text(value: unknown): string | undefined {
  // the router reads numbers out of addresses: a job may be named 42
  return (typeof value === "string" && value !== "") || typeof value === "number" ? String(value) : undefined;
}

function whole(value: unknown, least: number): number | undefined {
  return Number.isInteger(value) && (value as number) >= least ? (value as number) : undefined;
}
