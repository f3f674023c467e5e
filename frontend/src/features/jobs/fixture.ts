/** Jobs for tests. */
import type { Job, JobDetail } from "./types";

export function aJob(more: Partial<JobDetail> = {}): JobDetail {
  return {
    job_id: "11111111-0000-4000-8000-000000000001",
    job_name: "train",
    job_status: "running",
    queue_id: "22222222-0000-4000-8000-000000000001",
    queue_name: "default",
    owner: "ada",
    resource_requirements: { cpu_millicores: 1500, memory_mb: 2048, gpus: null },
    created_at: "2026-11-30T10:00:00Z",
    started_at: "2026-11-30T10:00:02Z",
    finished_at: null,
    node_id: "33333333-0000-4000-8000-000000000001",
    node_name: "node-1",
    kind: "batch",
    runtime: "process",
    definition: "",
    command: ["python", "train.py"],
    args: [],
    env: {},
    secrets: [],
    volumes: [],
    ports: [],
    working_dir: null,
    size: { min: 1, max: 1 },
    priority: 0,
    time_limit_s: null,
    grace_s: 30,
    stop_signal: "SIGTERM",
    exclusive: false,
    preemptible: false,
    max_retries: 3,
    retries_allowed: { node_lost: 3, image: 0, out_of_memory: 0, error: 0 },
    after: [],
    retry_of: null,
    array: null,
    array_id: null,
    array_index: null,
    node_selector: {},
    labels: {},
    attempt: 1,
    retries: 0,
    exit_code: null,
    reason: null,
    message: null,
    progress: null,
    waterfall: { submitted: 1000, assigned: 1000.02, received: 1000.03, started: 1000.1 },
    waiting: null,
    attempts: [],
    ...more,
  };
}

export function jobs(count: number, more: (n: number) => Partial<Job> = () => ({})): Job[] {
  return Array.from({ length: count }, (_, n) => aJob({ job_id: `job-${n}`, job_name: `job-${n}`, ...more(n) } as Partial<JobDetail>));
}
