/** All queues, the one that goes first on top. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { Button } from "@/ui/button";
import { Badge, Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { type Column, DataTable } from "@/ui/data-table";
import { number } from "@/ui/quantities";
import { writeSeconds } from "@/ui/amounts";
import { sayLimits } from "./limits";
import { clusterNamesQuery, type Queue, queuesQuery } from "./queries";
import { QueueActions } from "./queue-actions";
import { QueueForm } from "./queue-form";

export function QueuesPage() {
  const queues = useQuery(queuesQuery);
  const clusters = useQuery(clusterNamesQuery);
  const admin = useMay("admin");
  const [creating, setCreating] = useState(false);
  const columns = useMemo(() => columnsOf(new Map(clusters.data?.map((each) => [each.id, each.name])), admin), [clusters.data, admin]);
  return (
    <>
      <PageHead title="Queues" sub="Where jobs wait. The lowest priority number goes first.">
        {admin && (
          <Button kind="primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden /> New queue
          </Button>
        )}
      </PageHead>
      {queues.error && <Notice tone="bad">{sentence(queues.error)}</Notice>}
      {queues.isPending ? (
        <Skeleton />
      ) : (
        <DataTable
          label="Queues"
          rows={queues.data ?? []}
          columns={columns}
          rowId={(queue) => queue.id}
          empty={
            <Empty title="There is no queue yet.">
              <p className="mb-2">{admin ? "Make one here or by the command line; jobs are submitted to a queue." : "An administrator makes the first one."}</p>
              {admin && <Snippet text="lilac queues create training --cluster default" className="text-left" />}
            </Empty>
          }
        />
      )}
      <QueueForm queue={null} open={creating} onOpenChange={setCreating} />
    </>
  );
}

function columnsOf(clusters: ReadonlyMap<string, string>, admin: boolean): Column<Queue>[] {
  return [
    {
      id: "name",
      header: "Name",
      phone: "title",
      sort: (queue) => queue.name,
      cell: (queue) => (
        <span className="flex flex-wrap items-center gap-2">
          <Link to="/queues/$queue" params={{ queue: queue.id }} className="font-medium break-all text-accent hover:underline">
            {queue.name}
          </Link>
          {queue.paused && <Badge tone="warn">paused</Badge>}
        </span>
      ),
    },
    { id: "priority", header: "Priority", align: "end", sort: (queue) => queue.priority, cell: (queue) => queue.priority },
    { id: "waiting", header: "Waiting", align: "end", sort: (queue) => queue.waiting_jobs, cell: (queue) => number(queue.waiting_jobs) },
    { id: "running", header: "Running", align: "end", sort: (queue) => queue.in_use.running_jobs, cell: (queue) => number(queue.in_use.running_jobs) },
    { id: "clusters", header: "Clusters", cell: (queue) => <span className="min-w-0 wrap-anywhere">{queue.cluster_targets.map((id) => clusters.get(id) ?? id).join(", ") || "none"}</span> },
    { id: "limits", header: "Limits", cell: (queue) => <Rules queue={queue} /> },
    ...(admin
      ? [{ id: "actions", header: "Actions", cell: (queue: Queue) => <span className="flex flex-wrap gap-1"><QueueActions queue={queue} /></span> }]
      : []),
  ];
}

/** Everything of a queue that makes it other than the plain one, in a few words. */
export function Rules({ queue }: { queue: Queue }) {
  const [all, each] = [sayLimits(queue.limits), sayLimits(queue.user_limits)];
  const words = [
    all && `at most ${all}`,
    each && `each user ${each}`,
    queue.order === "fair" && "users in turns",
    queue.ageing_s && `ages every ${writeSeconds(queue.ageing_s)}`,
    !queue.preemption && "nobody makes room for its jobs",
  ].filter(Boolean);
  return <span className="text-muted">{words.join("; ") || "none"}</span>;
}
