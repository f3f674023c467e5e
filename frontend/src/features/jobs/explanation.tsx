/** Why a job waits, who has what it needs, and what would let it start. */
import { useQuery } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { sentence } from "@/api/errors";
import { useMay } from "@/app/session";
import { Button } from "@/ui/button";
import { Badge, Card, Notice, Skeleton } from "@/ui/card";
import { cores, memory, number } from "@/ui/quantities";
import { Ago } from "@/ui/time";
import { explainQuery } from "./queries";
import { bodyOf, changed, leaveDraft } from "./request";
import type { Explanation, JobDetail } from "./types";

export function WhyItWaits({ job }: { job: JobDetail }) {
  const told = useQuery(explainQuery(job.job_id));
  if (told.error) return <Notice tone="bad">{sentence(told.error)}</Notice>;
  return <Card title="Why it waits">{told.data ? <Told job={job} told={told.data} /> : <Skeleton lines={3} />}</Card>;
}

function Told({ job, told }: { job: JobDetail; told: Explanation }) {
  const others = told.nodes.filter((node) => node.fits === 0 || node.shortages.length > 0);
  return (
    <div className="flex flex-col gap-3">
      <p className="text-base break-words">{told.message}</p>
      <dl className="flex flex-wrap gap-x-8 gap-y-2">
        <Fact name="Reason">
          <Badge tone="warn">{told.code.replaceAll("_", " ")}</Badge>
        </Fact>
        {told.position !== null && (
          <Fact name="Place in line">
            {number(told.position)}
            {told.jobs_ahead > 0 && <span className="text-muted"> ({number(told.jobs_ahead)} ahead)</span>}
          </Fact>
        )}
        <Fact name="Expected start">{told.expected_start ? <Ago at={told.expected_start} /> : <span className="text-muted">{told.expected_start_note ?? "not known"}</span>}</Fact>
        {told.best_node && (
          <Fact name="Nearest node">
            <Link to="/nodes/$node" params={{ node: told.best_node }} className="text-accent hover:underline">
              {told.best_node}
            </Link>
          </Fact>
        )}
      </dl>
      {told.smallest_change && <Change job={job} words={told.smallest_change.text} />}
      {told.holders.length > 0 && (
        <section>
          <h3 className="mb-1 font-medium">Who holds what it needs</h3>
          <ul className="flex flex-col gap-1">
            {told.holders.map((holder) => (
              <li key={`${holder.job_id} ${holder.node_name}`} className="flex flex-wrap gap-x-3">
                <Link to="/jobs/$job" params={{ job: holder.job_id }} className="text-accent hover:underline">
                  {holder.job_name ?? holder.job_id}
                </Link>
                <span className="text-muted">on {holder.node_name ?? "a node"}</span>
                <span className="text-muted">{holder.ends_at ? <>ends <Ago at={holder.ends_at} /> at the latest</> : "has no time limit"}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {others.length > 0 && (
        <section>
          <h3 className="mb-1 font-medium">Node by node</h3>
          <div className="max-h-72 overflow-y-auto rounded-lg border border-line" tabIndex={0} role="region" aria-label="Why each node does not take it">
            <table className="w-full text-left">
              <thead className="sr-only">
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">Why not</th>
                </tr>
              </thead>
              <tbody>
                {others.map((node) => (
                  <tr key={node.node_name} className="border-b border-line last:border-b-0">
                    <td className="px-3 py-1.5 align-top font-medium">{node.node_name}</td>
                    <td className="px-3 py-1.5">{whyNot(node)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </div>
  );
}

function Change({ job, words }: { job: JobDetail; words: string }) {
  const may = useMay("member");
  const router = useRouter();
  const next = changed(bodyOf(job), words);
  const use = () => {
    if (!next) return;
    leaveDraft(next);
    router.history.push("/ui/submit?draft=1");
  };
  return (
    <div className="flex flex-wrap items-center justify-between gap-2 rounded-lg bg-good-soft px-3 py-2">
      <p>
        With <code className="font-mono text-xs font-medium">{words}</code> it could start now.
      </p>
      {may && next && (
        <Button size="small" onClick={use}>
          Use this change
        </Button>
      )}
    </div>
  );
}

const AMOUNTS: Record<string, (value: number) => string> = {
  cpu: (value) => `${cores(value)} ${value === 1000 ? "core" : "cores"}`,
  memory,
  gpu: (value) => `${value} ${value === 1 ? "GPU" : "GPUs"}`,
  replicas: (value) => `room for ${value} ${value === 1 ? "replica" : "replicas"}`,
};

/** In words what a node lacks. */
export function whyNot(node: Explanation["nodes"][number]): string {
  if (node.unsuitable) return node.unsuitable;
  const short = node.shortages.map(({ dimension, needed, free }) => {
    const amount = AMOUNTS[dimension] ?? String;
    return `needs ${amount(needed)}, free: ${amount(free)}`;
  });
  return short.join("; ") || "it fits, but others come first";
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
