import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ADA, refusal, renderApp } from "@/test/server";
import { moved } from "./target-list";

const CLUSTERS = { clusters: ["east", "north", "west"].map((name) => ({ cluster_id: `c-${name}`, cluster_name: name })) };
const QUEUE = {
  id: "q-1",
  name: "<i>training</i>",
  priority: 10,
  cluster_targets: ["c-east", "c-west"],
  paused: false,
  waiting_jobs: 2,
  in_use: { running_jobs: 1, gpus: 2, cpu_millicores: 4000, memory_mb: 2048 },
  limits: { gpus: 8 },
  user_limits: {},
  order: "fifo",
  ageing_s: null,
  preemption: true,
};
const waiting = (position: number, more: object) => ({
  job_id: `j-${position}`,
  job_name: `job-${position}`,
  owner: "bob",
  priority: 0,
  position,
  expected_start: null,
  code: "resources",
  message: "needs 8 GPUs",
  ...more,
});
const ROUTES = { "GET /queues": [QUEUE], "GET /clusters": CLUSTERS, "GET /queues/{}": QUEUE, "GET /queues/{}/line": { jobs: [waiting(1, { priority: 5 }), waiting(2, { owner: "ada" })], waiting_jobs: 3 } };

test("items are moved to another place", () => {
  expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
});

test("a queue's clusters are put into another order by the keyboard, and its limits changed", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/queues", { ...ROUTES, "PATCH /queues/{}": QUEUE });
  expect(await screen.findByText("<i>training</i>")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Edit <i>training</i>" }));
  const dialog = await screen.findByRole("dialog");
  await waitFor(() => expect(within(dialog).getAllByRole("listitem").map((item) => item.textContent)).toEqual(["1east", "2west"]));
  within(dialog).getByRole("button", { name: "Move west up" }).focus();
  await user.keyboard("{Enter}");
  await user.selectOptions(within(dialog).getByLabelText("Clusters"), "north");
  expect(within(dialog).getAllByRole("listitem").map((item) => item.textContent)).toEqual(["1west", "2east", "3north"]);
  const memory = within(dialog).getAllByLabelText("Memory")[0] as HTMLElement;
  await user.type(memory, "plenty");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  expect(within(dialog).getByText(/plenty is no such amount/)).toBeVisible();
  expect(server.sent("PATCH /queues/{}")).toEqual([]);
  await user.clear(memory);
  await user.type(memory, "512GiB");
  await user.click(within(dialog).getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.sent("PATCH /queues/{}")[0]?.body).toMatchObject({
    cluster_targets: ["c-west", "c-east", "c-north"],
    limits: { gpus: 8, memory_mb: 524_288, running_jobs: null },
  });
});

test("deleting a queue says how many wait, and cancels them only if that is ticked", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/queues", {
    ...ROUTES,
    "DELETE /queues/{}": (call: { query: URLSearchParams }) => (call.query.get("cancel_waiting") === "true" ? {} : refusal(409, "2 jobs wait in queue.")),
  });
  await user.click(await screen.findByRole("button", { name: "Delete <i>training</i>" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(dialog).toHaveTextContent("2 jobs wait in it");
  expect(dialog).toHaveTextContent("1 job of it runs and goes on.");
  await user.click(within(dialog).getByRole("button", { name: "Delete queue" }));
  expect(await within(dialog).findByText("2 jobs wait in queue.")).toBeVisible();
  await user.click(within(dialog).getByLabelText("Cancel all 2 for good"));
  await user.click(within(dialog).getByRole("button", { name: "Cancel 2 jobs and delete" }));
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  expect(server.sent("DELETE /queues/{}")).toHaveLength(2);
});

test("members see the line and move their own jobs only", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/queues/q-1", { ...ROUTES, "GET /auth/session": { ...ADA, role: "member" }, "PATCH /training_jobs/{}": {} });
  const table = await screen.findByRole("table", { name: /Waiting jobs/ });
  expect(within(table).queryByRole("button", { name: "Move job-1" })).toBeNull();
  expect(screen.queryByRole("button", { name: /Edit/ })).toBeNull();
  expect(screen.getByRole("meter", { name: /GPUs: 2 GPUs of at most 8 GPUs/ })).toBeVisible();
  await user.click(within(table).getByRole("button", { name: "Move job-2" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent("6 would put it first.");
  await user.clear(within(dialog).getByLabelText("Priority"));
  await user.type(within(dialog).getByLabelText("Priority"), "6");
  await user.click(within(dialog).getByRole("button", { name: "Move" }));
  await waitFor(() => expect(server.sent("PATCH /training_jobs/{}")[0]?.body).toEqual({ priority: 6 }));
});
