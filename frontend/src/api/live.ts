/**
 * Live pages: events of the stream make what they concern be read again.
 *
 * A query is marked by what it shows: the first word of its key is the noun (`jobs`, `job`, `queues`, `nodes`, …). The
 * first event of a burst refreshes at once, those that follow at most every `PAUSE_MS`, so a thousand events a second
 * cost a few reads. Nothing is polled. After a break of the connection everything is read again.
 */
import type { QueryClient } from "@tanstack/react-query";
import type { EventStream, PlatformEvent } from "./stream";

/* Short enough that an event is seen within 200 ms whenever it comes; what is slow to read holds itself back (see flush). */
const PAUSE_MS = 120;

/** The first words of the query keys which an event makes stale. `["job", id]` stands for that job's page only. */
export function staleBy(event: PlatformEvent): readonly (readonly string[])[] {
  const [noun] = event.kind.split(".");
  const stale: (readonly string[])[] = [["events"], ["attention"], ["dashboard"]];
  if (event.job_id) stale.push(["jobs"], ["job", event.job_id], ["queues"], ["line"]);
  if (event.node_id) stale.push(["nodes"], ["clusters"]);
  if (noun === "cluster") stale.push(["clusters"], ["nodes"]);
  if (noun === "queue") stale.push(["queues"], ["line"]);
  if (noun === "user" || noun === "key" || noun === "api_key") stale.push(["users"], ["keys"]);
  if (noun === "secret") stale.push(["secrets"]);
  if (noun === "volume") stale.push(["volumes"]);
  return stale;
}

/** Keep a query client fresh by a stream. Returns what ends this. */
export function refreshBy(client: QueryClient, stream: EventStream, pauseMs: number = PAUSE_MS): () => void {
  const waiting = new Map<string, readonly string[]>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let broken = false;

  const flush = () => {
    const due = [...waiting];
    timer = due.length > 0 ? setTimeout(flush, pauseMs) : null;
    for (const [name, queryKey] of due) {
      // a read under way began before the event and must be done again, but after its end: were it cut off each time,
      // a storm of events would leave a slow page without any answer
      if (client.isFetching({ queryKey }) > 0) continue;
      waiting.delete(name);
      void client.invalidateQueries({ queryKey });
    }
  };
  const unlisten = stream.listen((event) => {
    for (const key of staleBy(event)) waiting.set(key.join("\0"), key);
    if (!timer) flush();
  });
  const unwatch = stream.watch(() => {
    if (stream.state === "reconnecting") broken = true;
    if (stream.state === "live" && broken) {
      broken = false;
      void client.invalidateQueries();
    }
  });
  return () => {
    unlisten();
    unwatch();
    if (timer) clearTimeout(timer);
  };
}
