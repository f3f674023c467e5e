/**
 * The list of jobs: pages of the newest first, kept fresh without moving what the reader looks at.
 *
 * Pages follow one another by the number of the last job (keyset), so the last page costs what the first one does. When
 * something happens the first page is read again, and of the rows further down those in sight: each row is replaced where
 * it stands. What is new is put on top at once, or, while somebody reads or points at rows, held back and counted. A row
 * that no longer matches the filter stays where it is, with its new state, until the list is read anew.
 */
import type { ListedJob } from "./types";

export interface Page {
  jobs: readonly ListedJob[];
  next: string | null;
}

export interface Listed {
  rows: readonly ListedJob[];
  /** Where the next page begins; null at the end of the list. */
  next: string | null;
  /** New ones that are held back, newest first. */
  held: readonly ListedJob[];
}

export const NOTHING: Listed = { rows: [], next: null, held: [] };

export function begun(page: Page): Listed {
  return { rows: page.jobs, next: page.next, held: [] };
}

/** With the page that follows. */
export function continued(list: Listed, page: Page): Listed {
  const known = new Set(list.rows.map((job) => job.job_id));
  return { ...list, rows: [...list.rows, ...page.jobs.filter((job) => !known.has(job.job_id))], next: page.next };
}

/** With what is now known of rows: each in its place. The same list if nothing is different. */
export function updated(list: Listed, jobs: readonly ListedJob[]): Listed {
  const fresh = new Map(jobs.map((job) => [job.job_id, job]));
  let different = false;
  const renewed = (job: ListedJob): ListedJob => {
    const now = fresh.get(job.job_id);
    if (!now || same(now, job)) return job;
    different = true;
    return now;
  };
  const rows = list.rows.map(renewed);
  const held = list.held.map(renewed);
  return different ? { ...list, rows, held } : list;
}

/** With the first page as it is now. `hold`: what is new waits. */
export function refreshed(list: Listed, page: Page, hold: boolean): Listed {
  const known = new Set([...list.rows, ...list.held].map((job) => job.job_id));
  const renewed = updated(list, page.jobs);
  const fresh = page.jobs.filter((job) => !known.has(job.job_id));
  // a whole page of new ones: what lies between it and the rest is not known, so the list begins anew
  if (fresh.length > 0 && fresh.length === page.jobs.length && page.next !== null) return hold ? { ...renewed, held: [...fresh, ...renewed.held] } : begun(page);
  if (list.rows.length === 0) return begun(page);
  const held = [...fresh, ...renewed.held];
  if (hold) return fresh.length > 0 ? { ...renewed, held } : renewed;
  return held.length > 0 ? shown({ ...renewed, held }) : renewed;
}

/** With what was held back on top. */
export function shown(list: Listed): Listed {
  return { ...list, rows: [...list.held, ...list.rows], held: [] };
}

function same(a: ListedJob, b: ListedJob): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
