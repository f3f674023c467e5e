/** The tab with the output: which attempt and replica, and its view. */
import { Empty } from "@/ui/card";
import { Select } from "@/ui/form";
import { bytes } from "@/ui/quantities";
import { LogView } from "./logs/log-view";
import type { JobDetail } from "./types";

interface JobLogsProps {
  job: JobDetail;
  attempt: number;
  rank: number;
  onChoose: (attempt: number, rank: number) => void;
}

export function JobLogs({ job, attempt, rank, onChoose }: JobLogsProps) {
  const shown = job.attempts.find((each) => each.number === attempt);
  if (!shown) return <Empty title="There is no output yet.">It appears here as soon as the job has been started, line by line.</Empty>;
  return (
    <div className="flex flex-col gap-2">
      {(job.attempts.length > 1 || shown.replicas.length > 1) && (
        <div className="flex flex-wrap gap-2">
          <Select aria-label="Attempt" className="h-8 w-auto" value={attempt} onChange={(event) => onChoose(Number(event.target.value), 0)}>
            {job.attempts.map((each) => (
              <option key={each.number} value={each.number}>
                Attempt {each.number} ({each.state})
              </option>
            ))}
          </Select>
          <Select aria-label="Replica" className="h-8 w-auto" value={rank} onChange={(event) => onChoose(attempt, Number(event.target.value))}>
            {shown.replicas.map((each) => (
              <option key={each.rank} value={each.rank}>
                Replica {each.rank} on {each.node_name ?? "?"} ({bytes(each.log_bytes)})
              </option>
            ))}
          </Select>
        </div>
      )}
      <LogView job={job.job_id} attempt={attempt} rank={rank} />
    </div>
  );
}
