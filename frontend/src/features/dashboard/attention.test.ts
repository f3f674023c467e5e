import { describe, expect, it } from "vitest";
import { aNode, aQueue } from "@/test/fleet";
import { concernsOf } from "./attention";

const said = (...args: Parameters<typeof concernsOf>) => concernsOf(...args).map((concern) => concern.what);

describe("what needs attention", () => {
  it("is nothing while all is well", () => {
    expect(said([aNode({})], [aQueue({ waiting_jobs: 4 })])).toEqual([]);
  });
  it("names lost nodes and unhealthy GPUs, worst first", () => {
    const ill = aNode({ name: "gpu-1", gpus: [{ healthy: false, problem: "Xid 79." }, {}] });
    expect(said([aNode({ name: "idle", node_status: "draining", drained: true }), ill, aNode({ name: "away", node_status: "lost" })], [])).toEqual([
      "A GPU of node gpu-1 is unhealthy: Xid 79.",
      "Node away is lost.",
      "Node idle is drained: nothing runs there any more.",
    ]);
  });
  it("names queues in which jobs wait for nothing that can come", () => {
    const queues = [
      aQueue({ name: "halted", paused: true, waiting_jobs: 1 }),
      aQueue({ name: "aimless", cluster_targets: [], waiting_jobs: 2 }),
      aQueue({ name: "empty", cluster_targets: ["another"], waiting_jobs: 3 }),
      aQueue({ name: "idle", paused: true }),
    ];
    expect(said([aNode({})], queues)).toEqual([
      "Queue aimless leads to no cluster while 2 jobs wait in it.",
      "No node takes work of queue empty while 3 jobs wait in it.",
      "Queue halted is paused while 1 job waits in it.",
    ]);
  });
});
