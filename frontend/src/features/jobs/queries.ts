/** What the pages of jobs ask the API. The first words of the keys are those by which events make answers stale. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";

const path = (job: string) => ({ params: { path: { job } } });

export const jobQuery = (job: string) =>
  queryOptions({ queryKey: ["job", job, "detail"], queryFn: () => data(api.GET("/training_jobs/{job}", path(job))) });

export const explainQuery = (job: string) =>
  queryOptions({
    queryKey: ["job", job, "explain"],
    queryFn: () => data(api.GET("/training_jobs/{job}/explain", path(job))),
    // who is ahead and what is free changes by others' events
    refetchInterval: 15_000,
  });

export interface JobEvent {
  seq: number;
  at: string;
  kind: string;
  actor: string;
  data: Record<string, unknown>;
}

export const jobEventsQuery = (job: string) =>
  queryOptions({
    queryKey: ["job", job, "events"],
    queryFn: async () => ((await data(api.GET("/training_jobs/{job}/events", path(job)))) as { events: JobEvent[] }).events,
  });
