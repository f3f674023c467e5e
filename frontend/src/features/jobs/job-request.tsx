/** What was asked for, as the job file that `lilac submit -f` takes. */
import { Download } from "lucide-react";
import { useMemo } from "react";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { bodyOf, jobFile } from "./request";
import type { Job } from "./types";

export function JobRequest({ job }: { job: Job }) {
  const text = useMemo(() => jobFile(bodyOf(job)), [job]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${job.job_name.replaceAll(/[^\w.-]+/g, "-")}.yaml`;
    link.click();
    URL.revokeObjectURL(url);
    toast(`Saved ${link.download}.`);
  };
  return (
    <Card
      title="Job file"
      actions={
        <Button size="small" onClick={save}>
          <Download aria-hidden /> Download
        </Button>
      }
    >
      {job.env === null && <p className="mb-2 text-muted">Its environment is not shown: the job is somebody else's.</p>}
      <Snippet text={text} />
      <p className="mt-2 text-xs text-muted">
        <code>lilac submit -f FILE</code> submits it again. Secrets are named, never shown.
      </p>
    </Card>
  );
}
