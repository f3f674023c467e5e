/** Times and durations in the words of the command line (`3h12m`, `4m05s`), one clock for the whole page. */
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | null = null;
let now = Date.now();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && ticking) {
      clearInterval(ticking);
      ticking = null;
    }
  };
}

/** Milliseconds since the epoch, new every second while something looks. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => (ticking ? now : (now = Math.floor(Date.now() / 1000) * 1000)));
}

/** `820ms`, `4.2s`, `4m05s`, `3h12m`, `2d4h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(seconds, 0);
  if (s < 0.9995) return `${Math.round(s * 1000)}ms`;
  if (s < 59.95) return s < 9.95 ? `${s.toFixed(1)}s` : `${Math.round(s)}s`;
  const whole = Math.round(s);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  const minutes = Math.round(s / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  const hours = Math.round(s / 3600);
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** A moment as its distance from now; the exact time on hover. */
export function Ago({ at }: { at: string | null | undefined }) {
  const current = useNow();
  if (!at) return <span className="text-muted">–</span>;
  const distance = (current - Date.parse(at)) / 1000;
  const words = Math.abs(distance) < 1 ? "now" : distance < 0 ? `in ${duration(Math.round(-distance))}` : `${duration(Math.round(distance))} ago`;
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className="whitespace-nowrap tabular-nums">
      {words}
    </time>
  );
}

/** How long something has lasted, growing until it ends. */
export function Lasting({ from, to }: { from: string | null | undefined; to?: string | null | undefined }) {
  const current = useNow();
  if (!from) return <span className="text-muted">–</span>;
  const end = to ? Date.parse(to) : current;
  return <span className="whitespace-nowrap tabular-nums">{duration(to ? (end - Date.parse(from)) / 1000 : Math.round((end - Date.parse(from)) / 1000))}</span>;
}
