/**
 * What somebody has typed into the form, kept in the tab's storage: it outlives a session that is over, and reloading.
 *
 * `lilac.draft` is a job to begin from (the body of a submission), left there by "clone and edit"; `lilac.form` is the
 * form as it stands, for whom typed it only.
 */
import { type Body, EMPTY, formOf, type JobForm } from "./form";

export const DRAFT = "lilac.draft";
const FORM = "lilac.form";

export function keep(user: string, form: JobForm): void {
  try {
    sessionStorage.setItem(FORM, JSON.stringify({ user, form }));
  } catch {
    // a browser without storage keeps nothing
  }
}

export function forget(): void {
  sessionStorage.removeItem(FORM);
}

/** The form to begin with: the draft if one is asked for, what was typed before, or an empty one. */
export function begin(user: string, draft: boolean): JobForm {
  const body = draft ? parsed(DRAFT) : null;
  if (body && typeof body === "object" && "resource_requirements" in body) return formOf(body as Body);
  const kept = parsed(FORM) as { user?: string; form?: Partial<JobForm> } | null;
  return kept?.user === user && kept.form ? { ...EMPTY, ...kept.form } : EMPTY;
}

function parsed(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}
