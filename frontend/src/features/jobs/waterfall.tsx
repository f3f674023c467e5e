/** Where the time from the submission to the end went: each step of the last attempt as a bar. */
import { useNow, duration } from "@/ui/time";
import { cn } from "@/ui/cn";

export interface Step {
  id: string;
  label: string;
  tone: string;
  from: number;
  to: number;
  open: boolean;
}

type Times = Readonly<Record<string, unknown>>;

const STEPS: readonly { id: string; label: string; from: string[]; to: string[]; tone: string }[] = [
  { id: "queue", label: "In the queue", from: ["submitted"], to: ["assigned", "finished"], tone: "bg-warn" },
  { id: "assign", label: "To the node", from: ["assigned"], to: ["received", "finished"], tone: "bg-info" },
  { id: "pull", label: "Pulling the image", from: ["pull_started"], to: ["pull_finished", "finished"], tone: "bg-accent" },
  { id: "start", label: "Starting", from: ["pull_finished", "received"], to: ["started", "finished"], tone: "bg-info" },
  { id: "run", label: "Running", from: ["started"], to: ["exited", "finished"], tone: "bg-good" },
  { id: "end", label: "Reporting the end", from: ["exited"], to: ["finished"], tone: "bg-muted" },
];

/** The steps that have begun; one that has not ended reaches to `now`. All in seconds since the epoch. */
export function stepsOf(waterfall: Times, now: number, ended: boolean): Step[] {
  const at = (names: string[]) => names.map((name) => waterfall[name]).find((value) => typeof value === "number");
  const steps: Step[] = [];
  let open = false;
  for (const step of STEPS) {
    const from = at(step.from);
    if (from === undefined || open) continue;
    const end = at(step.to);
    open = end === undefined && !ended;
    // clocks of nodes differ from the control plane's: no bar goes backwards
    steps.push({ ...step, from, to: Math.max(end ?? now, from), open });
  }
  return steps;
}

export function Waterfall({ waterfall, ended }: { waterfall: Times; ended: boolean }) {
  const now = useNow() / 1000;
  const steps = stepsOf(waterfall, now, ended);
  if (steps.length === 0) return <p className="text-muted">Nothing has been timed yet.</p>;
  const begin = Math.min(...steps.map((step) => step.from));
  const whole = Math.max(...steps.map((step) => step.to)) - begin || 1;
  return (
    <ol aria-label="Where the time went" className="flex flex-col gap-1.5">
      {steps.map((step) => (
        <li key={step.id} className="grid grid-cols-[8.5rem_minmax(0,1fr)_4.5rem] items-center gap-2 max-md:grid-cols-[7rem_minmax(0,1fr)_4rem]">
          <span className="truncate text-xs text-muted">{step.label}</span>
          <span aria-hidden className="relative h-3 rounded bg-raised">
            <span
              className={cn("absolute inset-y-0 min-w-[3px] rounded", step.tone, step.open && "animate-pulse")}
              style={{ left: `${Math.min(((step.from - begin) / whole) * 100, 99)}%`, width: `${((step.to - step.from) / whole) * 100}%` }}
            />
          </span>
          <span className="text-right text-xs tabular-nums">{step.open ? duration(Math.round(step.to - step.from)) : exact(step.to - step.from)}</span>
        </li>
      ))}
    </ol>
  );
}

/** Short times in milliseconds, long ones as everywhere. */
function exact(seconds: number): string {
  return seconds < 10 ? `${Math.round(seconds * 1000).toLocaleString("en-US")} ms` : duration(seconds);
}
