import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noteExpiry, onSessionLost, send } from "./client";
import { ApiError } from "./errors";

type Answer = [status: number, body?: unknown, headers?: Record<string, string>];

/** `fetch` that answers from a script by path; what was asked, in order. */
function answering(script: Record<string, Answer[]>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(input, "http://lilac.test"), init);
    const path = new URL(request.url).pathname;
    asked.push(`${request.method} ${path} ${request.headers.get("x-requested-with")}`);
    const [status, body, headers] = script[path]?.shift() ?? [599];
    return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
  });
  return asked;
}

const get = (path: string) => send(new Request(`http://lilac.test${path}`));
const REFRESH = "/api/auth/session/refresh";

describe("calls with the session", () => {
  beforeEach(() => noteExpiry(null));
  afterEach(() => vi.unstubAllGlobals());

  it("renews a session that has run out, once for all that wait, and sends the calls again", async () => {
    const asked = answering({
      "/api/queues": [[401], [200, []]],
      "/api/nodes": [[401], [200, []]],
      [REFRESH]: [[200, { expires_at: null }]],
    });
    const replies = await Promise.all([get("/api/queues"), get("/api/nodes")]);
    expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
    expect(asked.filter((call) => call.startsWith("POST"))).toEqual([`POST ${REFRESH} lilac`]);
    expect(asked.every((call) => call.endsWith("lilac"))).toBe(true);
  });

  it("renews before a call that the session would not outlive", async () => {
    noteExpiry(new Date(Date.now() + 5_000).toISOString());
    const asked = answering({ "/api/queues": [[200, []]], [REFRESH]: [[200, { expires_at: null }]] });
    await get("/api/queues");
    expect(asked).toEqual([`POST ${REFRESH} lilac`, "GET /api/queues lilac"]);
  });

  it("tells that the session is lost when it cannot be renewed", async () => {
    answering({ "/api/queues": [[401, { error: "Who?", code: "unauthenticated" }]], [REFRESH]: [[401]] });
    const lost = vi.fn<() => void>();
    const end = onSessionLost(lost);
    await expect(get("/api/queues")).rejects.toMatchObject({ status: 401, message: "Who?", code: "unauthenticated" });
    end();
    expect(lost).toHaveBeenCalledOnce();
  });

  it("gives the server's sentence, the field and when to try again", async () => {
    answering({
      "/api/queues": [[422, { error: "priority: must be a whole number.", code: "invalid_input", field: "priority" }, { "retry-after": "7" }]],
    });
    const failure = await get("/api/queues").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({ field: "priority", retryAfterS: 7, message: "priority: must be a whole number." });
  });

  it("has words for a reply that is not the API's and for none at all", async () => {
    answering({ "/api/queues": [[502, "<html>"]] });
    await expect(get("/api/queues")).rejects.toThrow("answered 502");
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("network")));
    await expect(get("/api/queues")).rejects.toMatchObject({ status: 0, code: "unreachable" });
  });
});
