/**
 * A chart of amounts over time.
 *
 * `<Chart title="CPU" times={…} series={[{ label: "used", values }, { label: "capacity", values, look: "limit" }]} … />`
 * draws several series in one unit, with a legend that tells the values under the pointer (or at the end), and says the
 * same in words to those who do not see it. The drawing itself (uPlot) is a chunk of its own, loaded with the first chart.
 */
import { type ComponentType, lazy, Suspense, useId, useMemo, useState } from "react";
import { useTheme } from "@/app/theme";
import { type ChartSeries, drawn, summary } from "./chart-data";
import type { PlotProps } from "./chart-plot";
import { cn } from "./cn";

export type { ChartSeries } from "./chart-data";

const Plot = lazy(async (): Promise<{ default: ComponentType<PlotProps> }> => ({
  default: drawable() ? (await import("./chart-plot")).Plot : () => null,
}));

/** Where nothing can be drawn (no canvas), legend and words have to do. */
function drawable(): boolean {
  return typeof matchMedia === "function" && typeof CanvasRenderingContext2D === "function";
}

const ORDER = ["accent", "good", "warn", "info", "bad", "muted"] as const;

export interface ChartProps {
  /** What it shows, with the unit where it is not in the numbers: its heading and its name. */
  title: string;
  /** Seconds since the epoch, rising. */
  times: readonly number[];
  series: readonly ChartSeries[];
  format?: (value: number) => string;
  /** Seconds between two samples; where they are further apart the lines have a gap. */
  stepS?: number;
  /** The ends of the time axis; by default those of the times. */
  from?: number;
  until?: number;
  /** The value axis reaches at least to here. */
  max?: number;
  /** Amounts in a unit of 1024 parts (MiB): round marks are powers of two. */
  binary?: boolean;
  /** Series stand on each other (but for those of look `limit`). */
  stacked?: boolean;
  height?: number;
  /** Charts of one group show the same moment under the pointer. */
  group?: string;
  /** What to say while there is nothing to draw. */
  empty?: string;
  className?: string;
}

export function Chart({
  title,
  times,
  series,
  format = String,
  stepS,
  from,
  until,
  max = 0,
  binary = false,
  stacked = false,
  height = 150,
  group,
  empty = "No samples in this time.",
  className,
}: ChartProps) {
  const id = useId();
  const theme = useTheme();
  const [at, setAt] = useState<number | null>(null);
  const columns = useMemo(() => drawn(times, series, stepS, stacked), [times, series, stepS, stacked]);
  const known = columns.values.some((values, place) => series[place]?.look !== "limit" && values.some((value) => value !== null));
  const looks = series.map((each, place) => ({ tone: each.tone ?? ORDER[place % ORDER.length] ?? "muted", look: each.look ?? "line" }));
  const moment = at === null ? undefined : columns.times[at];
  return (
    <figure aria-labelledby={id} className={cn("min-w-0", className)}>
      <figcaption className="mb-1 flex items-baseline justify-between gap-2">
        <span id={id} className="font-medium">
          {title}
        </span>
        <span aria-hidden className="text-xs text-muted tabular-nums">
          {moment === undefined ? "" : new Date(moment * 1000).toLocaleString(undefined, { hourCycle: "h23" })}
        </span>
      </figcaption>
      <p className="sr-only">{known ? summary(series, format) : empty}</p>
      <div aria-hidden className="relative" style={{ height }}>
        {known ? (
          <Suspense fallback={<div className="h-full animate-pulse rounded bg-raised" />}>
            <Plot
              key={JSON.stringify([looks, binary, height, group, theme])}
              columns={columns}
              looks={looks}
              format={format}
              from={from}
              until={until}
              max={max}
              binary={binary}
              height={height}
              group={group}
              onPoint={setAt}
            />
          </Suspense>
        ) : (
          <p className="flex h-full items-center justify-center rounded-lg border border-dashed border-line text-muted">{empty}</p>
        )}
      </div>
      {known && (
        <ul aria-hidden className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-xs">
          {series.map((each, place) => {
            const values = columns.values[place] ?? [];
            const value = at === null ? values.findLast((one) => one !== null) : values[at];
            return (
              <li key={each.label} className="flex items-center gap-1.5">
                <Swatch tone={looks[place]?.tone ?? "muted"} look={looks[place]?.look ?? "line"} />
                <span className="text-muted">{each.label}</span>
                <span className="font-medium tabular-nums">{value === null || value === undefined ? "–" : format(value)}</span>
              </li>
            );
          })}
        </ul>
      )}
    </figure>
  );
}

const DASHES = { line: undefined, area: undefined, dotted: "1.5 3", limit: "5 3" } as const;

function Swatch({ tone, look }: { tone: string; look: keyof typeof DASHES }) {
  return (
    <svg width="18" height="10" className="shrink-0">
      {look === "area" && <rect x="0" y="3" width="18" height="7" fill={`var(--${tone})`} opacity="0.3" />}
      <line x1="0" x2="18" y1="4" y2="4" stroke={`var(--${tone})`} strokeWidth="2" strokeDasharray={DASHES[look]} />
    </svg>
  );
}
