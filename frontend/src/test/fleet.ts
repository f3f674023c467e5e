/** Nodes and queues for tests, plausible but for what a test says of them. */
import type { components } from "@/api/schema.gen";

type Node = components["schemas"]["NodeShape"];
type Gpu = Node["gpus"][number];
type Queue = components["schemas"]["QueueShape"];

export const NO_ATTENTION: components["schemas"]["AttentionShape"] = {
  at: "2030-01-01T00:00:00Z",
  total: 0,
  lost_nodes: [],
  unhealthy_gpus: [],
  low_disks: [],
  stuck_jobs: [],
  paused_queues: [],
  expiring_keys: [],
};

export const CLUSTER = "c1000000-0000-0000-0000-000000000001";
let count = 0;

export function aNode({ gpus = [], ...more }: Partial<Omit<Node, "gpus">> & { gpus?: Partial<Gpu>[] }): Node {
  const number = ++count;
  return {
    id: `00000000-0000-0000-0000-${String(number).padStart(12, "0")}`,
    cluster_id: CLUSTER,
    node_status: "available",
    last_heartbeat: "2030-01-01T00:00:00Z",
    memory_mb: 65_536,
    cpu: { manufacturer: "AMD", architecture: "x86_64", millicores: 16_000 },
    gpu: null,
    name: `node-${number}`,
    hostname: `host-${number}`,
    labels: {},
    set_labels: {},
    runtimes: ["docker"],
    gpus: gpus.map((gpu, place) => ({
      uuid: `GPU-${number}-${place}`,
      model: "NVIDIA H100 80GB HBM3",
      memory_mb: 81_559,
      healthy: true,
      lost: false,
      problem: null,
      mig: null,
      parent: null,
      pci_bus_id: null,
      compute_capability: "9.0",
      job_id: null,
      job_name: null,
      owner: null,
      ...gpu,
    })),
    free: { cpu_millicores: 16_000, memory_mb: 65_536, gpus: gpus.filter((gpu) => !gpu.job_id).length },
    jobs: [],
    drained: false,
    drain_deadline: null,
    agent_version: "1.0.0",
    disk: null,
    drivers: {},
    features: [],
    ...more,
  };
}

export function aQueue(more: Partial<Queue>): Queue {
  const number = ++count;
  const none = { running_jobs: null, gpus: null, cpu_millicores: null, memory_mb: null, waiting_jobs: null };
  return {
    id: `10000000-0000-0000-0000-${String(number).padStart(12, "0")}`,
    name: `queue-${number}`,
    priority: 10,
    cluster_targets: [CLUSTER],
    paused: false,
    waiting_jobs: 0,
    waiting_since: null,
    in_use: { running_jobs: 0, gpus: 0, cpu_millicores: 0, memory_mb: 0 },
    limits: none,
    user_limits: none,
    order: "fifo",
    ageing_s: null,
    preemption: false,
    ...more,
  };
}
