/** The log as a file: every event of the filter, as JSON lines or as a table for spreadsheets. */
import type { PlatformEvent } from "@/api/stream";
import type { EventQuery } from "./filter";
import { readEvents } from "./read";

const PAGE = 1000;

/** All events of the query, oldest first; `told` hears how many were read. Ends when `signal` says so. */
export async function readAll(query: EventQuery, told: (count: number) => void, signal: AbortSignal): Promise<PlatformEvent[]> {
  const pages: PlatformEvent[][] = [];
  let count = 0;
  for (let before: number | null = null; !signal.aborted; ) {
    const events = await readEvents(query, PAGE, before);
    pages.unshift(events);
    count += events.length;
    told(count);
    const first: PlatformEvent | undefined = events[0];
    if (!first || events.length < PAGE) break;
    before = first.seq;
  }
  return pages.flat();
}

export function jsonLines(events: readonly PlatformEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

const COLUMNS = ["seq", "at", "kind", "actor", "job_id", "node_id", "cluster_id", "queue_id", "user_id", "data"] as const;

/** RFC 4180; `data` is JSON. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csv(events: readonly PlatformEvent[]): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [COLUMNS.join(","), ...events.map((event) => COLUMNS.map((name) => cell(event[name])).join(","))].map((line) => `${line}\r\n`).join("");
}

/** Let the browser keep a text as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
