/** What the scheduler says of the job before it is submitted: where it would start now, or what it would wait for. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import type { components } from "@/api/schema.gen";
import { Card, Notice, type Tone } from "@/ui/card";
import { Ago } from "@/ui/time";
import type { Body } from "./form";

const PAUSE_MS = 300;
const AGAIN_MS = 15_000;

type Foretold = components["schemas"]["Foretold"];

/** Ask about a job, as soon as nothing has been typed for a moment; null asks nothing. */
export function usePrediction(body: Body | null) {
  const wanted = useSettled(body ? JSON.stringify(body) : null, PAUSE_MS);
  return useQuery({
    queryKey: ["prediction", wanted],
    enabled: wanted !== null,
    queryFn: () => data(api.POST("/what-if", { body: { submit: JSON.parse(wanted ?? "null") as Body } })),
    retry: false,
    staleTime: AGAIN_MS,
    refetchInterval: AGAIN_MS,
    placeholderData: keepPreviousData,
  });
}

interface PredictionProps {
  /** What has to be said before anything can be asked. */
  lacking: string[];
  /** Whether something that was typed cannot be read. */
  unread: boolean;
  query: ReturnType<typeof usePrediction>;
}

export function Prediction({ lacking, unread, query }: PredictionProps) {
  const first = lacking.length > 0 ? `Say ${listed(lacking)} to see where it would run.` : unread ? "Correct what is marked to see where it would run." : null;
  return (
    <Card title="If you submit it now">
      <div aria-live="polite">{first ? <p className="text-muted">{first}</p> : <Said query={query} />}</div>
    </Card>
  );
}

function Said({ query }: { query: ReturnType<typeof usePrediction> }) {
  if (query.error) {
    const placed = query.error instanceof ApiError && query.error.status === 422;
    return <Notice tone={placed ? "warn" : "bad"}>{sentence(query.error)}</Notice>;
  }
  if (!query.data?.submitted) return <p className="text-muted">Asking the scheduler…</p>;
  const { submitted, jobs, others, more } = query.data;
  const later = jobs.filter((job) => !isEarlier(job)).length + more + others.later;
  const stopped = submitted.preempts.length + submitted.preempts_others;
  const [tone, words] = outcome(submitted);
  return (
    <div className="flex flex-col gap-2">
      <Notice tone={tone}>
        <span className="font-medium">{words}</span>
        {!submitted.starts_now && submitted.message && <span className="block">{capital(submitted.message)}.</span>}
        {!submitted.starts_now && submitted.start && (
          <span className="block">
            Expected to start <Ago at={submitted.start} /> at the latest.
          </span>
        )}
      </Notice>
      {stopped > 0 && <p className="text-muted">{count(stopped, "job")} of lower priority would stop for it and wait again.</p>}
      {later > 0 && <p className="text-muted">{count(later, "waiting job")} would start later than without it.</p>}
    </div>
  );
}

function outcome({ starts_now, nodes, start, code }: Foretold): [Tone, string] {
  if (starts_now) return ["good", nodes.length > 0 ? `It would start now on ${listed(nodes.map((node) => node.name ?? node.id))}.` : "It would start now."];
  if (code === "never_fits") return ["bad", "It would wait for ever: no node could run it."];
  return ["warn", start ? "It would wait." : "It would wait, and when it could start is not known."];
}

function isEarlier(job: { before: string | null; after: string | null }): boolean {
  return job.after !== null && (job.before === null || job.after < job.before);
}

function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const capital = (words: string) => words.charAt(0).toUpperCase() + words.slice(1).replace(/\.$/, "");
const count = (amount: number, noun: string) => `${amount} ${noun}${amount === 1 ? "" : "s"}`;
