/** What a job uses: CPU, memory and GPUs over time, beside what it asked for. */
import { useQuery } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { Card, Empty, Notice, Skeleton } from "@/ui/card";
import { Chart } from "@/ui/chart";
import { cores, memory } from "@/ui/quantities";
import { isOpen, type JobDetail } from "./types";

export function JobUsage({ job, attempt, rank }: { job: JobDetail; attempt: number; rank: number | undefined }) {
  const usage = useQuery({
    queryKey: ["usage", "job", job.job_id, attempt, rank ?? "all"],
    queryFn: () => data(api.GET("/training_jobs/{job}/usage", { params: { path: { job: job.job_id }, query: { attempt, ...(rank === undefined ? {} : { rank }) } } })),
    refetchInterval: isOpen(job) ? 15_000 : false,
    enabled: attempt > 0,
  });
  if (attempt === 0) return <Empty title="It has not run yet.">What it uses is drawn here as soon as it runs.</Empty>;
  if (usage.error) return <Notice tone="bad">{sentence(usage.error)}</Notice>;
  if (!usage.data) return <Skeleton lines={8} />;
  const { samples } = usage.data;
  if (samples.length === 0) return <Empty title="There are no samples yet.">Agents measure every few seconds; a job that ends sooner has none.</Empty>;
  const need = job.resource_requirements;
  const replicas = rank === undefined ? (job.attempts.find((each) => each.number === attempt)?.size ?? 1) : 1;
  const shared = {
    times: samples.map((sample) => Date.parse(sample.at) / 1000),
    stepS: Math.max(usage.data.step_s, 5),
    group: `job ${job.job_id}`,
  };
  const level = (value: number) => samples.map(() => value * replicas);
  const gpus = samples.some((sample) => sample.gpu_utilization_pct !== null);
  return (
    <Card>
      <div className="grid gap-6 lg:grid-cols-2">
        <Chart
          {...shared}
          title="CPU (cores)"
          format={(value) => cores(value)}
          series={[
            { label: "used", values: samples.map((sample) => sample.cpu_millicores), look: "area" },
            { label: "asked for", values: level(need.cpu_millicores), look: "limit" },
          ]}
        />
        <Chart
          {...shared}
          title="Memory"
          binary
          format={memory}
          series={[
            { label: "used", values: samples.map((sample) => sample.memory_mb), look: "area" },
            { label: "asked for", values: level(need.memory_mb), look: "limit" },
          ]}
        />
        {gpus && (
          <>
            <Chart {...shared} title="GPU load" max={100} format={(value) => `${Math.round(value)} %`} series={[{ label: "mean of its GPUs", values: samples.map((sample) => sample.gpu_utilization_pct), look: "area" }]} />
            <Chart {...shared} title="GPU memory" binary format={memory} series={[{ label: "used", values: samples.map((sample) => sample.gpu_memory_mb), look: "area" }]} />
          </>
        )}
      </div>
    </Card>
  );
}
