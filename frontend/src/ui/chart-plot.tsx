/** The canvas of a chart: uPlot in the colours of the theme, as wide as its place. See `chart.tsx`. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { BINARY_STEPS, type Drawn, peak, timeMark } from "./chart-data";

interface Look {
  tone: string;
  look: "line" | "area" | "dotted" | "limit";
}

export interface PlotProps {
  columns: Drawn;
  looks: readonly Look[];
  format: (value: number) => string;
  from: number | undefined;
  until: number | undefined;
  max: number;
  binary: boolean;
  height: number;
  group: string | undefined;
  /** Which column the pointer is at. */
  onPoint: (index: number | null) => void;
}

/** Samples, ends and height of the scale may change; for other looks, another theme: another `key`. */
export function Plot({ columns, looks, format, from, until, max, binary, height, group, onPoint }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const start = useRef({ looks, format, binary, height, group, onPoint });
  const bounds = useRef({ from: 0, until: 1, top: 1 });

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const { height } = start.current;
    const made = new uPlot(options(start.current, bounds, box.clientWidth), [[]], box);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      if (box.clientWidth > 0) made.setSize({ width: box.clientWidth, height });
    });
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    const first = from ?? columns.times[0] ?? 0;
    bounds.current = { from: first, until: Math.max(until ?? 0, columns.times.at(-1) ?? 0, first + 1), top: peak(columns.lines, max) * 1.05 || 1 };
    plot.current?.setData([columns.times, ...columns.lines] as uPlot.AlignedData);
  }, [columns, from, until, max]);

  return <div ref={place} className="absolute inset-0 overflow-hidden" />;
}

type Start = Pick<PlotProps, "looks" | "format" | "binary" | "height" | "group" | "onPoint">;

function options(start: Start, bounds: { current: { from: number; until: number; top: number } }, width: number): uPlot.Options {
  const { looks, format, height, binary, group, onPoint } = start;
  const style = getComputedStyle(document.documentElement);
  const colour = (role: string) => style.getPropertyValue(`--${role}`).trim();
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: Math.max(width, 40),
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false, ...(group ? { sync: { key: group } } : {}) },
    scales: {
      x: { range: () => [bounds.current.from, bounds.current.until] },
      y: { range: () => [0, bounds.current.top] },
    },
    axes: [
      { ...axis, space: 70, size: 24, values: (_, marks, __, ___, step) => marks.map((at) => timeMark(at, step)) },
      {
        ...axis,
        size: (_, marks) => Math.max(36, 10 + 6.2 * Math.max(0, ...(marks ?? []).map((mark) => mark.length))),
        space: 28,
        ...(binary ? { incrs: [...BINARY_STEPS] } : {}),
        values: (_, marks) => marks.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...looks.map(({ tone, look }) => ({
        stroke: colour(tone),
        width: look === "limit" ? 1.5 : 2,
        // a line of one sample would not be seen
        points: { show: (_: uPlot, __: number, first: number, last: number) => last - first < 3, size: 5 },
        ...(look === "area" ? { fill: `color-mix(in srgb, ${colour(tone)} 22%, transparent)` } : {}),
        ...(look === "limit" ? { dash: [6, 4] } : look === "dotted" ? { dash: [2, 4] } : {}),
      })),
    ],
    hooks: { setCursor: [(made) => onPoint(made.cursor.idx ?? null)] },
  };
}
