/** How many jobs wait in each queue, and since when the first of them does. */
import { Link } from "@tanstack/react-router";
import type { components } from "@/api/schema.gen";
import { Badge, Card, Empty } from "@/ui/card";
import { number } from "@/ui/quantities";
import { Lasting } from "@/ui/time";

type Queue = components["schemas"]["QueueShape"];

export function QueuesCard({ queues }: { queues: readonly Queue[] }) {
  const most = Math.max(1, ...queues.map((queue) => queue.waiting_jobs));
  return (
    <Card title="Queues" actions={<Link to="/queues" className="text-accent hover:underline">All queues</Link>}>
      {queues.length === 0 ? (
        <Empty title="There is no queue.">Jobs wait in queues, which lead to clusters.</Empty>
      ) : (
        <ul className="flex flex-col gap-2">
          {queues.map((queue) => (
            <li key={queue.id} className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <Link to="/queues/$queue" params={{ queue: queue.id }} className="w-32 min-w-0 truncate font-medium hover:underline">
                {queue.name}
              </Link>
              <div aria-hidden className="h-2 min-w-16 flex-1 overflow-hidden rounded-full bg-raised">
                <div className="h-full rounded-full bg-accent" style={{ width: `${(queue.waiting_jobs / most) * 100}%` }} />
              </div>
              <span className="text-right tabular-nums">
                {number(queue.waiting_jobs)} waiting
              </span>
              <span className="w-full text-xs text-muted sm:w-40 sm:text-right">
                {queue.waiting_since ? (
                  <>
                    oldest for <Lasting from={queue.waiting_since} />
                  </>
                ) : (
                  "nothing waits"
                )}
              </span>
              {queue.paused && <Badge tone="warn">paused</Badge>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
