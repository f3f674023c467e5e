import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aNode, aQueue, CLUSTER } from "@/test/fleet";
import { refusal, renderApp, type Routes } from "@/test/server";

const LAB = { cluster_id: CLUSTER, cluster_name: "lab", cluster_description: "The basement", total_nodes: 1, busy_nodes: 1, total_running_jobs: 1 };
const INFO = {
  ...LAB,
  cpu_info: { total_millicores: 16_000, used_millicores: 4000 },
  memory_info: { total_memory_mb: 65_536, used_memory_mb: 1024 },
  gpu_info: { total_gpus: 0, used_gpus: 0 },
  job_info: { total_running_jobs: 1 },
  created_at: "2030-01-01T00:00:00Z",
  updated_at: "2030-01-01T00:00:00Z",
};
const USAGE = { since: "2030-01-01T00:00:00Z", until: "2030-01-01T01:00:00Z", step_s: 10, samples: [], capacity: { cpu_millicores: 1, memory_mb: 1, gpus: 0 }, allocated: { cpu_millicores: 1, memory_mb: 1, gpus: 0 } };
const KEY = { id: "k1", prefix: "lilac_sk_ab", name: "rack-1", created_at: "2030-01-01T00:00:00Z", last_used_at: null, expires_at: null, scope: "admin", cluster_id: CLUSTER };

function routes(more: Routes = {}): Routes {
  return {
    "GET /clusters": { clusters: [LAB] },
    "GET /clusters/{}/info": INFO,
    "GET /clusters/{}/usage": USAGE,
    "GET /clusters/{}/api-keys": [KEY],
    "GET /nodes": { nodes: [] },
    "GET /queues": [],
    "GET /training_jobs": { jobs: [], next: null },
    ...more,
  };
}

describe("clusters", () => {
  it("are listed with what they have and what of it is given to jobs", async () => {
    await renderApp("/clusters", routes());
    const table = await screen.findByRole("table", { name: "Clusters" });
    expect(await within(table).findByRole("meter", { name: "CPU of lab given to jobs" })).toHaveAttribute("aria-valuenow", "4000");
    expect(table).toHaveTextContent("4 of 16 cores");
  });

  it("are made by name, and a name that is taken is told beside the field", async () => {
    const server = await renderApp("/clusters", routes({ "POST /clusters": refusal(409, "There is a cluster 'lab' already; choose another name.", { field: "cluster_name" }) }));
    await userEvent.click(await screen.findByRole("button", { name: "New cluster" }));
    await userEvent.type(screen.getByLabelText("Name"), "lab");
    await userEvent.click(screen.getByRole("button", { name: "Create" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("choose another name");
    server.routes["POST /clusters"] = { cluster_id: CLUSTER };
    await userEvent.click(screen.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(server.router.state.location.pathname).toBe(`/clusters/${CLUSTER}`));
  });

  it("say what deleting them would affect", async () => {
    const queues = [aQueue({ name: "night" }), aQueue({ name: "day", cluster_targets: [CLUSTER, "another"] })];
    await renderApp(`/clusters/${CLUSTER}`, routes({ "GET /queues": queues, "GET /nodes": { nodes: [aNode({ name: "gpu-1" })] } }));
    await userEvent.click((await screen.findAllByRole("button", { name: "Delete" }))[0] as HTMLElement);
    const dialog = screen.getByRole("alertdialog");
    await waitFor(() => expect(dialog).toHaveTextContent("node gpu-1 is alive in it"));
    expect(dialog).toHaveTextContent("Queues that lead to it lose it: night, day.");
    expect(dialog).toHaveTextContent("Jobs of night would then wait for ever");
  });
});

describe("adding a node", () => {
  it("makes a key, shows the commands with it, and sees the node come", async () => {
    const made = { id: "k2", prefix: "lilac_sk_cd", key: "lilac_sk_cdef", name: "x", created_at: "2030-01-01T00:00:00Z", expires_at: null, scope: "admin" };
    const server = await renderApp(`/clusters/${CLUSTER}`, routes({ "POST /clusters/{}/api-keys": made }));
    await userEvent.click(await screen.findByRole("button", { name: "Add a node" }));
    const dialog = screen.getByRole("dialog", { name: "Add a node to lab" });
    expect(await within(dialog).findByText(/export LILAC_CLUSTER_API_KEY=lilac_sk_cdef/)).toHaveTextContent("lilac agent start --runtime docker");
    await userEvent.selectOptions(within(dialog).getByLabelText("Jobs run in"), "process");
    expect(within(dialog).getByText(/lilac agent start/)).toHaveTextContent("--runtime process");
    expect(within(dialog).getByText(/leads only to the machine/)).toBeInTheDocument();
    await server.tell({ kind: "node.joined", node_id: "n0", cluster_id: "another", data: { name: "elsewhere" } });
    expect(within(dialog).getByText("Waiting for the node…")).toBeInTheDocument();
    await server.tell({ kind: "node.joined", node_id: "n1", cluster_id: CLUSTER, data: { name: "gpu-7" } });
    expect(await within(dialog).findByRole("link", { name: "gpu-7" })).toHaveAttribute("href", "/ui/nodes/n1");
    expect(server.sent("POST /clusters/{}/api-keys")).toHaveLength(1);
  });
});
