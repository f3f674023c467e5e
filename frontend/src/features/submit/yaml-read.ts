/** From the text of a job file to the body of a submission; all mistakes at once, each with its line and column. */
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { readCores, readMemory, readSeconds } from "@/ui/amounts";
import { type Body, readSize } from "./form";
import { type Fault, isNothing, isPlain, kindOf, Source, textOf } from "./yaml-nodes";

/** Reads one value; undefined after a mistake was noted. */
type Reader = (node: Node | null, what: string, source: Source) => unknown;
interface Key {
  read: Reader;
  /** Its name in the API, where that differs. */
  to?: string;
  needed?: boolean;
}
type Keys = Record<string, Key>;

export function readJob(text: string): { body: Body | null; faults: Fault[] } {
  const source = new Source(text);
  const sorted = () => source.faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (!isMap(source.root) || source.faults.length > 0) {
    if (source.faults.length === 0) source.at(source.root, `a job is a mapping with keys such as name, image and queue, not ${kindOf(source.root)}`);
    return { body: null, faults: sorted() };
  }
  const found = readKeys(source.root, JOB, "", source);
  for (const name of ["name", "queue", "resources"]) if (!hasKey(source.root, name)) source.at(source.root, `${name} is missing`);
  const process = found.runtime === "process";
  if (process && !hasKey(source.root, "command")) source.at(source.root, "command is missing: a job of runtime process needs one");
  if (!process && !hasKey(source.root, "image")) source.at(source.root, "image is missing: a job needs a Docker image, or `runtime: process`");
  if (source.faults.length > 0) return { body: null, faults: sorted() };
  if (typeof found.retries === "number") {
    found.max_retries = found.retries;
    delete found.retries;
  }
  const size = found.size as Body["size"];
  if (size && size.min !== size.max) found.kind = "elastic";
  return { body: { definition: "", ...found } as Body, faults: [] };
}

const text: Reader = (node, what, source) => {
  const found = textOf(node);
  if (found === null) return source.at(node, isNothing(node) ? `${what} is empty` : `${what} must be a text, not ${kindOf(node)}`);
  return found.trim() ? found : source.at(node, `${what} is empty`);
};

const anyText: Reader = (node, what, source) =>
  textOf(node) ?? source.at(node, isNothing(node) ? `${what} is empty; write "" for an empty text` : `${what} must be a text, not ${kindOf(node)}`);

const flag: Reader = (node, what, source) => {
  const found = textOf(node) ?? "";
  if (isPlain(node) && /^(true|True|TRUE|false|False|FALSE)$/.test(found)) return found.toLowerCase() === "true";
  if (/^(yes|no|on|off|y|n)$/i.test(found)) return source.at(node, `${what}: '${found}' is a text, not a truth value: write true or false`);
  return source.at(node, `${what} must be true or false, not ${kindOf(node)}`);
};

const whole =
  (least = 0, most = 2 ** 31 - 1): Reader =>
  (node, what, source) => {
    const found = textOf(node) ?? "";
    if (/^[-+]?0[0-9]+$/.test(found)) return source.at(node, `${what}: ${found} begins with a zero: write ${Number(found)}`);
    if (!/^([-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$/.test(found)) return source.at(node, `${what} must be a whole number, not ${kindOf(node)}`);
    const value = Number(found);
    return value >= least && value <= most ? value : source.at(node, `${what} must be between ${least} and ${most}, not ${value}`);
  };

const choice =
  (...words: string[]): Reader =>
  (node, what, source) => {
    const found = textOf(node);
    return found !== null && words.includes(found) ? found : source.at(node, `${what} must be ${words.join(" or ")}, not ${kindOf(node)}`);
  };

const amount =
  (read: (typed: string) => number | null, such: string): Reader =>
  (node, what, source) =>
    (textOf(node) === null ? null : read(textOf(node) as string)) ?? source.at(node, `${what} must be ${such}, not ${kindOf(node)}`);

const span = amount(readSeconds, "a length of time such as 90s, 10m or 2h");

const list =
  (item: Reader): Reader =>
  (node, what, source) => {
    if (!isSeq(node)) return source.at(node, `${what} must be a list (\`- …\`), not ${kindOf(node)}`);
    return node.items.map((each, at) => item(source.resolve(each), `${what}[${at}]`, source));
  };

const textMap: Reader = (node, what, source) => {
  if (!isMap(node)) return source.at(node, `${what} must be keys and values (\`KEY: value\`), not ${kindOf(node)}`);
  const found: Record<string, unknown> = {};
  for (const [key, keyNode, value] of source.pairs(node)) {
    if (!key.trim() || (what === "env" && key.includes("="))) source.at(keyNode, `${what}: '${key}' is not a name`);
    else found[key] = anyText(value, `${what}.${key}`, source);
  }
  return found;
};

const mapping =
  (keys: Keys, short?: (typed: string | null, node: Node | null, what: string, source: Source) => unknown): Reader =>
  (node, what, source) => {
    if (!isMap(node)) return short ? short(textOf(node), node, what, source) : source.at(node, `${what} must be a mapping with keys such as ${Object.keys(keys).slice(0, 4).join(", ")}, not ${kindOf(node)}`);
    const found = readKeys(node, keys, what, source);
    const lacking = Object.entries(keys).filter(([name, key]) => key.needed && !hasKey(node, name));
    return lacking.length > 0 ? source.at(node, `${what} needs ${lacking.map(([name]) => name).join(" and ")}`) : found;
  };

/** A text in a short form, or a mapping. */
const short = (keys: Keys, pattern: RegExp, form: string, build: (groups: Record<string, string | undefined>) => unknown): Reader =>
  mapping(keys, (typed, node, what, source) => {
    const found = pattern.exec(typed ?? "");
    return found ? build(found.groups ?? {}) : source.at(node, `${what} must be ${form} or a mapping, not ${kindOf(node)}`);
  });

function readKeys(map: YAMLMap, keys: Keys, what: string, source: Source): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, node, value] of source.pairs(map)) {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (!key) source.at(node, `unknown key '${name}'${what ? ` in ${what}` : ""}${nearest(name, Object.keys(keys))}`);
    else {
      const read = key.read(value, what ? `${what}.${name}` : name, source);
      if (read !== undefined) found[key.to ?? name] = read;
    }
  }
  return found;
}

function hasKey(map: YAMLMap, name: string): boolean {
  return map.items.some((pair) => isScalar(pair.key) && (pair.key.value === name || pair.key.value === "<<"));
}

/** `; did you mean 'image'?` for a word one or two letters away. */
function nearest(word: string, known: string[]): string {
  const found = known.map((each) => [distance(word.toLowerCase(), each), each] as const).toSorted((a, b) => a[0] - b[0])[0];
  return found && found[0] <= Math.max(1, Math.floor(word.length / 3)) ? `; did you mean '${found[1]}'?` : "";
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}

const command: Reader = (node, what, source) => {
  if (!isSeq(node)) {
    const line = text(node, what, source);
    return line === undefined ? undefined : ["sh", "-c", line];
  }
  return node.items.length > 0 ? list(anyText)(node, what, source) : source.at(node, `${what} must have at least one word; leave it out for the image's own`);
};

const size: Reader = (node, what, source) => {
  const found = isMap(node) ? (readKeys(node, { min: { read: whole(1) }, max: { read: whole(1) } }, what, source) as { min?: number; max?: number }) : readSize(textOf(node) ?? "");
  if (!found) return source.at(node, `${what} must be a number of replicas or a range such as 2:8, not ${kindOf(node)}`);
  const min = found.min ?? 1;
  const max = found.max ?? min;
  return min <= max ? { min, max } : source.at(node, `${what} must be at least 1, and its end not below its begin`);
};

const retried = { read: whole(0, 1000) };
const retries: Reader = (node, what, source) =>
  isMap(node) ? mapping({ node_lost: retried, image: retried, out_of_memory: retried, error: retried })(node, what, source) : whole(0, 1000)(node, what, source);

const gpus = mapping(
  {
    count: { read: whole(1, 1024), needed: true },
    model: { read: text },
    memory: { read: amount((typed) => { const mib = readMemory(typed, "g"); return mib && Math.ceil(mib / 1024); }, "an amount such as 4GiB or 40 (GB)"), to: "memory_gb" },
  },
  (_, node, what, source) => {
    const count = whole(0, 1024)(node, what, source);
    return count ? { count } : undefined;
  },
);

const secret: Reader = (node, what, source) => {
  const found = short(
    { name: { read: text, needed: true }, env: { read: text }, file: { read: text } },
    /^(?<name>[^=\s:]+)(?:=(?<env>[^=\s]+))?$/,
    "NAME or NAME=VARIABLE",
    ({ name, env }) => ({ name, ...(env ? { env } : {}) }),
  )(node, what, source) as { name: string; env?: string; file?: string } | undefined;
  return found && !found.env && !found.file ? { ...found, env: found.name } : found;
};

const JOB: Keys = {
  name: { read: text },
  image: { read: text, to: "definition" },
  command: { read: command },
  args: { read: list(anyText) },
  queue: { read: text, to: "queue_id" },
  resources: {
    to: "resource_requirements",
    read: mapping({
      cpu: { read: amount(readCores, "cores such as 2 or 0.5, or 1500m"), to: "cpu_millicores", needed: true },
      memory: { read: amount((typed) => readMemory(typed), "an amount such as 4GiB, 512MiB or 4096 (MB)"), to: "memory_mb", needed: true },
      gpus: { read: gpus },
    }),
  },
  size: { read: size },
  env: { read: textMap },
  secrets: { read: list(secret) },
  volumes: {
    read: list(
      short(
        { name: { read: text }, host_path: { read: text }, path: { read: text, needed: true }, read_only: { read: flag } },
        /^(?<name>[^:\s]+):(?<path>\/[^:]*)(?::(?<mode>ro|rw))?$/,
        "NAME:PATH or NAME:PATH:ro",
        ({ name, path, mode }) => ({ name, path, ...(mode === "ro" ? { read_only: true } : {}) }),
      ),
    ),
  },
  ports: {
    read: list(
      short(
        { port: { read: whole(1, 65_535), needed: true }, name: { read: text }, protocol: { read: choice("tcp", "udp") } },
        /^(?<port>[0-9]{1,5})(?:\/(?<protocol>tcp|udp))?$/,
        "a port such as 8080 or 53/udp",
        ({ port, protocol }) => ({ port: Number(port), ...(protocol ? { protocol } : {}) }),
      ),
    ),
  },
  working_dir: { read: text },
  runtime: { read: choice("docker", "process") },
  time_limit: { read: span, to: "time_limit_s" },
  grace: { read: span, to: "grace_s" },
  stop_signal: { read: choice("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2") },
  priority: { read: whole(-(2 ** 31) + 1) },
  retries: { read: retries },
  array: { read: text },
  after: {
    read: list(
      short(
        { job: { read: text, to: "job_id", needed: true }, condition: { read: choice("success", "any", "failure") } },
        /^(?<job>.+?)(?::(?<condition>success|any|failure))?$/,
        "JOB or JOB:success, JOB:any, JOB:failure",
        ({ job, condition }) => ({ job_id: job, ...(condition ? { condition } : {}) }),
      ),
    ),
  },
  labels: { read: textMap },
  node_selector: { read: textMap },
  exclusive: { read: flag },
  preemptible: { read: flag },
  strict: { read: flag },
};
