/**
 * The real router, rendered against canned replies of the API.
 *
 *     const server = await renderApp("/queues", { "GET /queues": { queues: [] } });
 *     await screen.findByText("…");
 *     expect(server.sent("POST /queues")[0]?.body).toEqual({ … });
 *
 * A reply is a body, a `Response`, or a function of the call. Paths are those of the API, with `{}` for any one segment;
 * a path with a query (`GET /jobs?state=failed`) is preferred to the one without. A call nobody prepared fails the test
 * by its name when it ends. Events are told by `server.tell({ kind: "job.running", job_id })`.
 */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { act, render } from "@testing-library/react";
import { onTestFinished, vi } from "vitest";
import { makeRouter } from "@/app/router";
import type { Session } from "@/app/session";
import { eventKindValues } from "@/api/schema.gen";
import type { PlatformEvent } from "@/api/stream";

export interface Call {
  method: string;
  /** Path under `/api`. */
  path: string;
  query: URLSearchParams;
  body: unknown;
  /** What `{}` stood for. */
  parts: readonly string[];
}
type Reply = unknown;
export type Routes = Record<string, Reply | ((call: Call) => Reply | Promise<Reply>)>;

export interface TestServer {
  /** Every call so far. */
  calls: Call[];
  /** The calls of `"POST /queues"`. */
  sent: (route: string) => Call[];
  /** Answer differently from now on. */
  routes: Routes;
  tell: (event: Partial<PlatformEvent> & { kind: string }) => Promise<void>;
  client: QueryClient;
  router: ReturnType<typeof makeRouter>;
}

export const ADA: Session = {
  user_id: "7f000000-0000-0000-0000-000000000001",
  username: "ada",
  first_name: "Ada",
  last_name: null,
  role: "admin",
  scope: "admin",
  expires_at: null,
  session_ends_at: null,
};

/** An error as the API tells it. */
export function refusal(status: number, error: string, more: { code?: string; field?: string } = {}): Response {
  return Response.json({ error, ...more }, { status });
}

/** Render a place of the UI (`/jobs?state=queued`). The session is Ada's, an admin, unless `GET /auth/session` says other. */
export async function renderApp(path: string, routes: Routes): Promise<TestServer> {
  const calls: Call[] = [];
  const unknown: string[] = [];
  const held: Routes = { "GET /auth/session": ADA, ...routes };
  localStorage.setItem("lilac.signed-in", "1");
  onTestFinished(() => localStorage.clear());
  vi.stubGlobal("fetch", async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input instanceof Request ? input : new URL(String(input), window.location.origin), init);
    const url = new URL(request.url);
    const text = await request.text();
    const call: Call = { method: request.method, path: url.pathname.replace(/^\/api/, ""), query: url.searchParams, body: text ? parsed(text) : undefined, parts: [] };
    calls.push(call);
    const found = match(held, call, url.search);
    if (!found) {
      unknown.push(`${call.method} ${call.path}${url.search}`);
      return refusal(404, `The test prepared no reply to ${call.method} ${call.path}.`);
    }
    const reply = typeof found.reply === "function" ? await (found.reply as (call: Call) => Reply)({ ...call, parts: found.parts }) : found.reply;
    return reply instanceof Response ? reply.clone() : Response.json(reply ?? {});
  });
  const sources: FakeSource[] = [];
  vi.stubGlobal(
    "EventSource",
    class extends FakeSource {
      constructor() {
        super();
        sources.push(this);
      }
    },
  );
  // jsdom knows neither the page's size nor how to scroll it
  vi.stubGlobal("scrollTo", () => {});
  onTestFinished(() => {
    vi.unstubAllGlobals();
    if (unknown.length > 0) throw new Error(`calls without a prepared reply: ${[...new Set(unknown)].join(", ")}`);
  });
  window.history.replaceState(null, "", `/ui${path}`);
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } });
  const router = makeRouter(client);
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await act(() => router.load());
  let seq = 0;
  return {
    calls,
    sent: (route) => {
      const [method, wanted = ""] = route.split(" ");
      return calls.filter((call) => call.method === method && pattern(wanted).test(call.path));
    },
    routes: held,
    tell: (event) =>
      act(async () => {
        const full = { at: new Date().toISOString(), actor: "ada", job_id: null, node_id: null, cluster_id: null, queue_id: null, user_id: null, data: {}, ...event, seq: event.seq ?? ++seq };
        for (const source of sources) source.tell(event.kind, JSON.stringify(full));
      }),
    client,
    router,
  };
}

class FakeSource {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((message: MessageEvent<string>) => void) | null = null;
  readyState = 0;
  private readonly byKind = new Map<string, (message: MessageEvent<string>) => void>();
  constructor() {
    queueMicrotask(() => act(() => this.onopen?.()));
  }
  addEventListener(kind: string, listener: (message: MessageEvent<string>) => void) {
    this.byKind.set(kind, listener);
  }
  tell(kind: string, data: string) {
    if (!(eventKindValues as readonly string[]).includes(kind)) throw new Error(`there is no event kind ${kind}`);
    this.byKind.get(kind)?.({ data } as MessageEvent<string>);
  }
  close() {
    this.readyState = 2;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("([^/]+)")}$`);
}

function match(routes: Routes, call: Call, search: string): { reply: Routes[string]; parts: string[] } | null {
  for (const wanted of [call.path + search, call.path]) {
    const exact = routes[`${call.method} ${wanted}`];
    if (exact !== undefined) return { reply: exact, parts: [] };
  }
  for (const [name, reply] of Object.entries(routes)) {
    const [method, path = ""] = name.split(" ");
    const parts = method === call.method ? pattern(path).exec(call.path) : null;
    if (parts) return { reply, parts: parts.slice(1).map(decodeURIComponent) };
  }
  return null;
}
