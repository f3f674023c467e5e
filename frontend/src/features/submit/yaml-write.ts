/** A job as the YAML of a job file (docs/reference/job-yaml.md). What has its default is left out. */
import { stringify } from "yaml";
import { writeCores, writeMemory, writeSeconds } from "@/ui/amounts";
import { type Body, writeSize } from "./form";

/** The text of the file; `queue` is the queue's name. */
export function yamlOf(body: Body, queue: string): string {
  const needs = body.resource_requirements;
  const cpu = writeCores(needs.cpu_millicores);
  const [shell, option, line] = body.command ?? [];
  const isLine = shell === "sh" && option === "-c" && line !== undefined && body.command?.length === 3;
  const keys: Record<string, unknown> = {
    name: body.name,
    image: body.definition || undefined,
    command: isLine ? line : (body.command ?? undefined),
    args: body.args,
    queue,
    resources: { cpu: /^\d+$/.test(cpu) ? Number(cpu) : cpu, memory: writeMemory(needs.memory_mb), ...(needs.gpus ? { gpus: gpus(needs.gpus) } : {}) },
    size: body.size && size(body.size),
    env: body.env,
    secrets: body.secrets?.map((each) => (each.file ? { name: each.name, file: each.file } : each.env === each.name ? each.name : `${each.name}=${each.env}`)),
    volumes: body.volumes?.map(volume),
    ports: body.ports?.map((each) => (each.name ? { port: each.port, name: each.name, ...(each.protocol ? { protocol: each.protocol } : {}) } : each.protocol === "udp" ? `${each.port}/udp` : each.port)),
    working_dir: body.working_dir ?? undefined,
    runtime: body.runtime,
    time_limit: body.time_limit_s ? writeSeconds(body.time_limit_s) : undefined,
    grace: body.grace_s === undefined ? undefined : writeSeconds(body.grace_s),
    stop_signal: body.stop_signal,
    priority: body.priority,
    retries: body.retries ?? body.max_retries,
    array: body.array ?? undefined,
    after: body.after?.map((each) => {
      const plain = (each.condition ?? "success") === "success";
      return plain && !each.job_id.includes(":") ? each.job_id : `${each.job_id}:${each.condition ?? "success"}`;
    }),
    labels: body.labels,
    node_selector: body.node_selector,
    exclusive: body.exclusive,
    preemptible: body.preemptible,
    strict: body.strict,
  };
  return stringify(Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)), { lineWidth: 100 });
}

function gpus(wanted: NonNullable<Body["resource_requirements"]["gpus"]>): unknown {
  if (!wanted.model && !wanted.memory_gb) return wanted.count;
  return { count: wanted.count, ...(wanted.model ? { model: wanted.model } : {}), ...(wanted.memory_gb ? { memory: wanted.memory_gb } : {}) };
}

function size(wanted: NonNullable<Body["size"]>): unknown {
  const min = wanted.min ?? 1;
  const max = wanted.max ?? min;
  return min === max ? min : writeSize(min, max);
}

function volume(wanted: NonNullable<Body["volumes"]>[number]): unknown {
  const simple = wanted.name && !/[:\s]/.test(wanted.name) && /^\/[^:]*$/.test(wanted.path);
  if (simple) return `${wanted.name}:${wanted.path}${wanted.read_only ? ":ro" : ""}`;
  return {
    ...(wanted.host_path ? { host_path: wanted.host_path } : { name: wanted.name }),
    path: wanted.path,
    ...(wanted.read_only ? { read_only: true } : {}),
  };
}
