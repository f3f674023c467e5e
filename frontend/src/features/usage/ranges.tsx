/** Which stretch of time charts show: the last hour, six hours, day. */
import { cn } from "@/ui/cn";

export const RANGES = { "1h": 3600, "6h": 6 * 3600, "24h": 24 * 3600 } as const;
export type Range = keyof typeof RANGES;
export const DEFAULT_RANGE: Range = "1h";

/** A range of an address, or undefined for anything else and for the default, which addresses leave out. */
export function rangeOf(value: unknown): Range | undefined {
  return typeof value === "string" && value in RANGES && value !== DEFAULT_RANGE ? (value as Range) : undefined;
}

export function RangeChoice({ value, onChange }: { value: Range; onChange: (range: Range) => void }) {
  return (
    <div role="group" aria-label="Time range" className="inline-flex rounded-md border border-line p-0.5">
      {(Object.keys(RANGES) as Range[]).map((range) => (
        <button
          key={range}
          type="button"
          aria-pressed={range === value}
          onClick={() => onChange(range)}
          className={cn("rounded px-2 py-0.5 text-xs", range === value ? "bg-raised font-semibold text-ink" : "text-muted hover:text-ink")}
        >
          {range}
        </button>
      ))}
    </div>
  );
}
