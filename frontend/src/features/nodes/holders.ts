/** The live jobs: what they are called and whose they are. Members see only their own. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "@/api/client";

export interface JobBrief {
  job_id: string;
  job_name: string;
  job_status: string;
  owner: string | null;
  queue_name: string | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  message: string | null;
}

const PAGE = 1000;
const MOST_PAGES = 10;

async function liveJobs(): Promise<JobBrief[]> {
  const found: JobBrief[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = { status: "starting,running", limit: PAGE, ...(after ? { after } : {}) };
    const reply = (await data(api.GET("/training_jobs", { params: { query } }))) as { jobs: JobBrief[]; next: string | null };
    found.push(...reply.jobs);
    if (!reply.next) break;
    after = reply.next;
  }
  return found;
}

export const liveJobsQuery = { queryKey: ["jobs", "live"], queryFn: liveJobs };

/** The live jobs by id. */
export function useHolders(): ReadonlyMap<string, JobBrief> {
  const { data: jobs } = useQuery(liveJobsQuery);
  return useMemo(() => new Map(jobs?.map((job) => [job.job_id, job])), [jobs]);
}
