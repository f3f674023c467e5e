/**
 * Adding a node: makes a key of the cluster, shows what to run on the machine, and waits for it to come.
 *
 * The key is made when the dialog opens and shown only there. The node shows itself by the event of its joining.
 */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, LoaderCircle, Plus } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import type { PlatformEvent } from "@/api/stream";
import { useEvents } from "@/app/live";
import { Button } from "@/ui/button";
import { Notice, Skeleton } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/form";
import { Tabs } from "@/ui/tabs";
import { commandsFor, isLoopback, type Wanted, type Way } from "./agent-commands";

const PATIENCE_MS = 30_000;

interface Target {
  cluster: string;
  name: string;
}

/** The button with its dialog. Where the node's coming takes the button away, use the dialog by itself. */
export function AddNode({ cluster, name }: Target) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button kind="primary" onClick={() => setOpen(true)}>
        <Plus aria-hidden /> Add a node
      </Button>
      <AddNodeDialog cluster={cluster} name={name} open={open} onOpenChange={setOpen} />
    </>
  );
}

export function AddNodeDialog({ cluster, name, open, onOpenChange }: Target & { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={`Add a node to ${name}`} description="A machine becomes a node by running the agent with a key of the cluster." className="max-w-3xl">
      <AddNodeSteps cluster={cluster} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function AddNodeSteps({ cluster, onDone }: { cluster: string; onDone: () => void }) {
  const client = useQueryClient();
  const [wanted, setWanted] = useState<Omit<Wanted, "key">>({ endpoint: window.location.origin, runtime: "docker" });
  const [way, setWay] = useState<Way>("shell");
  const key = useMutation({
    mutationFn: () => data(api.POST("/clusters/{cluster}/api-keys", { params: { path: { cluster } }, body: { name: `node-${new Date().toISOString().slice(0, 16)}` } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["keys", "cluster", cluster] }),
  });
  const { mutate } = key;
  useEffect(() => mutate(), [mutate]);
  if (key.error) {
    return (
      <>
        <Notice tone="bad">No key could be made: {sentence(key.error)}</Notice>
        <Button onClick={() => mutate()}>Try again</Button>
      </>
    );
  }
  if (!key.data) return <Skeleton lines={5} />;
  const commands = commandsFor({ ...wanted, key: key.data.key });
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label="Address of the control plane"
          hint={
            isLoopback(wanted.endpoint) ? (
              <span className="text-warn">This address leads only to the machine it is used on. For other machines put one by which they reach this server.</span>
            ) : (
              "As the machine reaches it."
            )
          }
        >
          {(bound) => <Input {...bound} value={wanted.endpoint} onChange={(event) => setWanted({ ...wanted, endpoint: event.target.value.trim() })} />}
        </Field>
        <Field label="Jobs run in" hint="Containers need Docker on the machine.">
          {(bound) => (
            <Select {...bound} value={wanted.runtime} onChange={(event) => setWanted({ ...wanted, runtime: event.target.value as Wanted["runtime"] })}>
              <option value="docker">containers (Docker)</option>
              <option value="process">plain processes</option>
            </Select>
          )}
        </Field>
      </div>
      <Tabs
        label="Ways to run the agent"
        value={way}
        onChange={setWay}
        tabs={commands.map((each) => ({
          value: each.way,
          label: each.label,
          content: (
            <div className="flex flex-col gap-3">
              <p className="text-muted">{each.before}</p>
              {each.steps.map((step) => (
                <div key={step.say} className="flex flex-col gap-1">
                  <p>{step.say}:</p>
                  <Snippet text={step.command} />
                </div>
              ))}
            </div>
          ),
        }))}
      />
      <p className="text-xs text-muted">The key ({key.data.prefix}…) is shown only here. It is good for any number of machines until somebody deletes it on the cluster's page.</p>
      <Arrival cluster={cluster} endpoint={wanted.endpoint} runtime={wanted.runtime} onDone={onDone} />
    </>
  );
}

/** Waits for the node; says what to look at when it does not come. */
function Arrival({ cluster, endpoint, runtime, onDone }: { cluster: string; endpoint: string; runtime: Wanted["runtime"]; onDone: () => void }) {
  const [come, setCome] = useState<{ id: string; name: string; back: boolean }[]>([]);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  const hear = useCallback(
    (event: PlatformEvent) => {
      const id = event.node_id;
      if ((event.kind !== "node.joined" && event.kind !== "node.back") || event.cluster_id !== cluster || !id) return;
      const name = typeof event.data.name === "string" ? event.data.name : id;
      setCome((before) => (before.some((node) => node.id === id) ? before : [...before, { id, name, back: event.kind === "node.back" }]));
    },
    [cluster],
  );
  useEvents(hear);
  return (
    <div role="status" className="flex flex-col gap-2 rounded-lg border border-line p-3">
      {come.map((node) => (
        <p key={node.id} className="flex flex-wrap items-center gap-2 font-medium text-good">
          <CircleCheck aria-hidden className="size-5" />
          <Link to="/nodes/$node" params={{ node: node.id }} onClick={onDone} className="underline">
            {node.name}
          </Link>
          {node.back ? "is back." : "has joined and takes work."}
        </p>
      ))}
      <p className="flex items-center gap-2 text-muted">
        <LoaderCircle aria-hidden className="size-4 animate-spin" />
        {come.length > 0 ? "Run the same on further machines, or close this." : "Waiting for the node…"}
      </p>
      {late && come.length === 0 && (
        <div className="text-muted">
          <p>Not here yet? On the machine:</p>
          <ul className="list-disc pl-5">
            <li>
              <code className="break-all">curl {endpoint}/health</code> shows whether it reaches the control plane; if not, the address above is another one for it, or something is between.
            </li>
            {runtime === "docker" && (
              <li>
                <code>docker info</code> shows whether there is an engine that the agent may use; without one choose plain processes.
              </li>
            )}
            <li>The agent says at its start what it lacks: a wrong key, an address that nobody answers, a missing engine.</li>
            <li>A machine that was a node before comes back under its old name: look among the nodes.</li>
          </ul>
        </div>
      )}
    </div>
  );
}
