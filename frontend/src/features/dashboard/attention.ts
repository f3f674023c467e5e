/** What needs somebody, as sentences: what is wrong, what helps, and where that is done. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";
import type { Node } from "@/features/nodes/queries";
import { memory } from "@/ui/quantities";

type Attention = components["schemas"]["AttentionShape"];
type Stuck = Attention["stuck_jobs"][number];

/** That a job can never run is found out a moment after its event. */
const LOOK_AGAIN_MS = 15_000;

export const attentionQuery = queryOptions({ queryKey: ["attention"], queryFn: () => data(api.GET("/attention")), refetchInterval: LOOK_AGAIN_MS });

export interface Concern {
  key: string;
  tone: "bad" | "warn";
  what: string;
  help: string;
  to: { kind: "node" | "queue" | "job" | "cluster" | "account"; id: string };
}

/** All concerns, worst first; nodes that are drained are told too, since somebody has to resume them. */
export function concernsOf(told: Attention, nodes: readonly Node[]): Concern[] {
  const found: Concern[] = [];
  const say = (tone: Concern["tone"], kind: Concern["to"]["kind"], id: string, what: string, help: string) => found.push({ key: `${kind}-${id}-${what}`, tone, what, help, to: { kind, id } });
  for (const node of told.lost_nodes) {
    say("bad", "node", node.id, `Node ${node.name} is lost.`, "Look at the machine and its agent; if it is gone for good, remove it.");
  }
  for (const node of new Set(told.unhealthy_gpus.map((gpu) => gpu.node_id))) {
    const gpus = told.unhealthy_gpus.filter((gpu) => gpu.node_id === node);
    const [first] = gpus;
    const which = gpus.length === 1 ? "A GPU" : `${gpus.length} GPUs`;
    const problem = gpus.find((gpu) => gpu.problem)?.problem?.replace(/\.$/, "");
    say("bad", "node", node, `${which} of node ${first?.node_name} ${gpus.length === 1 ? "is" : "are"} unhealthy${problem ? `: ${problem}` : ""}.`, "No job is given to it. Drain the node and look at the machine.");
  }
  for (const stuck of told.stuck_jobs) say("bad", "job", stuck.job_id, stuckWords(stuck), "Cancel it, or change what it asks for or what there is.");
  for (const disk of told.low_disks) {
    say("warn", "node", disk.node_id, `The disk of node ${disk.node_name} is nearly full: ${memory(disk.free_mb)} of ${memory(disk.total_mb)} are free.`, "Free some of it, or bound the images that its agent keeps.");
  }
  for (const queue of told.paused_queues) {
    say("warn", "queue", queue.id, `Queue ${queue.name} is paused while ${jobs(queue.waiting_jobs)} in it.`, "Resume it to let them start.");
  }
  for (const key of told.expiring_keys) {
    const over = Date.parse(key.expires_at) < Date.now();
    const name = key.name || `${key.prefix}…`;
    const help = key.cluster_id ? "Give the agents that use it another one." : "Make another one where you use it.";
    say("warn", key.cluster_id ? "cluster" : "account", key.cluster_id ?? key.id, `The API key ${name} ${over ? "has expired" : `expires on ${new Date(key.expires_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}`}.`, help);
  }
  for (const node of nodes) {
    if (node.node_status === "draining" && node.drained) say("warn", "node", node.id, `Node ${node.name} is drained: nothing runs there any more.`, "Resume it when the work on the machine is done.");
  }
  return found;
}

function stuckWords(stuck: Stuck): string {
  const whose = stuck.owner ? `${stuck.owner}'s ` : "";
  const name = stuck.job_name ?? stuck.job_id.slice(0, 8);
  const which = stuck.jobs === 1 ? `${whose}job ${name}` : `${stuck.jobs} jobs such as ${whose}${name}`;
  return `${which} can never run as things are: ${stuck.message.replace(/\.$/, "")}.`.replace(/^./, (first) => (stuck.owner && stuck.jobs === 1 ? first : first.toUpperCase()));
}

function jobs(count: number): string {
  return count === 1 ? "1 job waits" : `${count} jobs wait`;
}
