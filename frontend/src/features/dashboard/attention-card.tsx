/** What needs somebody, worst first, each leading to where it can be helped. */
import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { cn } from "@/ui/cn";
import type { Concern } from "./attention";

const FIRST = 6;

export function AttentionCard({ concerns }: { concerns: readonly Concern[] }) {
  const [all, setAll] = useState(false);
  if (concerns.length === 0) {
    return (
      <p role="status" className="flex items-center gap-2 rounded-xl border border-line bg-surface px-4 py-3">
        <CircleCheck aria-hidden className="size-4 text-good" /> Nothing needs attention.
      </p>
    );
  }
  return (
    <Card title={`Needs attention (${concerns.length})`}>
      <ul className="flex flex-col gap-2">
        {concerns.slice(0, all ? undefined : FIRST).map((concern) => (
          <li key={concern.key} className="flex items-start gap-2">
            {concern.tone === "bad" ? <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" /> : <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />}
            <span className="min-w-0 flex-1 break-words">
              <span className={cn("font-medium", concern.tone === "bad" && "text-bad")}>{concern.what}</span> <span className="text-muted">{concern.help}</span>
            </span>
            <Go to={concern.to} />
          </li>
        ))}
      </ul>
      {concerns.length > FIRST && (
        <Button kind="quiet" size="small" className="mt-2" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `All ${concerns.length}`}
        </Button>
      )}
    </Card>
  );
}

function Go({ to }: { to: Concern["to"] }) {
  const look = "shrink-0 text-accent hover:underline";
  if (to.kind === "queue") return <Link to="/queues/$queue" params={{ queue: to.id }} className={look}>To the queue</Link>;
  if (to.kind === "node") return <Link to="/nodes/$node" params={{ node: to.id }} className={look}>To the node</Link>;
  if (to.kind === "job") return <Link to="/jobs/$job" params={{ job: to.id }} className={look}>To the job</Link>;
  if (to.kind === "cluster") return <Link to="/clusters/$cluster" params={{ cluster: to.id }} className={look}>To the cluster</Link>;
  return <Link to="/account" className={look}>To your keys</Link>;
}
