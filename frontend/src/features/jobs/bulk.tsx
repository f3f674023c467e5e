/** What is done with all ticked jobs: cancel them, after saying how many there are and whose. */
import { useQueryClient } from "@tanstack/react-query";
import { Square, X } from "lucide-react";
import { api, data } from "@/api/client";
import { useSession } from "@/app/session";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { number } from "@/ui/quantities";
import type { Selection } from "@/ui/selection";
import { isOpen, type Job } from "./types";

const NAMED = 5;

export function Bulk({ selection, rows }: { selection: Selection; rows: readonly Job[] }) {
  const { username, role } = useSession();
  const client = useQueryClient();
  const chosen = rows.filter((job) => selection.has(job.job_id));
  if (chosen.length === 0) return null;
  const open = chosen.filter((job) => isOpen(job) && (role === "admin" || job.owner === username));
  const others = open.filter((job) => job.owner !== username);
  const owners = [...new Set(others.map((job) => job.owner ?? "somebody else"))];
  const cancel = async () => {
    const ids = open.map((job) => job.job_id);
    const done = await data(api.POST("/training_jobs/cancel", { body: { jobs: ids } }));
    toast(`${number(done.cancelled.length)} cancelled${done.ended.length > 0 ? `, ${number(done.ended.length)} had ended already` : ""}.`);
    selection.clear();
    await client.invalidateQueries({ queryKey: ["jobs"] });
  };
  return (
    <div role="region" aria-label="Selected jobs" className="sticky top-2 z-20 mb-3 flex flex-wrap items-center gap-3 rounded-lg border border-accent bg-surface px-3 py-2 shadow max-md:top-16">
      <span role="status" className="font-medium">
        {number(chosen.length)} selected
      </span>
      {open.length < chosen.length && <span className="text-muted">{number(chosen.length - open.length)} of them have ended or are not yours to end</span>}
      <span className="ml-auto flex gap-2">
        <Button size="small" kind="quiet" onClick={selection.clear}>
          <X aria-hidden /> Clear
        </Button>
        {open.length > 0 && (
          <Confirm
            action={`Cancel ${number(open.length)} ${open.length === 1 ? "job" : "jobs"}`}
            title={`Cancel ${number(open.length)} ${open.length === 1 ? "job" : "jobs"}?`}
            onConfirm={cancel}
            trigger={
              <Button size="small" kind="danger">
                <Square aria-hidden /> Cancel…
              </Button>
            }
          >
            <p className="break-words">
              {open.slice(0, NAMED).map((job) => job.job_name).join(", ")}
              {open.length > NAMED && ` and ${number(open.length - NAMED)} more`}. Arrays end with all their elements.
            </p>
            {others.length > 0 && (
              <p className="font-medium text-warn">
                {number(others.length)} of them {others.length === 1 ? "belongs" : "belong"} to {owners.slice(0, NAMED).join(", ")}
                {owners.length > NAMED && " and others"}.
              </p>
            )}
          </Confirm>
        )}
      </span>
    </div>
  );
}
