/**
 * The API of the control plane, typed by its OpenAPI document.
 *
 * Credentials are the session's cookies, which scripts cannot read; `X-Requested-With` tells the server that a call comes
 * from this page. The session is short-lived and renewed before a call that it would not outlive; where the server says
 * 401 all the same it is renewed, once for all calls that wait, and the call is sent again. When it cannot be renewed,
 * `onSessionLost` is told and the call fails.
 */
import createClient from "openapi-fetch";
import { ApiError, errorOf, UNREACHABLE } from "./errors";
import type { paths } from "./schema.gen";

export const BASE = "/api";
const HEADERS = { "X-Requested-With": "lilac" };

const lost = new Set<() => void>();

/** Call back when the session is over and cannot be renewed. Returns what ends this. */
export function onSessionLost(listener: () => void): () => void {
  lost.add(listener);
  return () => void lost.delete(listener);
}

const MARGIN_MS = 30_000;
let goodUntil = Number.POSITIVE_INFINITY;
let renewing: Promise<boolean> | null = null;

/** Tell until when the session is good (RFC 3339); null: nobody says. */
export function noteExpiry(expiresAt: string | null): void {
  goodUntil = expiresAt ? Date.parse(expiresAt) : Number.POSITIVE_INFINITY;
}

/** Renew the session. Whether there still is one; false as well when the control plane does not answer. */
export function renew(): Promise<boolean> {
  renewing ??= renewOnce().finally(() => (renewing = null));
  return renewing;
}

async function renewOnce(): Promise<boolean> {
  try {
    const reply = await fetch(`${BASE}/auth/session/refresh`, { method: "POST", headers: HEADERS });
    if (!reply.ok) return false;
    noteExpiry(((await reply.json()) as { expires_at: string | null }).expires_at);
    return true;
  } catch {
    return false;
  }
}

/** `fetch` with the session. Never throws anything but `ApiError` and the abort of its signal. */
export async function send(input: Request): Promise<Response> {
  for (const [name, value] of Object.entries(HEADERS)) input.headers.set(name, value);
  if (Date.now() > goodUntil - MARGIN_MS) await renew();
  const again = input.clone();
  let reply = await attempt(input);
  if (reply.status === 401 && !new URL(input.url).pathname.startsWith(`${BASE}/auth/`)) {
    if (await renew()) reply = await attempt(again);
    if (reply.status === 401) for (const listener of lost) listener();
  }
  if (!reply.ok) throw await errorOf(reply);
  return reply;
}

async function attempt(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiError({ status: 0, message: UNREACHABLE, code: "unreachable" });
  }
}

/** Typed calls: `(await api.GET("/queues")).data`. A reply that is an error is thrown as `ApiError`. */
export const api = createClient<paths>({ baseUrl: BASE, fetch: send });

/** The data of a call, which is there whenever the call did not throw. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
