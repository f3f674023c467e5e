import { QueryClient } from "@tanstack/react-query";
import { createMemoryHistory } from "@tanstack/react-router";
import { describe, expect, it, vi } from "vitest";
import { ADA } from "@/test/server";
import { makeRouter } from "./router";
import { sessionQuery } from "./session";

describe("addresses", () => {
  it.each([
    "/?range=900y",
    "/jobs?status=asleep&kind=circus&within=ever",
    "/jobs/7f?tab=evil&rank=first&attempt=-1",
    "/nodes?state=asleep&sort=%3Cb%3E&view=film",
    "/nodes/n1?range=900y",
    "/clusters/c1?range=900y",
    "/submit?draft=no",
    "/login?back=%2F%2Fevil.example",
  ])("%s: no page gets a value that its address may not have", async (path) => {
    vi.stubGlobal("fetch", async () => Response.json({}));
    const client = new QueryClient();
    client.setQueryData(sessionQuery.queryKey, ADA);
    const router = makeRouter(client);
    router.update({ ...router.options, history: createMemoryHistory({ initialEntries: [`/ui${path}`] }) } as never);
    await router.load();
    const got = router.state.matches.at(-1)?.search ?? {};
    expect(Object.entries(got).filter(([, value]) => value !== undefined)).toEqual([]);
  });
});
