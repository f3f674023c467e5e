/** What an administrator does with a node: take it out of service and back, label it, forget it. Each says what it affects. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleSlash, Play, Tags, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { deleting } from "@/api/deleting";
import { sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Field, Input, Select, TextArea } from "@/ui/form";
import type { JobBrief } from "./holders";
import { labelChanges, labelText } from "./labels";
import type { Node } from "./queries";

const NAMED = 5;

export function NodeActions({ node, jobs }: { node: Node; jobs: readonly JobBrief[] }) {
  const cordoned = node.node_status === "draining";
  return (
    <>
      {cordoned ? <Resume node={node} /> : node.node_status !== "lost" && <Drain node={node} jobs={jobs} />}
      <EditLabels node={node} />
      {node.node_status === "lost" && <Remove node={node} />}
    </>
  );
}

function useChanged() {
  const client = useQueryClient();
  return () => Promise.all(["nodes", "clusters", "events"].map((noun) => client.invalidateQueries({ queryKey: [noun] })));
}

type When = "never" | "later" | "now";

function Drain({ node, jobs }: { node: Node; jobs: readonly JobBrief[] }) {
  const [open, setOpen] = useState(false);
  const [when, setWhen] = useState<When>("never");
  const [minutes, setMinutes] = useState("30");
  const changed = useChanged();
  const deadline = when === "later" ? Math.round(Number(minutes) * 60) : 0;
  const wrong = when === "later" && !(Number(minutes) > 0 && deadline < 2 ** 31) ? "Put a number of minutes, such as 30." : null;
  const drain = useMutation({
    mutationFn: () =>
      data(api.POST("/nodes/{node}/drain", { params: { path: { node: node.id } }, body: when === "never" ? { evict: false } : when === "now" ? { evict: true } : { deadline_s: deadline, evict: false } })),
    onSuccess: async () => {
      await changed();
      setOpen(false);
      toast(`Node ${node.name} takes nothing new.`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) drain.mutate();
  };
  return (
    <>
      <Button onClick={() => (drain.reset(), setOpen(true))}>
        <CircleSlash aria-hidden /> Drain
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={`Drain ${node.name}?`} description="The node is given nothing new until somebody resumes it.">
        <form onSubmit={submit} className="flex flex-col gap-4">
          <Affected node={node} jobs={jobs} />
          {node.jobs.length > 0 && (
            <Field label="What runs there now" hint={when === "never" ? "Jobs end as they would." : "What is stopped then waits again and starts on another node; it costs no retry."}>
              {(bound) => (
                <Select {...bound} value={when} onChange={(event) => setWhen(event.target.value as When)}>
                  <option value="never">goes on to its end</option>
                  <option value="later">may go on for some minutes</option>
                  <option value="now">is stopped now</option>
                </Select>
              )}
            </Field>
          )}
          {when === "later" && (
            <Field label="Minutes" error={wrong}>
              {(bound) => <Input {...bound} type="number" min={1} value={minutes} onChange={(event) => setMinutes(event.target.value)} />}
            </Field>
          )}
          {drain.error && (
            <p role="alert" className="text-bad">
              {sentence(drain.error)}
            </p>
          )}
          <div className="flex justify-end gap-2">
            <Button onClick={() => setOpen(false)}>Keep as it is</Button>
            <Button kind={when === "now" ? "danger" : "primary"} type="submit" disabled={drain.isPending || wrong !== null}>
              {drain.isPending ? "Working…" : when === "now" ? "Drain and stop jobs" : "Drain"}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

/** The jobs on a node, the first of them by name. */
function Affected({ node, jobs }: { node: Node; jobs: readonly JobBrief[] }) {
  const count = node.jobs.length;
  if (count === 0) return <p className="text-muted">Nothing runs there.</p>;
  const named = jobs.slice(0, NAMED).map((job) => (job.owner ? `${job.job_name} of ${job.owner}` : job.job_name));
  const more = count - named.length;
  return (
    <p>
      {count === 1 ? "One job runs" : `${count} jobs run`} there{named.length > 0 && `: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`}.
    </p>
  );
}

function Resume({ node }: { node: Node }) {
  const changed = useChanged();
  const resume = useMutation({
    mutationFn: () => data(api.POST("/nodes/{node}/resume", { params: { path: { node: node.id } } })),
    onSuccess: async () => {
      await changed();
      toast(`Node ${node.name} takes work again.`);
    },
    onError: (error) => toast(sentence(error), "bad"),
  });
  return (
    <Button kind="primary" disabled={resume.isPending} onClick={() => resume.mutate()}>
      <Play aria-hidden /> Resume
    </Button>
  );
}

function EditLabels({ node }: { node: Node }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const changed = useChanged();
  const edit = useMutation({
    mutationFn: (labels: Record<string, string | null>) => data(api.PATCH("/nodes/{node}", { params: { path: { node: node.id } }, body: { labels } })),
    onSuccess: async () => {
      await changed();
      setOpen(false);
      toast(`Labels of ${node.name} are set.`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const changes = labelChanges(text, node.set_labels);
    if (typeof changes === "string") return setWrong(changes);
    setWrong(null);
    edit.mutate(changes);
  };
  const own = Object.keys(node.labels).filter((key) => !(key in node.set_labels));
  return (
    <>
      <Button onClick={() => (setText(labelText(node.set_labels)), setWrong(null), edit.reset(), setOpen(true))}>
        <Tags aria-hidden /> Labels
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={`Labels of ${node.name}`} description="Jobs select nodes by labels. What is set here goes over what the node's agent tells.">
        <form onSubmit={submit} className="flex flex-col gap-4">
          <Field label="Set labels" hint={`One key=value a line.${own.length > 0 ? ` The agent tells: ${own.join(", ")}.` : ""}`} error={wrong ?? (edit.error && sentence(edit.error))}>
            {(bound) => <TextArea {...bound} rows={6} value={text} onChange={(event) => setText(event.target.value)} />}
          </Field>
          <div className="flex justify-end gap-2">
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button kind="primary" type="submit" disabled={edit.isPending}>
              Set labels
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

function Remove({ node }: { node: Node }) {
  const navigate = useNavigate();
  const changed = useChanged();
  const remove = async () => {
    await deleting(node.id, () => api.DELETE("/nodes/{node}", { params: { path: { node: node.id } } }));
    toast(`Node ${node.name} is forgotten.`);
    await navigate({ to: "/nodes" });
    await changed();
  };
  return (
    <Confirm
      trigger={
        <Button kind="danger">
          <Trash2 aria-hidden /> Remove
        </Button>
      }
      title={`Remove ${node.name}?`}
      action="Remove the node"
      onConfirm={remove}
    >
      <p>Lilac forgets the node and its labels; the history of its jobs stays. Should its agent start again, it joins as a new node.</p>
    </Confirm>
  );
}
