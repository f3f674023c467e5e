/**
 * A job's request: as the body that submits it again, and as a job file (`docs/reference/job-yaml.md`).
 *
 * What is as it would be by itself is left out, so that what somebody reads is what somebody chose.
 */
import { stringify } from "yaml";
import type { Job, SubmitJob } from "./types";

/** Where the page that submits looks for what to begin with. */
export const DRAFT = "lilac.draft";

/** The body of the submission that made this job. */
export function bodyOf(job: Job): SubmitJob {
  const body: Record<string, unknown> = {
    name: job.job_name.replace(/\[\d+\]$/, ""),
    definition: job.definition,
    queue_id: job.queue_name ?? job.queue_id,
    runtime: job.runtime,
    resource_requirements: job.resource_requirements,
    command: job.command,
    args: job.args,
    env: job.env ?? {},
    working_dir: job.working_dir,
    kind: job.kind,
    size: job.size,
    priority: job.priority,
    time_limit_s: job.time_limit_s,
    grace_s: job.grace_s,
    stop_signal: job.stop_signal,
    ports: job.ports,
    exclusive: job.exclusive,
    secrets: job.secrets,
    volumes: job.volumes,
    max_retries: job.max_retries,
    node_selector: job.node_selector,
    labels: job.labels,
    preemptible: job.preemptible,
    after: job.after,
  };
  const retries = { ...job.retries_allowed };
  if (retries.node_lost === job.max_retries) delete retries.node_lost;
  if (Object.values(retries).some((count) => count > 0)) body.retries = job.retries_allowed;
  if (job.array) body.array = job.array.indices + (job.array.running_limit ? `%${job.array.running_limit}` : "");
  return body as SubmitJob;
}

const bare = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === "" ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === "object" && value !== null && Object.keys(value).length === 0);

function trimmed(table: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => !bare(value)));
}

/** The job file of a request. */
export function jobFile(body: SubmitJob): string {
  const need = body.resource_requirements;
  const gpus = need.gpus && (need.gpus.model || need.gpus.memory_gb ? trimmed({ count: need.gpus.count, model: need.gpus.model, memory: need.gpus.memory_gb && `${need.gpus.memory_gb}GB` }) : need.gpus.count);
  const size = body.size ?? { min: 1, max: 1 };
  const most = size.max ?? size.min ?? 1;
  const least = size.min ?? 1;
  const file = trimmed({
    name: body.name,
    image: body.definition,
    runtime: body.runtime === "docker" ? undefined : body.runtime,
    queue: body.queue_id,
    command: body.command ?? undefined,
    args: body.args,
    resources: trimmed({ cpu: cpu(need.cpu_millicores), memory: memory(need.memory_mb), gpus }),
    size: least === 1 && most === 1 ? undefined : least === most ? least : `${least}:${most}`,
    env: body.env,
    secrets: body.secrets?.map(trimmed),
    volumes: body.volumes?.map(trimmed),
    ports: body.ports?.map((port) => trimmed({ ...port, protocol: port.protocol === "tcp" ? undefined : port.protocol })),
    working_dir: body.working_dir,
    time_limit: body.time_limit_s,
    grace: body.grace_s === 30 ? undefined : body.grace_s,
    stop_signal: body.stop_signal === "SIGTERM" ? undefined : body.stop_signal,
    priority: body.priority || undefined,
    retries: body.retries ? trimmed({ ...body.retries }) : body.max_retries === 3 ? undefined : body.max_retries,
    array: body.array,
    after: body.after?.map((each) => (each.condition && each.condition !== "success" ? `${each.job_id}:${each.condition}` : each.job_id)),
    labels: body.labels,
    node_selector: body.node_selector,
    exclusive: body.exclusive,
    preemptible: body.preemptible,
    strict: body.strict,
  });
  // zero is a choice, not a default
  if (body.max_retries === 0 && !body.retries) file.retries = 0;
  return stringify(file, { lineWidth: 0 });
}

function cpu(millicores: number): string | number {
  return millicores % 1000 === 0 ? millicores / 1000 : `${millicores}m`;
}

function memory(mib: number): string {
  return mib % 1024 === 0 && mib > 0 ? `${mib / 1024}GiB` : `${mib}MiB`;
}

/** The request with a change in the words in which the platform proposes one; null if a word is not known here. */
export function changed(body: SubmitJob, words: string): SubmitJob | null {
  const next = structuredClone(body);
  const need = next.resource_requirements;
  for (const word of words.split(", ")) {
    const [, flag, value] = /^--([a-z-]+) (\d+)$/.exec(word) ?? [];
    const amount = Number(value);
    if (flag === "cpu") need.cpu_millicores = amount;
    else if (flag === "memory") need.memory_mb = amount;
    else if (flag === "gpu-count" && need.gpus) need.gpus.count = amount;
    else if (flag === "time-limit") next.time_limit_s = amount;
    else if (flag === "size") next.size = { min: amount, max: next.kind === "elastic" ? (next.size?.max ?? amount) : amount };
    else if (word === "no GPUs") need.gpus = null;
    else if (word === "drop --gpu-model" && need.gpus) need.gpus.model = null;
    else if (word === "drop --gpu-memory" && need.gpus) need.gpus.memory_gb = null;
    else if (word === "drop --node-selector") next.node_selector = {};
    else return null;
  }
  return next;
}

/** Leave a request to the page that submits. */
export function leaveDraft(body: SubmitJob): void {
  sessionStorage.setItem(DRAFT, JSON.stringify(body));
}
