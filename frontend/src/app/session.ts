/** Who is signed in. The session itself is two cookies that scripts cannot read; this is what the server says of them. */
import { type QueryClient, queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { BASE, noteExpiry, renew } from "@/api/client";
import { ApiError, errorOf, UNREACHABLE } from "@/api/errors";
import type { components } from "@/api/schema.gen";

export type Role = components["schemas"]["Role"];
export type Session = components["schemas"]["SessionShape"];

async function call(method: "GET" | "POST" | "DELETE", body?: unknown): Promise<Response> {
  const init: RequestInit = { method, headers: { "X-Requested-With": "lilac" } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  try {
    return await fetch(`${BASE}/auth/session`, init);
  } catch {
    throw new ApiError({ status: 0, message: UNREACHABLE, code: "unreachable" });
  }
}

async function who(): Promise<Session | null> {
  if (!marked()) return null;
  let reply = await call("GET");
  if (reply.status === 401 && (await renew())) reply = await call("GET");
  if (reply.status === 401) {
    mark(false);
    return null;
  }
  return taken(reply);
}

async function taken(reply: Response): Promise<Session> {
  if (!reply.ok) throw await errorOf(reply);
  const session = (await reply.json()) as Session;
  noteExpiry(session.expires_at ?? null);
  mark(true);
  return session;
}

const MARK = "lilac.signed-in";

/* That somebody signed in with this browser, no more: so that a first visit need not ask the server and be refused. */
function mark(on: boolean): void {
  try {
    if (on) localStorage.setItem(MARK, "1");
    else localStorage.removeItem(MARK);
  } catch {
    // a browser without storage asks each time
  }
}

function marked(): boolean {
  try {
    return localStorage.getItem(MARK) !== null;
  } catch {
    return true;
  }
}

export const sessionQuery = queryOptions({ queryKey: ["session"], queryFn: who, staleTime: Number.POSITIVE_INFINITY, retry: false });

/** Sign in. Throws `ApiError` with the server's sentence when name or password is wrong. */
export async function signIn(client: QueryClient, username: string, password: string): Promise<void> {
  const session = await taken(await call("POST", { username, password }));
  client.clear();
  client.setQueryData(sessionQuery.queryKey, session);
}

export async function signOut(client: QueryClient): Promise<void> {
  await call("DELETE");
  mark(false);
  client.clear();
  client.setQueryData(sessionQuery.queryKey, null);
}

/** Who is signed in, on pages that only those see who are. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new ApiError({ status: 401, message: "Nobody is signed in.", code: "unauthenticated" });
  return data;
}

/** Whether the signed-in person may do what needs this role. The server decides; this only hides what it would refuse. */
export function useMay(role: Role): boolean {
  const rank = { viewer: 1, member: 2, admin: 3 };
  return rank[useSession().role] >= rank[role];
}
