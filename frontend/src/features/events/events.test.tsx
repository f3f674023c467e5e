import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { type Call, renderApp } from "@/test/server";
import type { PlatformEvent } from "@/api/stream";
import { csv, jsonLines } from "./export";
import { matches, queryOf } from "./filter";
import { eventSearch } from "./search";

const event = (seq: number, more: Partial<PlatformEvent> = {}): PlatformEvent => ({
  seq, at: "2026-11-30T22:00:00Z", kind: "queue.changed", actor: "user:ada", job_id: null, node_id: null, cluster_id: null, queue_id: "q-1", user_id: null, data: { name: `queue ${seq} <b>` }, ...more,
});
const ROUTES = {
  "GET /nodes": { nodes: [] },
  "GET /clusters": { clusters: [] },
  "GET /queues": [],
  "GET /users": { users: [] },
  "GET /events": ({ query }: Call) => {
    const before = Number(query.get("before") ?? 151);
    const first = Math.max(1, before - Number(query.get("limit")));
    return { events: Array.from({ length: before - first }, (_, at) => event(first + at)), next: null };
  },
};

test("a filter is what the address says, asked of the server and applied to the stream", () => {
  const search = eventSearch({ kind: "queue.*", actor: "user:ada", node: 5, since: "2026-11-30T00:00" });
  expect(search).toEqual({ kind: "queue.*", actor: "user:ada", since: "2026-11-30T00:00" });
  const query = queryOf(search, null);
  expect(query.kind).toBe("queue.created,queue.changed,queue.deleted");
  expect(matches(event(1), query)).toBe(true);
  expect(matches(event(1, { kind: "job.failed" }), query)).toBe(false);
  expect(matches(event(1, { actor: "system" }), query)).toBe(false);
  expect(matches(event(1, { at: "2020-01-01T00:00:00Z" }), query)).toBe(false);
});

test("files hold every event whole, and no formulas", () => {
  const events = [event(1, { actor: "=HYPERLINK(1)", data: { a: 'x,"y' } })];
  expect(JSON.parse(jsonLines(events))).toEqual(events[0]);
  expect(csv(events).split("\r\n")).toEqual(["seq,at,kind,actor,job_id,node_id,cluster_id,queue_id,user_id,data", `1,2026-11-30T22:00:00Z,queue.changed,'=HYPERLINK(1),,,,q-1,,"{""a"":""x,\\""y""}"`, ""]);
});

test("new events come to the top, older ones are read in pages, and filters go into the address", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/events?queue=q-1", ROUTES);
  expect(await screen.findByText(/queue 150 <b>/)).toBeVisible();
  expect(server.sent("GET /events")[0]?.query.get("queue_id")).toBe("q-1");
  await server.tell(event(151));
  await server.tell(event(152, { queue_id: "q-2" }));
  expect(await screen.findByText(/queue 151 <b>/)).toBeVisible();
  expect(screen.queryByText(/queue 152 <b>/)).toBeNull();
  const older = screen.queryByRole("button", { name: "Older events" });
  if (older) await user.click(older);
  await waitFor(() => expect(server.sent("GET /events").some((call) => call.query.get("before") === "51")).toBe(true));
  expect(await screen.findByText("This is the beginning.")).toBeVisible();
  await user.selectOptions(screen.getByLabelText("Kind"), "job.*");
  await waitFor(() => expect(server.router.state.location.search).toEqual({ queue: "q-1", kind: "job.*" }));
  await user.click(screen.getByRole("button", { name: "Clear filters" }));
  await waitFor(() => expect(server.router.state.location.search).toEqual({}));
});
