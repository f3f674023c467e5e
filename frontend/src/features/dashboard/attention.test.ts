import { describe, expect, it } from "vitest";
import { aNode, NO_ATTENTION } from "@/test/fleet";
import { concernsOf } from "./attention";

const said = (...args: Parameters<typeof concernsOf>) => concernsOf(...args).map((concern) => concern.what);
const GPU = { node_id: "n1", node_name: "gpu-1", model: "H100", lost: false };
const STUCK = { job_id: "j1", job_name: "giant", jobs: 1, owner: "ada", queue_id: "q1", queue_name: "day", code: "never_fits" as const, message: "No node has 64 GPUs." };

describe("what needs attention", () => {
  it("is nothing while all is well", () => expect(said(NO_ATTENTION, [aNode({})])).toEqual([]));

  it("is told in sentences, worst first", () => {
    const told = {
      ...NO_ATTENTION,
      paused_queues: [{ id: "q1", name: "night", waiting_jobs: 1 }],
      low_disks: [{ node_id: "n2", node_name: "full", free_mb: 2048, total_mb: 1 << 20 }],
      stuck_jobs: [STUCK, { ...STUCK, jobs: 3, owner: null }],
      unhealthy_gpus: [
        { ...GPU, uuid: "a", problem: null },
        { ...GPU, uuid: "b", problem: "Xid 79." },
      ],
      lost_nodes: [{ id: "n3", name: "away", cluster_id: "c", last_heartbeat: "2030-01-01T00:00:00Z" }],
      expiring_keys: [{ id: "k", name: "", prefix: "lilac_sk_ab", cluster_id: "c", expires_at: "2020-01-01T00:00:00Z" }],
    };
    expect(said(told, [aNode({ name: "idle", node_status: "draining", drained: true })])).toEqual([
      "Node away is lost.",
      "2 GPUs of node gpu-1 are unhealthy: Xid 79.",
      "ada's job giant can never run as things are: No node has 64 GPUs.",
      "3 jobs such as giant can never run as things are: No node has 64 GPUs.",
      "The disk of node full is nearly full: 2 GiB of 1 TiB are free.",
      "Queue night is paused while 1 job waits in it.",
      "The API key lilac_sk_ab… has expired.",
      "Node idle is drained: nothing runs there any more.",
    ]);
  });
});
