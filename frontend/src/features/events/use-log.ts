/**
 * The log of a filter, newest first: pages read backwards by number, and in front of them what the stream tells.
 *
 * New events come to the top at once while the reader is there; further down they are counted and wait, so that nothing
 * moves under the reader's eyes.
 */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { api, data } from "@/api/client";
import type { PlatformEvent } from "@/api/stream";
import { useEvents } from "@/app/live";
import { matches, queryOf } from "./filter";
import { readEvents } from "./read";
import type { EventSearch } from "./search";

const PAGE = 100;
const NEAR_TOP_PX = 120;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function useLog(search: EventSearch) {
  const jobId = useQuery({
    queryKey: ["job", search.job, "id"],
    enabled: search.job !== undefined && !UUID.test(search.job),
    retry: false,
    queryFn: async () => ((await data(api.GET("/training_jobs/{job}", { params: { path: { job: search.job ?? "" } } }))) as { job_id: string }).job_id,
  });
  const job = search.job === undefined ? null : UUID.test(search.job) ? search.job : (jobId.data ?? undefined);
  const query = useMemo(() => queryOf(search, job ?? null), [search, job]);
  const name = JSON.stringify(query);
  const pages = useInfiniteQuery({
    queryKey: ["log", name],
    enabled: job !== undefined,
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam }) => (await readEvents(query, PAGE, pageParam)).toReversed(),
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.seq),
  });

  const [heard, setHeard] = useState<{ of: string; shown: PlatformEvent[]; held: PlatformEvent[] }>({ of: name, shown: [], held: [] });
  const hear = useCallback(
    (event: PlatformEvent) => {
      if (!matches(event, query)) return;
      const top = window.scrollY < NEAR_TOP_PX;
      setHeard((before) => {
        const { shown, held } = before.of === name ? before : { shown: [], held: [] };
        return top ? { of: name, shown: [event, ...held, ...shown], held: [] } : { of: name, shown, held: [event, ...held] };
      });
    },
    [query, name],
  );
  useEvents(hear);
  const show = useCallback(() => setHeard(({ of, shown, held }) => ({ of, shown: [...held, ...shown], held: [] })), []);

  const read = pages.data?.pages;
  const fresh = heard.of === name ? heard.shown : NONE;
  const events = useMemo(() => {
    const known = new Set<number>();
    return [...fresh, ...(read ?? []).flat()].filter((event) => !known.has(event.seq) && known.add(event.seq)).toSorted((a, b) => b.seq - a.seq);
  }, [fresh, read]);
  return { events, pages, query, waiting: heard.of === name ? heard.held.length : 0, show, problem: jobId.error ?? pages.error, ready: job !== undefined };
}

const NONE: PlatformEvent[] = [];
