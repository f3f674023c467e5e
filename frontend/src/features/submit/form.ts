/**
 * The submit form as texts, and its two ways: to the body of `POST /training_jobs`, and back from one.
 *
 * `bodyOf(formOf(body))` is the same job; what has its default is left out of a body.
 */
import { readCores, readMemory, readSeconds, readWhole, writeCores, writeMemory, writeSeconds } from "@/ui/amounts";
import type { components } from "@/api/schema.gen";
import { joinWords, splitWords } from "./words";

export type Body = components["schemas"]["SubmitJob"];

export type Pair = readonly [key: string, value: string];
export interface SecretRow {
  name: string;
  as: "env" | "file";
  target: string;
}
export interface VolumeRow {
  source: string;
  path: string;
  readOnly: boolean;
}
export interface PortRow {
  port: string;
  protocol: string;
  name: string;
}

export interface JobForm {
  name: string;
  queue: string;
  runtime: "docker" | "process";
  image: string;
  commandAs: "line" | "words";
  command: string;
  args: string;
  workingDir: string;
  cpu: string;
  memory: string;
  gpuCount: string;
  gpuModel: string;
  gpuMemory: string;
  size: string;
  array: string;
  timeLimit: string;
  grace: string;
  stopSignal: string;
  priority: string;
  retries: { node_lost: string; image: string; out_of_memory: string; error: string };
  env: Pair[];
  labels: Pair[];
  nodeSelector: Pair[];
  after: Pair[];
  secrets: SecretRow[];
  volumes: VolumeRow[];
  ports: PortRow[];
  exclusive: boolean;
  preemptible: boolean;
  strict: boolean;
}

export type FormField = keyof JobForm;
export type FormErrors = Partial<Record<FormField, string>>;

export const EMPTY: JobForm = {
  name: "",
  queue: "",
  runtime: "docker",
  image: "",
  commandAs: "line",
  command: "",
  args: "",
  workingDir: "",
  cpu: "1",
  memory: "1GiB",
  gpuCount: "",
  gpuModel: "",
  gpuMemory: "",
  size: "1",
  array: "",
  timeLimit: "",
  grace: "",
  stopSignal: "SIGTERM",
  priority: "",
  retries: { node_lost: "", image: "", out_of_memory: "", error: "" },
  env: [],
  labels: [],
  nodeSelector: [],
  after: [],
  secrets: [],
  volumes: [],
  ports: [],
  exclusive: false,
  preemptible: false,
  strict: false,
};

const RETRIES = ["image", "out_of_memory", "error"] as const;
const DEFAULT_RETRIES = 3;
const DEFAULT_GRACE_S = 30;

/** The body that the form stands for, and what of it cannot be read. Whether the job makes sense the server says. */
export function bodyOf(form: JobForm): { body: Body; errors: FormErrors } {
  const errors: FormErrors = {};
  const read = <T>(field: FormField, text: string, reader: (text: string) => T | null, sentence: string): T | null => {
    if (text.trim() === "") return null;
    const found = reader(text);
    if (found === null) errors[field] = sentence;
    return found;
  };
  const words = (field: FormField, text: string) => read(field, text, splitWords, "A quote is not closed.");

  const count = read("gpuCount", form.gpuCount, (text) => readWhole(text), "A whole number of GPUs.");
  const gpuMemory = read("gpuMemory", form.gpuMemory, (text) => readMemory(text, "g"), "An amount such as 40 (GB).");
  const body: Body = {
    name: form.name.trim(),
    definition: form.image.trim(),
    queue_id: form.queue,
    resource_requirements: {
      cpu_millicores: read("cpu", form.cpu, readCores, "Cores such as 2 or 0.5, or 1500m.") ?? 0,
      memory_mb: read("memory", form.memory, (text) => readMemory(text), "An amount such as 4GiB, 512MiB or 4096 (MB).") ?? 0,
    },
  };
  if (count) {
    const gpus: NonNullable<Body["resource_requirements"]["gpus"]> = { count };
    if (form.gpuModel.trim()) gpus.model = form.gpuModel.trim();
    if (gpuMemory) gpus.memory_gb = Math.ceil(gpuMemory / 1024);
    body.resource_requirements.gpus = gpus;
  }
  if (form.runtime !== "docker") body.runtime = form.runtime;
  const command = form.commandAs === "line" ? (form.command.trim() ? ["sh", "-c", form.command] : null) : words("command", form.command);
  if (command?.length) body.command = command;
  const args = words("args", form.args);
  if (args?.length) body.args = args;
  if (form.workingDir.trim()) body.working_dir = form.workingDir.trim();
  const size = read("size", form.size, readSize, "A number of replicas, or a range such as 2:8.");
  if (size && (size.min !== 1 || size.max !== 1)) {
    body.size = size;
    if (size.min !== size.max) body.kind = "elastic";
  }
  if (form.array.trim()) body.array = form.array.trim();
  const limit = read("timeLimit", form.timeLimit, readSeconds, "A length of time such as 90s, 10m or 2h.");
  if (limit) body.time_limit_s = limit;
  const grace = read("grace", form.grace, readSeconds, "A length of time such as 30s or 2m.");
  if (grace !== null && grace !== DEFAULT_GRACE_S) body.grace_s = grace;
  if (form.stopSignal !== "SIGTERM") body.stop_signal = form.stopSignal;
  const priority = read("priority", form.priority, (text) => readWhole(text, -(2 ** 31) + 1), "A whole number, such as 10.");
  if (priority) body.priority = priority;
  const lost = read("retries", form.retries.node_lost, (text) => readWhole(text, 0, 1000), "Retries are whole numbers up to 1000.");
  const classes: Record<string, number> = {};
  for (const name of RETRIES) {
    const found = read("retries", form.retries[name], (text) => readWhole(text, 0, 1000), "Retries are whole numbers up to 1000.");
    if (found) classes[name] = found;
  }
  if (Object.keys(classes).length > 0) body.retries = { ...(lost !== null && lost !== DEFAULT_RETRIES ? { node_lost: lost } : {}), ...classes };
  else if (lost !== null && lost !== DEFAULT_RETRIES) body.max_retries = lost;
  for (const [field, key] of [["env", "env"], ["labels", "labels"], ["nodeSelector", "node_selector"]] as const) {
    const pairs = form[field].filter(([name, value]) => name !== "" || value !== "");
    if (pairs.some(([name]) => name === "")) errors[field] = "Each value needs a name before it.";
    if (new Set(pairs.map(([name]) => name)).size < pairs.length) errors[field] = "A name is there twice.";
    if (pairs.length > 0) body[key] = Object.fromEntries(pairs);
  }
  const after = form.after.filter(([job]) => job.trim() !== "");
  if (after.length > 0) body.after = after.map(([job, condition]) => ({ job_id: job.trim(), condition: condition as "success" }));
  const secrets = form.secrets.filter((row) => row.name !== "");
  if (secrets.length > 0) body.secrets = secrets.map((row) => ({ name: row.name, [row.as]: row.target || row.name }));
  const volumes = form.volumes.filter((row) => row.source !== "" || row.path !== "");
  if (volumes.length > 0) {
    body.volumes = volumes.map((row) => ({
      ...(row.source.startsWith("/") ? { host_path: row.source } : { name: row.source }),
      path: row.path,
      ...(row.readOnly ? { read_only: true } : {}),
    }));
  }
  const ports = form.ports.filter((row) => row.port.trim() !== "");
  if (ports.length > 0) {
    body.ports = ports.map((row) => ({
      port: read("ports", row.port, (text) => readWhole(text, 1, 65_535), "A port is a number from 1 to 65535.") ?? 0,
      ...(row.protocol === "udp" ? { protocol: "udp" } : {}),
      ...(row.name ? { name: row.name } : {}),
    }));
  }
  for (const name of ["exclusive", "preemptible", "strict"] as const) if (form[name]) body[name] = true;
  return { body, errors };
}

/** The form that shows a body. */
export function formOf(body: Body): JobForm {
  const needs = body.resource_requirements;
  const [shell, flag, line] = body.command ?? [];
  const isLine = shell === "sh" && flag === "-c" && line !== undefined && body.command?.length === 3;
  const size = body.size ?? { min: 1, max: 1 };
  const retried = (name: keyof JobForm["retries"]) => (body.retries?.[name] ? String(body.retries[name]) : "");
  const lost = body.retries?.node_lost ?? body.max_retries;
  return {
    name: body.name,
    queue: body.queue_id,
    runtime: body.runtime ?? "docker",
    image: body.definition,
    commandAs: isLine || !body.command ? "line" : "words",
    command: isLine ? line : joinWords(body.command ?? []),
    args: joinWords(body.args ?? []),
    workingDir: body.working_dir ?? "",
    cpu: needs.cpu_millicores ? writeCores(needs.cpu_millicores) : "",
    memory: needs.memory_mb ? writeMemory(needs.memory_mb) : "",
    gpuCount: needs.gpus ? String(needs.gpus.count) : "",
    gpuModel: needs.gpus?.model ?? "",
    gpuMemory: needs.gpus?.memory_gb ? String(needs.gpus.memory_gb) : "",
    size: writeSize(size.min ?? 1, size.max ?? size.min ?? 1),
    array: body.array ?? "",
    timeLimit: body.time_limit_s ? writeSeconds(body.time_limit_s) : "",
    grace: body.grace_s === undefined || body.grace_s === DEFAULT_GRACE_S ? "" : writeSeconds(body.grace_s),
    stopSignal: body.stop_signal ?? "SIGTERM",
    priority: body.priority ? String(body.priority) : "",
    retries: {
      node_lost: lost == null || lost === DEFAULT_RETRIES ? "" : String(lost),
      image: retried("image"),
      out_of_memory: retried("out_of_memory"),
      error: retried("error"),
    },
    env: Object.entries(body.env ?? {}),
    labels: Object.entries(body.labels ?? {}),
    nodeSelector: Object.entries(body.node_selector ?? {}),
    after: (body.after ?? []).map((each) => [each.job_id, each.condition ?? "success"]),
    secrets: (body.secrets ?? []).map((each) => ({ name: each.name, as: each.file ? "file" : "env", target: each.file ?? each.env ?? each.name })),
    volumes: (body.volumes ?? []).map((each) => ({ source: each.host_path ?? each.name ?? "", path: each.path, readOnly: each.read_only ?? false })),
    ports: (body.ports ?? []).map((each) => ({ port: String(each.port), protocol: each.protocol ?? "tcp", name: each.name ?? "" })),
    exclusive: body.exclusive ?? false,
    preemptible: body.preemptible ?? false,
    strict: body.strict ?? false,
  };
}

export function readSize(text: string): { min: number; max: number } | null {
  const found = /^\s*(\d{1,9})(?::(\d{1,9}))?\s*$/.exec(text);
  if (!found) return null;
  const min = Number(found[1]);
  const max = Number(found[2] ?? min);
  return min >= 1 && min <= max ? { min, max } : null;
}

export function writeSize(min: number, max: number): string {
  return min === max ? String(min) : `${min}:${max}`;
}

/** What must be there before the job can be asked about or submitted, in the form's words. */
export function missing(form: JobForm): { field: FormField; what: string }[] {
  const found: { field: FormField; what: string }[] = [];
  if (form.queue === "") found.push({ field: "queue", what: "a queue" });
  if (form.runtime === "docker" && form.image.trim() === "") found.push({ field: "image", what: "an image" });
  if (form.runtime === "process" && form.command.trim() === "") found.push({ field: "command", what: "a command" });
  if (form.cpu.trim() === "") found.push({ field: "cpu", what: "the cores" });
  if (form.memory.trim() === "") found.push({ field: "memory", what: "the memory" });
  return found;
}

const PLACES: readonly (readonly [RegExp, FormField])[] = [
  [/^name/, "name"],
  [/^definition/, "image"],
  [/^queue_id/, "queue"],
  [/cpu_millicores/, "cpu"],
  [/gpus\.model/, "gpuModel"],
  [/gpus\.memory_gb/, "gpuMemory"],
  [/gpus/, "gpuCount"],
  [/memory_mb/, "memory"],
  [/^working_dir/, "workingDir"],
  [/^time_limit_s/, "timeLimit"],
  [/^grace_s/, "grace"],
  [/^stop_signal/, "stopSignal"],
  [/^(max_)?retries/, "retries"],
  [/^node_selector/, "nodeSelector"],
  [/^(runtime|command|args|size|array|priority|env|labels|after|secrets|volumes|ports)/, "name"],
];

/** Where in the form a field of the API is shown; null where it has no place of its own. */
export function placeOf(field: string | null): FormField | null {
  if (!field) return null;
  const [pattern, place] = PLACES.find(([each]) => each.test(field)) ?? [];
  const same = pattern === PLACES[PLACES.length - 1]?.[0] ? pattern?.exec(field)?.[1] : undefined;
  return (same as FormField | undefined) ?? place ?? null;
}
