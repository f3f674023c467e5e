/** What nodes and clusters use over time, against what they have and what jobs were given. Read anew every 15 s. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { Notice, Skeleton } from "@/ui/card";
import { Chart, type ChartSeries } from "@/ui/chart";
import { cores, memory } from "@/ui/quantities";
import { type Range, RANGES } from "./ranges";

const REFRESH_MS = 15_000;
/** How much later than others an agent may tell what it used. */
const LATE_S = 30;

const since = (range: Range) => Math.floor(Date.now() / 1000) - RANGES[range];

export const clusterUsageQuery = (cluster: string, range: Range) =>
  queryOptions({
    queryKey: ["usage", "cluster", cluster, range],
    queryFn: () => data(api.GET("/clusters/{cluster}/usage", { params: { path: { cluster }, query: { since: since(range) } } })),
    refetchInterval: REFRESH_MS,
  });

export const nodeUsageQuery = (node: string, range: Range) =>
  queryOptions({
    queryKey: ["usage", "node", node, range],
    queryFn: () => data(api.GET("/nodes/{node}/usage", { params: { path: { node }, query: { since: since(range) } } })),
    refetchInterval: REFRESH_MS,
  });

interface Amounts {
  cpu_millicores: number;
  memory_mb: number;
  gpus: number;
}

interface Usage {
  since: string;
  until: string;
  step_s: number;
  samples: { at: string; cpu_millicores: number; memory_mb: number; gpu_utilization_pct: number | null; gpu_memory_mb: number | null; allocated?: Amounts | null }[];
  capacity: Amounts & { gpu_memory_mb?: number };
}

const coreWords = (millicores: number) => `${cores(millicores)} cores`;
const whole = (value: number) => String(Math.round(value * 10) / 10);
const percent = (value: number) => `${Math.round(value)}%`;

export function ClusterUsage({ cluster, range }: { cluster: string; range: Range }) {
  const { data: usage, error } = useQuery(clusterUsageQuery(cluster, range));
  const shown = useMemo(() => usage && { ...usage, samples: told(usage) }, [usage]);
  if (error && !usage) return <Notice tone="bad">{sentence(error)}</Notice>;
  return shown ? <UsageCharts usage={shown} group={`cluster-${cluster}`} /> : <Skeleton lines={6} />;
}

/** The samples of which all nodes have told their part: agents tell at different times, so the newest sums lack some. */
function told({ samples, until, step_s }: Usage): Usage["samples"] {
  const complete = Date.parse(until) - Math.max(LATE_S, step_s) * 1000;
  const found = samples.filter((sample) => Date.parse(sample.at) <= complete);
  return found.length > 0 ? found : samples;
}

export function NodeUsage({ node, range }: { node: string; range: Range }) {
  const { data: usage, error } = useQuery(nodeUsageQuery(node, range));
  if (error && !usage) return <Notice tone="bad">{sentence(error)}</Notice>;
  return usage ? <UsageCharts usage={usage} group={`node-${node}`} /> : <Skeleton lines={6} />;
}

function UsageCharts({ usage, group }: { usage: Usage; group: string }) {
  const { samples, capacity } = usage;
  const charts = useMemo(() => {
    const flat = (value: number) => samples.map(() => value);
    const limits = (field: keyof Amounts): ChartSeries[] => [
      { label: "given to jobs", values: samples.map((sample) => sample.allocated?.[field] ?? null), tone: "info", look: "dotted" },
      { label: "capacity", values: flat(capacity[field]), tone: "muted", look: "limit" },
    ];
    const used = (values: (number | null)[]): ChartSeries => ({ label: "used", values, tone: "accent", look: "area" });
    return {
      times: samples.map((sample) => Date.parse(sample.at) / 1000),
      cpu: [used(samples.map((sample) => sample.cpu_millicores)), ...limits("cpu_millicores")],
      memory: [used(samples.map((sample) => sample.memory_mb)), ...limits("memory_mb")],
      gpu: [used(samples.map((sample) => sample.gpu_utilization_pct))],
      gpuHeld: [{ ...used(samples.map((sample) => sample.allocated?.gpus ?? null)), label: "given to jobs" }, limits("gpus")[1] as ChartSeries],
      gpuMemory: [
        used(samples.map((sample) => sample.gpu_memory_mb)),
        ...(capacity.gpu_memory_mb ? [{ label: "capacity", values: flat(capacity.gpu_memory_mb), tone: "muted" as const, look: "limit" as const }] : []),
      ],
    };
  }, [samples, capacity]);
  const shared = { times: charts.times, stepS: usage.step_s, from: Date.parse(usage.since) / 1000, until: Date.parse(usage.until) / 1000, group };
  return (
    <div className="grid gap-4 lg:grid-cols-2 2xl:grid-cols-3">
      <Chart title="CPU" series={charts.cpu} format={coreWords} {...shared} />
      <Chart title="Memory" series={charts.memory} format={memory} binary {...shared} />
      {capacity.gpus > 0 && (
        <Chart title="GPU load" series={charts.gpu} format={percent} max={100} empty="No GPU tells its load." {...shared} />
      )}
      {capacity.gpus > 0 && <Chart title={`GPUs given to jobs, of ${capacity.gpus}`} series={charts.gpuHeld} format={whole} empty="Nobody noted it." {...shared} />}
      {capacity.gpus > 0 && <Chart title="GPU memory" series={charts.gpuMemory} format={memory} binary empty="No GPU tells its memory." {...shared} />}
    </div>
  );
}
