/** Which events the log shows: asked of the server, and applied to what the stream tells. */
import { eventKindValues, type operations } from "@/api/schema.gen";
import type { PlatformEvent } from "@/api/stream";
import type { EventSearch } from "./search";

/** The kinds by their nouns, in the order of the API. */
export const KINDS: readonly (readonly [noun: string, kinds: string[]])[] = [...new Set((eventKindValues as readonly string[]).map(nounOf))].map((noun) => [
  noun,
  eventKindValues.filter((kind) => nounOf(kind) === noun),
]);

export type EventQuery = NonNullable<operations["listEvents"]["parameters"]["query"]>;

/** The query of the API; `jobId` is the job of `search.job`. */
export function queryOf(search: EventSearch, jobId: string | null): EventQuery {
  const query: EventQuery = {};
  if (search.kind) query.kind = kindsOf(search.kind).join(",");
  if (search.actor) query.actor = search.actor;
  if (jobId) query.job_id = jobId;
  if (search.node) query.node_id = search.node;
  if (search.queue) query.queue_id = search.queue;
  if (search.cluster) query.cluster_id = search.cluster;
  if (search.user) query.user_id = search.user;
  if (search.since) query.since = moment(search.since);
  if (search.until) query.until = moment(search.until);
  return query;
}

/** Whether an event belongs into what the query asks for. */
export function matches(event: PlatformEvent, query: EventQuery): boolean {
  const at = Date.parse(event.at);
  return (
    (!query.kind || query.kind.split(",").includes(event.kind)) &&
    (!query.actor || event.actor === query.actor) &&
    (!query.job_id || event.job_id === query.job_id) &&
    (!query.node_id || event.node_id === query.node_id) &&
    (!query.queue_id || event.queue_id === query.queue_id) &&
    (!query.cluster_id || event.cluster_id === query.cluster_id) &&
    (!query.user_id || event.user_id === query.user_id) &&
    (!query.since || at >= Date.parse(query.since)) &&
    (!query.until || at < Date.parse(query.until))
  );
}

function nounOf(kind: string): string {
  return kind.split(".")[0] ?? kind;
}

function kindsOf(kind: string): readonly string[] {
  const noun = /^(\w+)\.\*$/.exec(kind)?.[1];
  return noun ? (KINDS.find(([each]) => each === noun)?.[1] ?? [kind]) : [kind];
}

function moment(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString();
}
