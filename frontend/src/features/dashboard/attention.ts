/**
 * What needs somebody: things that do not get better by themselves, each with the page where something can be done.
 *
 * Worked out from what nodes and queues say of themselves, so it is as live as these.
 */
import type { components } from "@/api/schema.gen";
import type { Node } from "@/features/nodes/queries";

type Queue = components["schemas"]["QueueShape"];

export interface Concern {
  key: string;
  tone: "bad" | "warn";
  /** What is wrong. */
  what: string;
  /** What helps. */
  help: string;
  to: { kind: "node" | "queue" | "nodes"; id: string };
}

const MIN_FREE_DISK = 0.05;

export function concernsOf(nodes: readonly Node[], queues: readonly Queue[]): Concern[] {
  const found: Concern[] = [];
  for (const node of nodes) {
    const to = { kind: "node" as const, id: node.id };
    if (node.node_status === "lost") {
      found.push({ key: `lost-${node.id}`, tone: "bad", what: `Node ${node.name} is lost.`, help: "Look at the machine and its agent; if it is gone for good, remove it.", to });
    }
    const ill = node.gpus.filter((gpu) => !gpu.healthy || gpu.lost);
    if (ill.length > 0 && node.node_status !== "lost") {
      const problem = ill.find((gpu) => gpu.problem)?.problem;
      found.push({
        key: `gpu-${node.id}`,
        tone: "bad",
        what: `${ill.length === 1 ? "A GPU" : `${ill.length} GPUs`} of node ${node.name} ${ill.length === 1 ? "is" : "are"} unhealthy${problem ? `: ${problem.replace(/\.$/, "")}` : ""}.`,
        help: "Jobs are not given to it. Drain the node and look at the machine.",
        to,
      });
    }
    if (node.disk && node.disk.total_mb > 0 && node.disk.free_mb / node.disk.total_mb < MIN_FREE_DISK && node.node_status !== "lost") {
      found.push({ key: `disk-${node.id}`, tone: "warn", what: `The disk of node ${node.name} is nearly full.`, help: "Free some of it, or bound the images that its agent keeps.", to });
    }
    if (node.node_status === "draining" && node.drained) {
      found.push({ key: `drained-${node.id}`, tone: "warn", what: `Node ${node.name} is drained: nothing runs there any more.`, help: "Resume it when the work on the machine is done.", to });
    }
  }
  const working = new Set(nodes.filter((node) => node.node_status === "available" || node.node_status === "busy").map((node) => node.cluster_id));
  for (const queue of queues) {
    const to = { kind: "queue" as const, id: queue.id };
    if (queue.waiting_jobs === 0) continue;
    const wait = `${queue.waiting_jobs} ${queue.waiting_jobs === 1 ? "job waits" : "jobs wait"}`;
    if (queue.paused) {
      found.push({ key: `paused-${queue.id}`, tone: "warn", what: `Queue ${queue.name} is paused while ${wait} in it.`, help: "Resume it to let them start.", to });
    } else if (queue.cluster_targets.length === 0) {
      found.push({ key: `aimless-${queue.id}`, tone: "bad", what: `Queue ${queue.name} leads to no cluster while ${wait} in it.`, help: "Give it a cluster.", to });
    } else if (!queue.cluster_targets.some((cluster) => working.has(cluster))) {
      found.push({ key: `empty-${queue.id}`, tone: "bad", what: `No node takes work of queue ${queue.name} while ${wait} in it.`, help: "Add a node to one of its clusters, or resume one.", to });
    }
  }
  return found.toSorted((a, b) => Number(a.tone === "warn") - Number(b.tone === "warn"));
}
