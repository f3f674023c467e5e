/** Pausing, resuming and deleting a queue. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Pause, Pencil, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, data } from "@/api/client";
import { deleting } from "@/api/deleting";
import { sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Checkbox } from "@/ui/form";
import { number } from "@/ui/quantities";
import type { Queue } from "./queries";
import { QueueForm } from "./queue-form";

export function QueueActions({ queue, onDeleted }: { queue: Queue; onDeleted?: () => void }) {
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const params = { path: { queue: queue.id } };
  const pause = useMutation({
    mutationFn: () => data(queue.paused ? api.POST("/queues/{queue}/resume", { params }) : api.POST("/queues/{queue}/pause", { params })),
    onSuccess: () => toast(queue.paused ? `Jobs of ${queue.name} start again.` : `Nothing more of ${queue.name} starts. What runs goes on.`),
    onError: (failure) => toast(sentence(failure), "bad"),
    onSettled: () => client.invalidateQueries({ queryKey: ["queues"] }),
  });
  return (
    <>
      <Button size="small" disabled={pause.isPending} aria-label={`${queue.paused ? "Resume" : "Pause"} ${queue.name}`} onClick={() => pause.mutate()}>
        {queue.paused ? <Play aria-hidden /> : <Pause aria-hidden />}
        {queue.paused ? "Resume" : "Pause"}
      </Button>
      <Button size="small" aria-label={`Edit ${queue.name}`} onClick={() => setEditing(true)}>
        <Pencil aria-hidden /> Edit
      </Button>
      <DeleteQueue queue={queue} onDeleted={onDeleted} />
      <QueueForm queue={queue} open={editing} onOpenChange={setEditing} />
    </>
  );
}

function DeleteQueue({ queue, onDeleted }: { queue: Queue; onDeleted: (() => void) | undefined }) {
  const client = useQueryClient();
  const [cancel, setCancel] = useState(false);
  const waiting = queue.waiting_jobs;
  const running = queue.in_use.running_jobs;
  const run = async () => {
    await deleting(queue.id, () => api.DELETE("/queues/{queue}", { params: { path: { queue: queue.id }, query: { cancel_waiting: cancel } } }));
    toast(`Queue ${queue.name} is deleted.`);
    onDeleted?.();
    await client.invalidateQueries({ queryKey: ["queues"], exact: true });
  };
  return (
    <Confirm
      trigger={
        <Button size="small" kind="danger" aria-label={`Delete ${queue.name}`}>
          <Trash2 aria-hidden /> Delete
        </Button>
      }
      title={`Delete queue ${queue.name}?`}
      action={cancel && waiting > 0 ? `Cancel ${jobs(waiting)} and delete` : "Delete queue"}
      onConfirm={run}
    >
      <p>
        {waiting === 0 ? "No job waits in it." : `${jobs(waiting)} ${waiting === 1 ? "waits" : "wait"} in it: the queue cannot be deleted before they are cancelled or moved.`}{" "}
        {running > 0 && `${jobs(running)} of it ${running === 1 ? "runs and goes" : "run and go"} on.`}
      </p>
      {waiting > 0 && <Checkbox label={`Cancel ${waiting === 1 ? "it" : `all ${number(waiting)}`} for good`} checked={cancel} onChange={(event) => setCancel(event.target.checked)} />}
    </Confirm>
  );
}

function jobs(count: number): string {
  return `${number(count)} ${count === 1 ? "job" : "jobs"}`;
}
