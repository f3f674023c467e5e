/**
 * What events say: one sentence for each kind, in parts of which some lead somewhere.
 *
 * Events name nodes, queues, clusters and people by ids; `names` knows what these are called, where they still exist.
 * A kind that only a newer server knows is told by its words.
 */
import type { PlatformEvent } from "@/api/stream";
import { cores, memory } from "@/ui/quantities";
import { duration } from "@/ui/time";

export type Part = string | Link;

export interface Link {
  text: string;
  to: "job" | "node" | "queue" | "cluster";
  id: string;
}

/** What things are called by id; undefined for what is not known (any more). */
export interface Names {
  node: (id: string) => string | undefined;
  queue: (id: string) => string | undefined;
  cluster: (id: string) => string | undefined;
  user: (id: string) => string | undefined;
}

export const NO_NAMES: Names = { node: () => undefined, queue: () => undefined, cluster: () => undefined, user: () => undefined };

export type Tone = "good" | "warn" | "bad" | "info" | "muted";

const TONES: Record<string, Tone> = {
  "job.succeeded": "good",
  "job.failed": "bad",
  "job.cancelled": "muted",
  "job.requeued": "warn",
  "job.preempted": "warn",
  "job.running": "info",
  "job.assigned": "info",
  "node.lost": "bad",
  "node.back": "good",
  "node.joined": "good",
  "user.login_failed": "warn",
};

/** How an event is to be felt. */
export function toneOf(event: PlatformEvent): Tone {
  if (event.kind === "array.ended") return event.data.state === "succeeded" ? "good" : event.data.state === "failed" ? "bad" : "muted";
  if (event.kind === "node.changed" && list(event.data.gpus).some((gpu) => gpu.state !== "healthy")) return "warn";
  return TONES[event.kind] ?? "muted";
}

/** The sentence of an event without its links. */
export function sentenceOf(event: PlatformEvent, names: Names): string {
  return wordsOf(event, names)
    .map((part) => (typeof part === "string" ? part : part.text))
    .join("");
}

/** The sentence of an event, in parts. */
export function wordsOf(event: PlatformEvent, names: Names): Part[] {
  const say = SENTENCES[event.kind];
  return say ? say(new Told(event, names)) : [event.kind.replace(/[._]/g, " "), ...new Told(event, names).by()];
}

/** An event with the phrases that many sentences share. */
class Told {
  readonly data: Record<string, unknown>;
  constructor(
    readonly event: PlatformEvent,
    private readonly names: Names,
  ) {
    this.data = event.data;
  }

  text(field: string): string {
    const value = this.data[field];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  }

  /** `ada's job digits` */
  job(noun = "job"): Part[] {
    const { job_id: id, user_id: owner } = this.event;
    const name = this.text("name") || id?.slice(0, 8) || "?";
    const whose = owner ? this.names.user(owner) : undefined;
    return [whose ? `${whose}'s ${noun} ` : `${noun === "array" ? "Array" : "Job"} `, id ? { text: name, to: "job", id } : name];
  }

  /** `node node-3`, or how many; nothing where none is told. */
  on(preposition = " on "): Part[] {
    const several = Array.isArray(this.data.nodes) ? this.data.nodes.length : 0;
    if (several > 1) return [`${preposition}${several} nodes`];
    return this.event.node_id ? [preposition, ...this.node()] : [];
  }

  node(): Part[] {
    const { node_id: id } = this.event;
    const known = id ? this.names.node(id) : undefined;
    if (id && known) return [{ text: known, to: "node", id }];
    const name = this.text("node_name") || (this.event.kind.startsWith("node.") ? this.text("name") : "");
    return [name || (id ? `a node that was removed (${id.slice(0, 8)})` : "a node")];
  }

  queue(): Part[] {
    const { queue_id: id } = this.event;
    const name = this.text("queue_name") || (id && this.names.queue(id)) || this.text("name");
    return [id && this.names.queue(id) ? { text: name, to: "queue", id } : name || "a queue"];
  }

  cluster(): Part[] {
    const { cluster_id: id } = this.event;
    const known = id ? this.names.cluster(id) : undefined;
    const name = known || this.text("cluster_name") || (this.event.kind.startsWith("cluster.") ? this.text("name") : "");
    return [id && known ? { text: known, to: "cluster", id } : name || "a cluster that was deleted"];
  }

  /** Who did it, if somebody did: `ada`. */
  actor(): string | null {
    const [sort, name] = split(this.event.actor);
    if (sort === "user") return name;
    if (sort === "cluster") return `an agent of cluster ${this.names.cluster(name) ?? name.slice(0, 8)}`;
    return sort === "node" ? `node ${name}` : null;
  }

  /** ` by ada`, unless nobody in particular did it. */
  by(): Part[] {
    const who = this.actor();
    return who ? [` by ${who}`] : [];
  }

  /** `ada `, or `Somebody ` */
  who(): Part[] {
    return [this.actor() ?? "The system"];
  }

  person(): string {
    const { user_id: id } = this.event;
    return this.text("username") || (id && this.names.user(id)) || "somebody";
  }

  /** `: the message` */
  because(): Part[] {
    const told = this.text("message") || reasonWords(this.text("reason"));
    return told ? [`: ${told.replace(/\.$/, "")}`] : [];
  }
}

const SENTENCES: Record<string, (told: Told) => Part[]> = {
  "job.submitted": (t) => {
    const id = t.event.job_id;
    const name: Part = id ? { text: t.text("name") || id.slice(0, 8), to: "job", id } : t.text("name");
    const queue: Part[] = t.event.queue_id ? [" to queue ", ...t.queue()] : [];
    return [...t.who(), t.data.retry_of ? " retried as " : " submitted ", t.data.array ? "array " : "job ", name, ...queue];
  },
  "job.assigned": (t) => [...t.job(), " was given a place", ...t.on()],
  "job.running": (t) => [...t.job(), " runs", ...t.on()],
  "job.requeued": (t) => [...t.job(), " waits again", ...t.because()],
  "job.preempted": (t) => [...t.job(), " made room and waits again", ...t.because()],
  "job.resized": (t) => [...t.job(), ` goes on with ${count(Number(t.data.size), "replica")}`, ...(t.data.message ? t.because() : t.on(", some of them on "))],
  "job.changed": (t) => [...t.who(), " moved ", ...lower(t.job()), " to queue ", ...t.queue(), `, priority ${t.text("priority")}`],
  "job.released": (t) => [...t.job(), HELD[t.text("held")] ?? " is held no more"],
  "job.succeeded": (t) => [...t.job(), " succeeded", ...t.on()],
  "job.failed": (t) => [...t.job(), " failed", ...t.on(), ...t.because()],
  "job.cancelled": (t) => [...t.job(), " was cancelled", ...t.by()],
  "job.exec_opened": (t) => [...t.who(), t.data.port ? ` reached port ${t.text("port")} of ` : ` ran ${t.text("program") || "a command"} in `, ...lower(t.job())],
  "job.exec_closed": (t) => {
    const exit = t.data.exit_code;
    const how = typeof exit === "number" && exit !== 0 ? ` (exit code ${exit})` : "";
    return [...t.who(), " left ", ...lower(t.job()), ` after ${duration(Number(t.data.duration_s))}${how}`];
  },
  "array.started": (t) => [...t.job("array"), " began"],
  "array.cancelled": (t) => [...t.job("array"), " was cancelled", ...t.by(), Number(t.data.elements) > 0 ? `, ${count(Number(t.data.elements), "element")} of it never began` : ""],
  "array.ended": (t) => [...t.job("array"), ` ended: ${counts(t.data.counts) || t.text("state")}`],
  "replica.changed": (t) => {
    const { rank, state } = (t.data.replica ?? {}) as { rank?: number; state?: string };
    return [...t.job(), `: replica ${rank ?? "?"} ${REPLICA[state ?? ""] ?? state ?? "changed"}`, ...t.on()];
  },
  "node.joined": (t) => ["Node ", ...t.node(), " joined cluster ", ...t.cluster()],
  "node.lost": (t) => ["Node ", ...t.node(), " is lost: nothing was heard of it"],
  "node.back": (t) => ["Node ", ...t.node(), " is back"],
  "node.changed": nodeChanged,
  "cluster.created": (t) => [...t.who(), " made cluster ", ...t.cluster()],
  "cluster.deleted": (t) => [...t.who(), " deleted cluster ", ...t.cluster()],
  "queue.created": (t) => [...t.who(), " made queue ", ...t.queue()],
  "queue.changed": (t) => [...t.who(), " changed queue ", ...t.queue(), t.data.paused === true ? ", which is paused" : ""],
  "queue.deleted": (t) => [...t.who(), " deleted queue ", ...t.queue()],
  "user.created": (t) => [...t.who(), ` made the account ${t.person()}`],
  "user.changed": (t) => {
    const changed = list<string>(t.data.changed).map((word) => word.replace(/_/g, " "));
    return [...t.who(), ` changed ${changed.length > 0 ? changed.join(" and ") : "something"} of the account ${t.person()}`];
  },
  "user.deleted": (t) => [...t.who(), ` deleted the account ${t.person()}`],
  "user.logged_in": (t) => [`${t.person()} signed in`, ...from(t)],
  "user.login_failed": (t) => [`Somebody failed to sign in as ${t.person()}`, ...from(t)],
  "key.created": (t) => [...t.who(), ` made ${keyName(t)}`, ...keyOf(t)],
  "key.deleted": (t) => [...t.who(), " deleted an API key", ...keyOf(t)],
  "secret.set": (t) => [...t.who(), ` set the ${t.data.shared ? "shared " : ""}secret ${t.text("name")}`],
  "secret.deleted": (t) => [...t.who(), ` deleted the ${t.data.shared ? "shared " : ""}secret ${t.text("name")}`],
  "volume.created": (t) => [...t.who(), ` made volume ${t.text("name")}`],
  "volume.deleted": (t) => [...t.who(), ` deleted volume ${t.text("name")}`],
  "volume.data_deleted": (t) => [`The data of volume ${t.text("name")} was deleted`, ...t.on()],
  "server.started": () => ["The control plane started"],
};

const HELD: Record<string, string> = {
  dependency: " waits for no other job any more",
  pause: " may be tried again",
};
const REPLICA: Record<string, string> = { succeeded: "succeeded", failed: "failed", stopped: "stopped", lost: "was lost" };
const REASONS: Record<string, string> = {
  error: "its command failed",
  out_of_memory: "it used more memory than it had asked for",
  image: "its image could not be pulled",
  start: "it could not be started",
  engine: "the container engine failed",
  vanished: "its process vanished",
  node_lost: "its node was lost",
  gpu_lost: "a GPU of it was lost",
  time_limit: "it ran longer than its limit",
  preempted: "a job of higher priority needed the place",
  drained: "its node is drained",
  peer: "another replica failed",
  dependency: "a job that it waited for failed",
};

function reasonWords(reason: string): string {
  return reason === "cancelled" ? "" : (REASONS[reason] ?? reason.replace(/_/g, " "));
}

/** A node was drained, resumed, labelled or removed by somebody, or its machine is another than before. */
function nodeChanged(t: Told): Part[] {
  const { data } = t;
  if (data.removed === true) {
    const left = list<string>(data.volumes_left);
    return [...t.who(), " removed node ", ...t.node(), left.length > 0 ? `; the data of these volumes stays there: ${left.join(", ")}` : ""];
  }
  if (typeof data.cordoned === "boolean" && t.actor() !== null) {
    if (data.cordoned) return [...t.who(), " drains node ", ...t.node(), data.drain_deadline ? ", with a deadline" : ""];
    return [...t.who(), data.state === "draining" ? " changed node " : " put in service or labelled node ", ...t.node()];
  }
  const found: string[] = list<{ state?: string; problem?: string }>(data.gpus).map((gpu) => `a GPU is ${gpu.state ?? "changed"}${gpu.problem ? ` (${gpu.problem})` : ""}`);
  for (const [field, words] of [["cpu_millicores", "CPU"], ["memory_mb", "memory"], ["agent_version", "agent"], ["hostname", "host name"]] as const) {
    const change = data[field] as { before?: unknown; after?: unknown } | undefined;
    if (change && typeof change === "object") found.push(`${words} ${shown(field, change.before)} → ${shown(field, change.after)}`);
  }
  return ["Node ", ...t.node(), found.length > 0 ? `: ${found.join(", ")}` : " told anew what it has"];
}

function shown(field: string, value: unknown): string {
  if (field === "cpu_millicores") return `${cores(Number(value))} cores`;
  return field === "memory_mb" ? memory(Number(value)) : String(value ?? "–");
}

/** `Job x` in the middle of a sentence. */
function lower([first, ...rest]: Part[]): Part[] {
  const word = typeof first === "string" ? first.replace(/^(Job|Array) /, (found) => found.toLowerCase()) : (first ?? "");
  return [word, ...rest];
}

function keyName(t: Told): string {
  return t.text("name") ? `the API key ${t.text("name")}` : "an API key";
}

function keyOf(t: Told): Part[] {
  if (t.event.cluster_id) return [" of cluster ", ...t.cluster()];
  return t.event.user_id && t.person() !== t.actor() ? [` of ${t.person()}`] : [];
}

function from(t: Told): Part[] {
  return t.text("address") ? [` from ${t.text("address")}`] : [];
}

function count(amount: number, noun: string): string {
  return `${Number.isFinite(amount) ? amount : "?"} ${noun}${amount === 1 ? "" : "s"}`;
}

/** `97 succeeded, 3 failed` */
function counts(value: unknown): string {
  return Object.entries((value ?? {}) as Record<string, number>)
    .filter(([, amount]) => amount > 0)
    .map(([state, amount]) => `${amount} ${state}`)
    .join(", ");
}

function list<T = { state?: string }>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function split(actor: string): [string, string] {
  const colon = actor.indexOf(":");
  return colon < 0 ? [actor, ""] : [actor.slice(0, colon), actor.slice(colon + 1)];
}
