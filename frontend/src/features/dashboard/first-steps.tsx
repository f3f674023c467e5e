/** What to do with a new installation: three steps that tick themselves off as they are done. */
import { Link } from "@tanstack/react-router";
import { Circle, CircleCheck, Plus } from "lucide-react";
import type { ReactNode } from "react";
import { useMay } from "@/app/session";
import type { Cluster } from "@/features/clusters/queries";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Snippet } from "@/ui/copy";

interface Done {
  node: boolean;
  queue: boolean;
  job: boolean;
}

export function FirstSteps({ done, clusters, onAddNode }: { done: Done; clusters: readonly Cluster[]; onAddNode: (to: Cluster) => void }) {
  const admin = useMay("admin");
  const cluster = clusters[0];
  return (
    <Card title="Begin here">
      <ol className="flex flex-col gap-4">
        <Step done={done.node} title="Add a node">
          <p className="text-muted">A machine becomes a node by running the agent with a key of its cluster.</p>
          {admin && cluster && (
            <Button kind="primary" onClick={() => onAddNode(cluster)}>
              <Plus aria-hidden /> Add a node
            </Button>
          )}
          {admin && !cluster && (
            <p>
              Make a <Link to="/clusters" className="text-accent underline">cluster</Link> first.
            </p>
          )}
          {!admin && <p className="text-muted">An administrator does this.</p>}
        </Step>
        <Step done={done.queue} title="Make a queue">
          <p className="text-muted">Jobs wait in queues; a queue leads to one or more clusters.</p>
          {admin && <Snippet text={`lilac queues create training --cluster ${cluster?.cluster_name ?? "default"} --priority 10`} />}
        </Step>
        <Step done={done.job} title="Submit a job">
          <Snippet text={"lilac submit --non-interactive --name hello --queue default --docker-uri debian:12 \\\n    --cpu 1000 --memory 512 --follow -- sh -c 'hostname; nproc'"} />
          <p className="text-muted">
            or with a <Link to="/submit" className="text-accent underline">form</Link>.
          </p>
        </Step>
      </ol>
    </Card>
  );
}

function Step({ done, title, children }: { done: boolean; title: string; children: ReactNode }) {
  return (
    <li className="flex gap-3">
      {done ? <CircleCheck aria-hidden className="size-5 shrink-0 text-good" /> : <Circle aria-hidden className="size-5 shrink-0 text-muted" />}
      <div className="flex min-w-0 flex-1 flex-col items-start gap-2">
        <h3 className="font-medium">
          {title} {done && <span className="font-normal text-good">– done</span>}
        </h3>
        {!done && <div className="flex w-full min-w-0 flex-col items-start gap-2 [&>div]:max-w-full">{children}</div>}
      </div>
    </li>
  );
}
