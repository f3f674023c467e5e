/** Which events the log shows, as its address says. */

export interface EventSearch {
  /** A kind, or all of a noun as `job.*`. */
  kind?: string | undefined;
  actor?: string | undefined;
  /** Id or name of a job. */
  job?: string | undefined;
  node?: string | undefined;
  queue?: string | undefined;
  cluster?: string | undefined;
  user?: string | undefined;
  /** Local times as the browser's fields have them: `2026-11-30T22:00`. */
  since?: string | undefined;
  until?: string | undefined;
}

const FIELDS = ["kind", "actor", "job", "node", "queue", "cluster", "user", "since", "until"] as const;

export function eventSearch(search: Record<string, unknown>): EventSearch {
  // told as undefined where it is nothing: what is left out stays as it is in the address
  return Object.fromEntries(FIELDS.map((name) => [name, typeof search[name] === "string" && search[name] !== "" ? search[name] : undefined]));
}
