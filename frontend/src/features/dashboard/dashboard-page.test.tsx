import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { aNode, aQueue, CLUSTER, NO_ATTENTION } from "@/test/fleet";
import { renderApp, type Routes } from "@/test/server";

const counts = (more: object) => ({ counts: { queued: 0, starting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, ...more }, total: 0 });
const SAMPLE = { at: "2030-01-01T00:00:00Z", cpu_millicores: 4000, memory_mb: 2048, gpu_utilization_pct: null, gpu_memory_mb: null, allocated: { cpu_millicores: 8000, memory_mb: 1024, gpus: 0 } };

function routes(more: Routes): Routes {
  return {
    "GET /training_jobs/summary": counts({ queued: 12_345, running: 3, starting: 1, failed: 2 }),
    "GET /training_jobs": { jobs: [{}], next: null },
    "GET /nodes": { nodes: [] },
    "GET /clusters": { clusters: [] },
    "GET /queues": [],
    "GET /users": { users: [] },
    "GET /attention": NO_ATTENTION,
    "GET /events": { events: [], next: null },
    ...more,
  };
}

const lab = { cluster_id: CLUSTER, cluster_name: "lab", cluster_description: null, total_nodes: 1, busy_nodes: 0, total_running_jobs: 0 };
const usage = {
  cluster_id: CLUSTER,
  cluster_name: "lab",
  since: "2030-01-01T00:00:00Z",
  until: "2030-01-01T01:00:00Z",
  step_s: 10,
  samples: [SAMPLE],
  capacity: { cpu_millicores: 16_000, memory_mb: 65_536, gpus: 0 },
  allocated: { cpu_millicores: 8000, memory_mb: 1024, gpus: 0 },
};

describe("the dashboard", () => {
  it("counts jobs, each count leading to its jobs, and reads them again when something happens", async () => {
    const server = await renderApp("/", routes({ "GET /nodes": { nodes: [aNode({})] }, "GET /queues": [aQueue({})] }));
    const now = await screen.findByRole("list", { name: "Jobs now" });
    const waiting = await within(now).findByRole("link", { name: /12,345/ });
    expect(waiting).toHaveAttribute("href", "/ui/jobs?status=queued");
    expect(within(now).getByRole("link", { name: /running/ })).toHaveTextContent("4");
    server.routes["GET /training_jobs/summary"] = counts({ running: 9 });
    await server.tell({ kind: "job.running", job_id: "j1" });
    await waitFor(() => expect(within(now).getByRole("link", { name: /running/ })).toHaveTextContent("9"));
  });

  it("shows every node by word and link, what the clusters use, and how long jobs wait", async () => {
    await renderApp("/", routes({
      "GET /nodes": { nodes: [aNode({ name: "n-10" }), aNode({ name: "n-9", node_status: "lost" })] },
      "GET /clusters": { clusters: [lab] },
      "GET /queues": [aQueue({ name: "night", waiting_jobs: 2, waiting_since: new Date(Date.now() - 120_000).toISOString() })],
      "GET /clusters/{}/usage": usage,
      "GET /attention": { ...NO_ATTENTION, total: 1, lost_nodes: [{ id: "x", name: "n-9", cluster_id: CLUSTER, last_heartbeat: "2030-01-01T00:00:00Z" }] },
    }));
    const squares = within(await screen.findByRole("list", { name: "Nodes" })).getAllByRole("link");
    expect(squares.map((square) => square.getAttribute("aria-label"))).toEqual(["n-9: lost", "n-10: available"]);
    expect(await screen.findByRole("figure", { name: "CPU" })).toHaveTextContent("used: 4 cores; given to jobs: 8 cores; capacity: 16 cores.");
    expect(screen.getByText(/oldest for/)).toHaveTextContent(/(1m5|2m0)\ds/);
    expect(screen.getByText("Node n-9 is lost.")).toBeInTheDocument();
  });

  it("leads a new installation through its first steps, and ticks them off as they are done", async () => {
    const server = await renderApp("/", routes({ "GET /training_jobs": { jobs: [], next: null }, "GET /clusters": { clusters: [{ ...lab, total_nodes: 0 }] }, "GET /queues": [aQueue({})] }));
    expect(await screen.findByRole("heading", { name: "Add a node" })).toBeInTheDocument();
    expect(screen.getByRole("heading", { name: "Make a queue – done" })).toBeInTheDocument();
    server.routes["GET /nodes"] = { nodes: [aNode({})] };
    server.routes["GET /training_jobs"] = { jobs: [{}], next: null };
    await server.tell({ kind: "node.joined", node_id: "n", cluster_id: CLUSTER });
    expect(await screen.findByRole("heading", { name: "Add a node – done" })).toBeInTheDocument();
    await server.tell({ kind: "job.submitted", job_id: "j" });
    await waitFor(() => expect(screen.queryByText("Begin here")).not.toBeInTheDocument());
  });
});
