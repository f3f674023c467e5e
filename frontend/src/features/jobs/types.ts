/** Jobs as the API tells them. */
import type { components } from "@/api/schema.gen";

export type JobState = components["schemas"]["JobState"];
export type SubmitJob = components["schemas"]["SubmitJob"];
export type Counts = Record<JobState, number>;

export interface Resources {
  cpu_millicores: number;
  memory_mb: number;
  gpus: { count: number; model: string | null; memory_gb: number | null } | null;
}

/** A job, an element of an array, or (with `array`) an array. */
export interface Job {
  job_id: string;
  job_name: string;
  job_status: JobState;
  queue_id: string;
  queue_name: string | null;
  owner: string | null;
  resource_requirements: Resources;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  node_id: string | null;
  node_name: string | null;
  kind: "batch" | "elastic" | "pod";
  runtime: "docker" | "process";
  definition: string;
  command: string[] | null;
  args: string[];
  env: Record<string, string> | null;
  secrets: { name: string; env: string | null; file: string | null }[];
  volumes: { name: string | null; host_path: string | null; path: string; read_only: boolean }[];
  ports: { port: number; name: string; protocol: string }[];
  working_dir: string | null;
  size: { min: number; max: number };
  priority: number;
  time_limit_s: number | null;
  grace_s: number;
  stop_signal: string;
  exclusive: boolean;
  preemptible: boolean;
  max_retries: number;
  retries_allowed: Record<string, number>;
  after: { job_id: string; condition: "success" | "any" | "failure" }[];
  retry_of: string | null;
  array: { indices: string; size: number; running_limit: number | null; counts: Counts } | null;
  array_id: string | null;
  array_index: number | null;
  node_selector: Record<string, string>;
  labels: Record<string, string>;
  attempt: number;
  retries: number;
  exit_code: number | null;
  reason: string | null;
  message: string | null;
  progress: { step: string; done: number | null; total: number | null } | null;
  waterfall: Record<string, number>;
}

export interface Replica {
  rank: number;
  node_id: string;
  node_name: string | null;
  state: string;
  gpu_uuids: string[];
  exit_code: number | null;
  reason: string | null;
  message: string | null;
  started_at: string | null;
  finished_at: string | null;
  log_bytes: number;
  ports: Record<string, { address: string }>;
  usage: { cpu_millicores_mean: number; cpu_millicores_max: number; memory_mb_max: number } | null;
}

export interface Attempt {
  number: number;
  state: string;
  size: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  reason: string | null;
  message: string | null;
  replicas: Replica[];
}

export interface JobDetail extends Job {
  waiting: { code: string; message: string; expected_start: string | null; smallest_change: string | null } | null;
  attempts: Attempt[];
}

export interface Explanation {
  code: string;
  message: string;
  position: number | null;
  jobs_ahead: number;
  expected_start: string | null;
  expected_start_note: string | null;
  best_node: string | null;
  holders: { job_id: string; job_name: string | null; node_name: string | null; ends_at: string | null }[];
  nodes: { node_name: string; fits: boolean; unsuitable: string | null; shortages: { dimension: string; needed: number; free: number }[] }[];
  smallest_change: { text: string } | null;
}

export const ENDED: readonly string[] = ["succeeded", "failed", "cancelled"];

export function isOpen(job: { job_status: string }): boolean {
  return !ENDED.includes(job.job_status);
}
