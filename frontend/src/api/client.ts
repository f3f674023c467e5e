/**
 * The API of the control plane, typed by its OpenAPI document.
 *
 * Credentials are the session's cookies, which scripts cannot read; `X-Requested-With` tells the server that a call comes
 * from this page. When the short-lived session has run out the first 401 renews it, once for all calls that wait, and
 * the call is sent again; when it cannot be renewed, `onSessionLost` is told and the call fails.
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

let renewing: Promise<boolean> | null = null;

/** Renew the session. Whether there still is one; false as well when the control plane does not answer. */
export function renew(): Promise<boolean> {
  renewing ??= fetch(`${BASE}/auth/session/refresh`, { method: "POST", headers: HEADERS })
    .then((reply) => reply.ok)
    .catch(() => false)
    .finally(() => (renewing = null));
  return renewing;
}

/** `fetch` with the session. Never throws anything but `ApiError` and the abort of its signal. */
export async function send(input: Request): Promise<Response> {
  for (const [name, value] of Object.entries(HEADERS)) input.headers.set(name, value);
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
