import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test } from "vitest";
import { ADA, type Call, refusal, renderApp } from "@/test/server";

const QUEUES = ["training", "night"].map((name) => ({ id: `q-${name}`, name, priority: 1, cluster_targets: [], paused: false, waiting_jobs: 0, in_use: { running_jobs: 0, gpus: 0, cpu_millicores: 0, memory_mb: 0 }, limits: {}, user_limits: {}, order: "fifo", ageing_s: null, preemption: true }));
type Asked = { submit: { resource_requirements: { cpu_millicores: number } } };
const ROUTES = {
  "GET /queues": QUEUES,
  "GET /secrets": { secrets: [] },
  "GET /volumes": { volumes: [] },
  "POST /what-if": ({ body }: Call) => {
    const fits = (body as Asked).submit.resource_requirements.cpu_millicores <= 4000;
    return { submitted: { start: null, starts_now: fits, code: fits ? null : "never_fits", message: fits ? null : "needs 64 CPUs on one node", preempts: [], preempts_others: 0, nodes: fits ? [{ id: "n", name: "gpu-1" }] : [] }, jobs: [], more: 0, others: { earlier: 0, later: 0 } };
  },
};
const yaml = () => screen.getByLabelText<HTMLTextAreaElement>("As YAML");

afterEach(() => sessionStorage.clear());

test("what the scheduler would do follows the form, and the job is submitted as it stands there", async () => {
  const user = userEvent.setup();
  const server = await renderApp("/submit", { ...ROUTES, "POST /training_jobs": { id: "j-1", name: "train" }, "GET /training_jobs/{}": refusal(404, "not of this test"), "GET /training_jobs/{}/{}": refusal(404, "not of this test") });
  expect(await screen.findByText("Say an image to see where it would run.")).toBeVisible();
  await user.type(screen.getByLabelText("Image"), "debian:12");
  expect(await screen.findByText("It would start now on gpu-1.")).toBeVisible();
  await user.clear(screen.getByLabelText("Cores"));
  await user.type(screen.getByLabelText("Cores"), "64");
  expect(await screen.findByText("Needs 64 CPUs on one node.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Submit" }));
  expect(screen.getByText("Give the job a name.")).toBeVisible();
  await user.type(screen.getByLabelText("Name"), "train");
  await user.type(screen.getByLabelText("Command"), "echo it's");
  expect(screen.getByText(/--command='echo it'"'"'s'/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Submit" }));
  await waitFor(() => expect(server.router.state.location.pathname).toBe("/jobs/j-1"));
  expect(server.sent("POST /training_jobs")[0]?.body).toEqual({
    name: "train",
    definition: "debian:12",
    queue_id: "q-training",
    command: ["sh", "-c", "echo it's"],
    resource_requirements: { cpu_millicores: 64_000, memory_mb: 1024 },
  });
  expect(sessionStorage.getItem("lilac.form")).toBeNull();
});

test("a sentence of the server stands at its field, in a part that is unfolded for it", async () => {
  const user = userEvent.setup();
  await renderApp("/submit", { ...ROUTES, "POST /what-if": refusal(422, "There is no secret 'unknown'.", { field: "secrets.name" }) });
  await user.type(await screen.findByLabelText("Image"), "debian:12");
  await waitFor(() => expect(screen.getAllByText("There is no secret 'unknown'.")).toHaveLength(2));
  expect(screen.getByText("Variables and secrets").closest("details")).toHaveAttribute("open");
});

test("pasted YAML becomes the form, and its mistakes have line numbers", async () => {
  const user = userEvent.setup();
  await renderApp("/submit", ROUTES);
  await screen.findByLabelText("Name");
  fireEvent.change(yaml(), { target: { value: "name: pasted\nimage: debian:12\nqueue: night\nresources:\n  cpu: two\n  memory: 1GiB\n" } });
  expect(screen.getByText(/Line 5, column 8: resources.cpu must be cores/)).toBeVisible();
  fireEvent.change(yaml(), { target: { value: "name: pasted\nimage: debian:12\nqueue: night\nresources:\n  cpu: 2\n  memory: 1GiB\nenv:\n  A: no\n" } });
  expect(screen.queryByText(/Line 5/)).toBeNull();
  expect(screen.getByLabelText("Name")).toHaveValue("pasted");
  expect(screen.getByLabelText("Queue")).toHaveValue("night");
  expect(screen.getByLabelText("Value of variable 1")).toHaveValue("no");
  await user.type(screen.getByLabelText("Time limit"), "2h");
  expect(yaml().value).toContain("time_limit: 2h");
});

test("a draft fills the form, and what was typed is there again after the page was left", async () => {
  const user = userEvent.setup();
  sessionStorage.setItem("lilac.draft", JSON.stringify({ name: "again", definition: "debian:12", queue_id: "q-night", resource_requirements: { cpu_millicores: 500, memory_mb: 512 }, priority: 7 }));
  const server = await renderApp("/submit?draft=1", { ...ROUTES, "GET /clusters": { clusters: [] } });
  expect(await screen.findByLabelText("Name")).toHaveValue("again");
  expect(screen.getByLabelText("Priority")).toHaveValue("7");
  await waitFor(() => expect(screen.getByLabelText("Queue")).toHaveValue("night"));
  expect(server.router.state.location.search).toEqual({});
  await user.type(screen.getByLabelText("Name"), "-2");
  await server.router.navigate({ to: "/queues" });
  await screen.findByRole("heading", { name: "Queues" });
  await server.router.navigate({ to: "/submit" });
  expect(await screen.findByLabelText("Name")).toHaveValue("again-2");
});

test("viewers are told that they cannot submit, and nobody gets what another typed", async () => {
  sessionStorage.setItem("lilac.form", JSON.stringify({ user: "somebody else", form: { name: "theirs" } }));
  const server = await renderApp("/submit", { ...ROUTES, "GET /clusters": { clusters: [] } });
  expect(await screen.findByLabelText("Name")).toHaveValue("");
  server.client.setQueryData(["session"], { ...ADA, role: "viewer" });
  expect(await screen.findByText(/Viewers may look but not submit/)).toBeVisible();
});
