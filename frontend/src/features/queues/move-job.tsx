/** Giving a waiting job another place: its priority, or another queue. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { readWhole } from "@/ui/amounts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/form";
import { queuesQuery, type Waiting } from "./queries";

interface Props {
  job: Waiting;
  queueId: string;
  onClose: () => void;
  /** The highest priority in the line, above which a job goes first. */
  highest: number;
}

export function MoveJob({ job, queueId, onClose, highest }: Props) {
  const client = useQueryClient();
  const queues = useQuery(queuesQuery);
  const [priority, setPriority] = useState(String(job.priority));
  const [queue, setQueue] = useState(queueId);
  const [error, setError] = useState<string | null>(null);
  const move = useMutation({
    mutationFn: (wanted: number) =>
      data(
        api.PATCH("/training_jobs/{job}", {
          params: { path: { job: job.job_id } },
          body: { priority: wanted, ...(queue === queueId ? {} : { queue_id: queue }) },
        }),
      ),
    onSuccess: async () => {
      toast(`${job.job_name ?? "The job"} is moved.`);
      onClose();
      await Promise.all(["line", "queues", "jobs"].map((noun) => client.invalidateQueries({ queryKey: [noun] })));
    },
    onError: (failure) => setError(sentence(failure)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = readWhole(priority, -(2 ** 31) + 1);
    if (wanted === null) setError("Priority must be a whole number, such as 0 or 10.");
    else move.mutate(wanted);
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Move ${job.job_name ?? "a job"}`}
      description={`It is number ${job.position} in line. Within a queue the higher priority goes first; among equals the order of submission stays.`}
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Priority" error={error} hint={highest > job.priority || job.position > 1 ? `${highest + 1} would put it first.` : "It is first already."}>
          {(bound) => <Input {...bound} inputMode="numeric" value={priority} onChange={(event) => setPriority(event.target.value)} />}
        </Field>
        <Field label="Queue">
          {(bound) => (
            <Select {...bound} value={queue} onChange={(event) => setQueue(event.target.value)}>
              {(queues.data ?? []).map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Keep as it is</Button>
          <Button kind="primary" type="submit" disabled={move.isPending}>
            {move.isPending ? "Moving…" : "Move"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
