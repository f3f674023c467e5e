/** A node's state by word, shape and colour, as a badge and as a small square in a strip of all nodes. */
import { Link } from "@tanstack/react-router";
import { Circle, CircleDot, CircleSlash, Unplug } from "lucide-react";
import { Badge, type Tone } from "@/ui/card";
import { cn } from "@/ui/cn";
import type { Node } from "./queries";

export const NODE_STATES = ["available", "busy", "draining", "lost"] as const;
export type NodeState = (typeof NODE_STATES)[number];

const LOOK: Record<NodeState, { tone: Tone; icon: typeof Circle; says: string; square: string }> = {
  available: { tone: "good", icon: Circle, says: "takes work", square: "border-good text-good" },
  busy: { tone: "info", icon: CircleDot, says: "runs jobs", square: "border-info bg-info/25 text-info" },
  draining: { tone: "warn", icon: CircleSlash, says: "takes nothing new", square: "border-warn bg-warn-soft text-warn" },
  lost: { tone: "bad", icon: Unplug, says: "is not heard of", square: "border-bad bg-bad-soft text-bad" },
};

export function NodeStateBadge({ node }: { node: Pick<Node, "node_status" | "drained"> }) {
  const { tone, icon: Icon } = LOOK[node.node_status];
  return (
    <Badge tone={tone}>
      <Icon className="size-3.5" aria-hidden />
      {node.node_status === "draining" && node.drained ? "drained" : node.node_status}
    </Badge>
  );
}

/** How many nodes are in which state, each leading to those. */
export function NodeCounts({ nodes }: { nodes: readonly Node[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1">
      {NODE_STATES.map((state) => {
        const { icon: Icon, tone } = LOOK[state];
        const count = nodes.filter((node) => node.node_status === state).length;
        return (
          <li key={state}>
            <Link to="/nodes" search={{ state }} className={cn("inline-flex items-center gap-1.5 hover:underline", count === 0 && "text-muted")}>
              <Icon aria-hidden className={cn("size-4", count > 0 && { good: "text-good", info: "text-info", warn: "text-warn", bad: "text-bad", muted: "" }[tone])} />
              <span className="font-semibold tabular-nums">{count}</span> {state}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

/** One square for each node, in the order given; the word is on hover, for screen readers, and behind the link. */
export function NodeStrip({ nodes }: { nodes: readonly Node[] }) {
  return (
    <ul aria-label="Nodes" className="flex flex-wrap gap-1">
      {nodes.map((node) => {
        const { icon: Icon, says, square } = LOOK[node.node_status];
        return (
          <li key={node.id}>
            <Link
              to="/nodes/$node"
              params={{ node: node.id }}
              preload={false}
              title={`${node.name} ${says}`}
              aria-label={`${node.name}: ${node.node_status}`}
              className={cn("flex size-6 items-center justify-center rounded border", square)}
            >
              <Icon className="size-3.5" aria-hidden />
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
