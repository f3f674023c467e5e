/** The list of jobs that match, as far as the reader has come, kept fresh by events. `list.ts` says how. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { type JobsSearch, WITHIN, filtersOf } from "./addresses";
import { begun, continued, type Listed, NOTHING, type Page, refreshed, shown, updated } from "./list";
import type { Counts, ListedJob } from "./types";

export const PAGE = 100;

/** The filters in the API's words. */
export function queryOf(search: JobsSearch, now: number): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  if (search.status) query.status = search.status;
  if (search.queue) query.queue_id = search.queue;
  if (search.owner) query.owner = search.owner;
  if (search.label) query.label = search.label.split(",");
  if (search.q) query.q = search.q;
  if (search.kind) query.kind = search.kind;
  if (search.node) query.node = search.node;
  const within = search.within && WITHIN[search.within];
  if (within) query.since = new Date(now - within * 1000).toISOString();
  return query;
}

const read = (query: Record<string, unknown>) => data(api.GET("/training_jobs", { params: { query: { waiting: true, ...query } } }));

export interface Jobs {
  list: Listed;
  loading: boolean;
  problem: string | null;
  counts: Counts | undefined;
  /** Bring the next page. */
  more: () => void;
  /** Put on top what was held back. */
  showNew: () => void;
  /** Tell which rows are in sight. */
  look: (first: number, last: number) => void;
}

/** `hold` says whether somebody reads just now, so that nothing may move. */
export function useJobs(search: JobsSearch, hold: () => boolean): Jobs {
  const filters = filtersOf(search);
  const key = JSON.stringify(filters);
  // what was submitted lately is reckoned from when it is asked
  const query = useCallback(() => queryOf(JSON.parse(key) as JobsSearch, Date.now()), [key]);
  const head = useQuery({ queryKey: ["jobs", "list", key], queryFn: () => read({ ...query(), limit: PAGE }) });
  const { status: _status, ...ofAnyState } = filters;
  const summary = useQuery({
    queryKey: ["jobs", "summary", ofAnyState],
    queryFn: async () => (await data(api.GET("/training_jobs/summary", { params: { query: queryOf(ofAnyState, Date.now()) } }))).counts,
    placeholderData: (before) => before,
  });

  const [state, setState] = useState<{ key: string; page: Page | undefined; list: Listed }>({ key, page: undefined, list: NOTHING });
  if (state.key !== key || (head.data && state.page !== head.data)) {
    // another filter begins anew; a first page that was read again is worked in
    const begin = state.key !== key || !state.page;
    const list = !head.data ? NOTHING : begin ? begun(head.data) : refreshed(state.list, head.data, hold());
    setState({ key, page: head.data, list });
  }
  const { list } = state;
  const change = useCallback((by: (list: Listed) => Listed) => setState((now) => (now.key === key ? { ...now, list: by(now.list) } : now)), [key]);

  const [problem, setProblem] = useState<string | null>(null);
  const reading = useRef(false);
  const { next } = list;
  const more = useCallback(() => {
    if (!next || reading.current) return;
    reading.current = true;
    read({ ...query(), limit: PAGE, after: next })
      .then((page) => {
        change((now) => (now.next === next ? continued(now, page) : now));
        setProblem(null);
      })
      .catch((error: unknown) => setProblem(sentence(error)))
      .finally(() => (reading.current = false));
  }, [query, next, change]);

  // rows in sight that the first page does not tell of
  const [sight, setSight] = useState<readonly string[]>([]);
  const look = useCallback(
    (first: number, last: number) => {
      const ids = list.rows.slice(Math.max(first, 0), last + 1).map((job) => job.job_id);
      const told = new Set(state.page?.jobs.map((job) => job.job_id));
      const missing = ids.filter((id) => !told.has(id)).slice(0, PAGE);
      setSight((before) => (before.join() === missing.join() ? before : missing));
    },
    [list.rows, state.page],
  );
  const seen = useQuery({
    queryKey: ["jobs", "sight", sight],
    queryFn: () => read({ id: sight.join(","), limit: PAGE }),
    enabled: sight.length > 0,
    staleTime: 5_000,
    gcTime: 10_000,
  });
  useEffect(() => {
    const jobs: readonly ListedJob[] | undefined = seen.data?.jobs;
    // the list outlives each of these readings, so it takes them in
    // oxlint-disable-next-line react/set-state-in-effect
    if (jobs) change((now) => updated(now, jobs));
  }, [seen.data, change]);

  return {
    list,
    loading: !state.page && !head.error,
    problem: head.error ? sentence(head.error) : problem,
    counts: summary.data,
    more,
    showNew: useCallback(() => change(shown), [change]),
    look,
  };
}
