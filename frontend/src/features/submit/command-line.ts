/** The command that submits the same job: `lilac submit` with flags, or with the file where flags cannot say it all. */
import { writeSeconds } from "@/ui/amounts";
import { type Body, writeSize } from "./form";
import { joinWords, quote } from "./words";

export const BY_FILE = "lilac submit -f job.yaml";

/** Whether flags can say all of it; port names, secrets in files and odd paths need the file. */
export function flagsSuffice(body: Body): boolean {
  return !(
    body.ports?.some((port) => port.name) ||
    body.secrets?.some((secret) => secret.file) ||
    body.volumes?.some((volume) => /:/.test(volume.path + (volume.host_path ?? volume.name ?? "")))
  );
}

/** The command, quoted for a POSIX shell, one flag on each line. `queue` is the queue's name. */
export function commandLine(body: Body, queue: string): string {
  if (!flagsSuffice(body)) return BY_FILE;
  const needs = body.resource_requirements;
  const flags: string[] = [];
  const flag = (name: string, value: string | number | null | undefined) => {
    if (value !== null && value !== undefined && value !== "") flags.push(`${name} ${quote(String(value))}`);
  };
  flag("--name", body.name);
  flag("--image", body.definition);
  flag("--queue", queue);
  flag("--cpu", needs.cpu_millicores);
  flag("--memory", needs.memory_mb);
  flag("--gpu-count", needs.gpus?.count);
  flag("--gpu-model", needs.gpus?.model);
  flag("--gpu-memory", needs.gpus?.memory_gb);
  flag("--runtime", body.runtime);
  if (body.size) flag("--size", writeSize(body.size.min ?? 1, body.size.max ?? body.size.min ?? 1));
  flag("--array", body.array);
  for (const each of body.after ?? []) flag("--after", each.condition && each.condition !== "success" ? `${each.job_id}:${each.condition}` : afterJob(each.job_id));
  if (body.time_limit_s) flag("--time-limit", writeSeconds(body.time_limit_s));
  if (body.grace_s !== undefined) flag("--grace", writeSeconds(body.grace_s));
  flag("--stop-signal", body.stop_signal);
  flag("--priority", body.priority);
  flag("--retries", body.retries ? Object.entries(body.retries).flatMap(([name, count]) => (count == null ? [] : [`${name}=${count}`])).join(",") : body.max_retries);
  flag("--workdir", body.working_dir);
  for (const [name, value] of Object.entries(body.env ?? {})) flag("-e", `${name}=${value}`);
  for (const each of body.secrets ?? []) flag("--secret", each.env && each.env !== each.name ? `${each.name}=${each.env}` : each.name);
  for (const each of body.volumes ?? []) flag("--volume", `${each.host_path ?? each.name ?? ""}:${each.path}${each.read_only ? ":ro" : ""}`);
  for (const each of body.ports ?? []) flag("--port", each.protocol === "udp" ? `${each.port}/udp` : each.port);
  for (const [name, value] of Object.entries(body.labels ?? {})) flag("--label", `${name}=${value}`);
  for (const [name, value] of Object.entries(body.node_selector ?? {})) flag("--node-selector", `${name}=${value}`);
  for (const name of ["exclusive", "preemptible", "strict"] as const) if (body[name]) flags.push(`--${name}`);
  for (const word of body.args ?? []) flags.push(`--arg=${quote(word)}`);
  const [shell, option, line] = body.command ?? [];
  if (shell === "sh" && option === "-c" && line !== undefined && body.command?.length === 3) flags.push(`--command=${quote(line)}`);
  else if (body.command?.length) flags.push(`-- ${joinWords(body.command)}`);
  return ["lilac submit --non-interactive", ...flags].join(" \\\n  ");
}

/** A name that ends like a condition needs its own. */
function afterJob(job: string): string {
  return job.includes(":") ? `${job}:success` : job;
}
