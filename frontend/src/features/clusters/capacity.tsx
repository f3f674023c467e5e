/** How much of a cluster is given to jobs, as a bar with its words. */
import { Meter } from "@/ui/card";
import { cores, memory } from "@/ui/quantities";

const WORDS = {
  cpu: { name: "CPU", say: (used: number, total: number) => `${cores(used)} of ${cores(total)} cores` },
  memory: { name: "Memory", say: (used: number, total: number) => `${memory(used)} of ${memory(total)}` },
  gpu: { name: "GPUs", say: (used: number, total: number) => `${used} of ${total}` },
} as const;

export function Amount({ kind, of, used, total }: { kind: keyof typeof WORDS; of: string; used: number; total: number }) {
  if (total === 0) return <span className="text-muted">none</span>;
  const { name, say } = WORDS[kind];
  return (
    <div className="min-w-28 max-md:flex-1">
      <Meter value={used} max={total} label={`${name} of ${of} given to jobs`} />
      <span className="text-xs whitespace-nowrap text-muted tabular-nums">{say(used, total)}</span>
    </div>
  );
}
