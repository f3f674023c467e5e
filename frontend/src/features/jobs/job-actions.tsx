/** What can be done with one job: cancel, run again, take as a model, move in line. Only its owner and administrators may. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { CopyPlus, ListOrdered, RotateCcw, Square } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { useMay, useSession } from "@/app/session";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/form";
import { number } from "@/ui/quantities";
import { bodyOf, leaveDraft } from "./request";
import { isOpen, type Job } from "./types";

export function JobActions({ job }: { job: Job }) {
  const session = useSession();
  const member = useMay("member");
  const router = useRouter();
  const navigate = useNavigate();
  const client = useQueryClient();
  const own = job.owner === session.username || session.role === "admin";
  if (!member) return null;
  const refresh = () => Promise.all([client.invalidateQueries({ queryKey: ["job", job.job_id] }), client.invalidateQueries({ queryKey: ["jobs"] })]);
  const params = { path: { job: job.job_id } };
  const cancel = async () => {
    await api.POST("/training_jobs/{job}/cancel", { params: { path: { job: job.job_id } } });
    toast(`${job.job_name} is being cancelled.`);
    await refresh();
  };
  const retry = async () => {
    const again = (await data(api.POST("/training_jobs/{job}/retry", { params }))) as { id: string; name: string };
    toast(`${again.name} runs again as a new job.`);
    await navigate({ to: "/jobs/$job", params: { job: again.id } });
  };
  const clone = () => {
    leaveDraft(bodyOf(job));
    router.history.push("/ui/submit?draft=1");
  };
  const left = job.array ? job.array.size - job.array.counts.succeeded - job.array.counts.failed - job.array.counts.cancelled : 1;
  return (
    <>
      <Button onClick={clone}>
        <CopyPlus aria-hidden /> Clone and edit
      </Button>
      {own && job.job_status === "queued" && !job.array_id && <Move job={job} onMoved={refresh} />}
      {own && (job.job_status === "failed" || job.job_status === "cancelled") && (
        <Confirm
          danger={false}
          action="Run again"
          title={`Run ${job.job_name} again?`}
          onConfirm={retry}
          trigger={
            <Button>
              <RotateCcw aria-hidden /> Retry
            </Button>
          }
        >
          {job.array ? "Those elements that failed or were cancelled are submitted again, as a new array." : "The same request is submitted again, as a new job."}
        </Confirm>
      )}
      {own && isOpen(job) && (
        <Confirm
          action={job.array ? `Cancel ${number(left)} elements` : "Cancel the job"}
          title={`Cancel ${job.job_name}?`}
          onConfirm={cancel}
          trigger={
            <Button kind="danger">
              <Square aria-hidden /> Cancel
            </Button>
          }
        >
          <p>{job.array ? `All ${number(left)} elements that have not ended are ended.` : `It is ${job.job_status}. Its processes get ${job.stop_signal}, and SIGKILL ${job.grace_s} s later.`}</p>
          {job.owner !== session.username && <p className="font-medium text-warn">It belongs to {job.owner ?? "somebody else"}.</p>}
        </Confirm>
      )}
    </>
  );
}

function Move({ job, onMoved }: { job: Job; onMoved: () => Promise<unknown> }) {
  const [open, setOpen] = useState(false);
  const [priority, setPriority] = useState(String(job.priority));
  const [queue, setQueue] = useState(job.queue_name ?? job.queue_id);
  const [error, setError] = useState<ApiError | Error | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(null);
    try {
      await api.PATCH("/training_jobs/{job}", { params: { path: { job: job.job_id } }, body: { priority: Number(priority), queue_id: queue } });
      toast(`${job.job_name} has moved.`);
      setOpen(false);
      await onMoved();
    } catch (failure) {
      setError(failure as Error);
    }
  };
  const field = error instanceof ApiError ? error.field : null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <ListOrdered aria-hidden /> Move
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={`Move ${job.job_name}`} description="Its order of submission stays; a higher priority goes first.">
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
          <Field label="Priority" error={error && field === "priority" ? error.message : null}>
            {(bound) => <Input {...bound} type="number" step={1} required value={priority} onChange={(event) => setPriority(event.target.value)} />}
          </Field>
          <Field label="Queue" error={error && field !== "priority" ? sentence(error) : null}>
            {(bound) => <Input {...bound} required value={queue} onChange={(event) => setQueue(event.target.value)} />}
          </Field>
          <div className="flex justify-end">
            <Button kind="primary" type="submit">
              Move
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
