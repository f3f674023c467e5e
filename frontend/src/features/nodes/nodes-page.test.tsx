import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aNode, CLUSTER } from "@/test/fleet";
import { refusal, renderApp, type Routes } from "@/test/server";
import { groupsOf } from "./gpu-tiles";

const LAB = { cluster_id: CLUSTER, cluster_name: "lab", cluster_description: null, total_nodes: 1, busy_nodes: 0, total_running_jobs: 0 };
const JOB = { job_id: "j1", job_name: "digits", job_status: "running", owner: "bob", started_at: null, finished_at: null };

function routes(nodes: ReturnType<typeof aNode>[], more: Routes = {}): Routes {
  return { "GET /nodes": { nodes }, "GET /clusters": { clusters: [LAB] }, "GET /training_jobs": { jobs: [JOB], next: null }, ...more };
}

describe("the nodes", () => {
  it("are filtered and sorted by the address, which follows the filters", async () => {
    const nodes = [aNode({ name: "a-1", labels: { rack: "b2" } }), aNode({ name: "a-2", node_status: "lost" }), aNode({ name: "c-3", labels: { rack: "b2" } })];
    const server = await renderApp("/nodes?q=rack%3Db2&sort=-name", routes(nodes));
    const table = await screen.findByRole("table", { name: "Nodes" });
    const names = () => within(table).getAllByRole("row").slice(1).map((row) => within(row).getAllByRole("link")[0]?.textContent);
    await waitFor(() => expect(names()).toEqual(["c-3", "a-1"]));
    await userEvent.clear(screen.getByRole("searchbox", { name: "Search" }));
    await userEvent.selectOptions(screen.getByLabelText("State"), "lost");
    await waitFor(() => expect(names()).toEqual(["a-2"]));
    expect(server.router.state.location.search).toEqual({ state: "lost", sort: "-name" });
  });

  it("show who holds which GPU, which are free, and which are ill", async () => {
    const node = aNode({ name: "gpu-1", gpus: [{ job_id: "j1", job_name: "digits", owner: "bob", utilization_pct: 87, used_memory_mb: 2048 }, {}, { healthy: false, problem: "Xid 79" }, { job_id: "j2" }] });
    await renderApp("/nodes?view=gpus", routes([node, aNode({ name: "cpu-1" })]));
    const tiles = within(await screen.findByRole("list", { name: "GPUs" })).getAllByRole("listitem");
    await waitFor(() => expect(tiles[0]).toHaveTextContent("digits"));
    expect(tiles.map((tile) => tile.textContent)).toEqual([
      expect.stringMatching(/87%.*digitsbob/),
      expect.stringContaining("free"),
      expect.stringContaining("unhealthy"),
      expect.stringContaining("job j2somebody else"),
    ]);
    expect(tiles[0]).toHaveAttribute("title", "NVIDIA H100 80GB HBM3, 2 GiB of 79.6 GiB, load 87%");
    expect(screen.getByText(/2 of 4 GPUs are held by jobs; free: 1; unhealthy: 1/)).toBeInTheDocument();
  });

  it("keep the parts of one GPU together", () => {
    const node = aNode({ gpus: [{ uuid: "whole" }, { uuid: "p1", mig: "1g.10gb", parent: "x" }, { uuid: "p2", mig: "1g.10gb", parent: "y" }, { uuid: "p3", mig: "2g.20gb", parent: "x" }] });
    expect(groupsOf(node.gpus).map((group) => group.members.map(({ gpu }) => gpu.uuid))).toEqual([["whole"], ["p1", "p3"], ["p2"]]);
  });
});

describe("a node", () => {
  const USAGE = { since: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z", step_s: 10, samples: [], capacity: { cpu_millicores: 1, memory_mb: 1, gpus: 0, gpu_memory_mb: 0 } };
  const page = (node: ReturnType<typeof aNode>, more: Routes = {}) =>
    routes([node], {
      "GET /nodes/{}": node,
      "GET /nodes/{}/usage": USAGE,
      "GET /nodes/{}/jobs": { jobs: [JOB], next: null },
      "GET /nodes/{}/events": { events: [], next: null },
      "GET /queues": [],
      "GET /users": { users: [] },
      ...more,
    });

  it("is drained with a deadline, after it was said whom that affects", async () => {
    const node = aNode({ name: "gpu-1", node_status: "busy", jobs: ["j1", "j2"] });
    const server = await renderApp(`/nodes/${node.id}`, page(node, { "POST /nodes/{}/drain": node }));
    await userEvent.click(await screen.findByRole("button", { name: "Drain" }));
    const dialog = screen.getByRole("dialog");
    await waitFor(() => expect(dialog).toHaveTextContent("2 jobs run there: digits of bob and 1 more."));
    await userEvent.selectOptions(within(dialog).getByLabelText("What runs there now"), "later");
    await userEvent.clear(within(dialog).getByLabelText("Minutes"));
    await userEvent.type(within(dialog).getByLabelText("Minutes"), "5");
    await userEvent.click(within(dialog).getByRole("button", { name: "Drain" }));
    await waitFor(() => expect(server.sent("POST /nodes/{}/drain")[0]?.body).toEqual({ deadline_s: 300, evict: false }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  });

  it("gets labels, and what is no label is told by its line", async () => {
    const node = aNode({ set_labels: { rack: "b2", old: "x" }, labels: { rack: "b2", old: "x", zone: "eu" } });
    const server = await renderApp(`/nodes/${node.id}`, page(node, { "PATCH /nodes/{}": node }));
    await userEvent.click(await screen.findByRole("button", { name: "Labels" }));
    const box = screen.getByLabelText("Set labels");
    expect(box).toHaveValue("rack=b2\nold=x");
    await userEvent.clear(box);
    await userEvent.type(box, "rack=b3\nnonsense");
    await userEvent.click(screen.getByRole("button", { name: "Set labels" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Line 2 is not key=value: nonsense");
    await userEvent.clear(box);
    await userEvent.type(box, "rack=b3");
    await userEvent.click(screen.getByRole("button", { name: "Set labels" }));
    await waitFor(() => expect(server.sent("PATCH /nodes/{}")[0]?.body).toEqual({ labels: { rack: "b3", old: null } }));
  });

  it("that there is not says so and leads back", async () => {
    await renderApp("/nodes/nope", page(aNode({}), { "GET /nodes/{}": refusal(404, "Node nope not found.") }));
    expect(await screen.findByText("Node nope not found.")).toBeInTheDocument();
  });

  it("offers viewers nothing that they may not do", async () => {
    const node = aNode({ name: "gpu-1", node_status: "lost" });
    const viewer = { user_id: "7f000000-0000-0000-0000-000000000002", username: "vic", first_name: null, last_name: null, role: "viewer", scope: "admin", expires_at: null, session_ends_at: null };
    await renderApp(`/nodes/${node.id}`, page(node, { "GET /auth/session": viewer }));
    expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("gpu-1 lost");
    expect(screen.queryByRole("button", { name: /Drain|Remove|Labels/ })).not.toBeInTheDocument();
  });
});
