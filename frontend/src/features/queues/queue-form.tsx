/** Making a queue, and changing one: everything a queue has. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { toast } from "@/app/toasts";
import { readSeconds, readWhole, writeSeconds } from "@/ui/amounts";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { Dialog } from "@/ui/dialog";
import { Checkbox, Field, Input, Select } from "@/ui/form";
import { LIMIT_NAMES, LIMITS, type LimitTexts, readLimits, textsOf } from "./limits";
import { clusterNamesQuery, type Queue, type QueueBody } from "./queries";
import { TargetList } from "./target-list";

interface Props {
  /** The queue to change; null for a new one. */
  queue: Queue | null;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function QueueForm({ queue, open, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={queue ? `Edit queue ${queue.name}` : "New queue"}
      description="Jobs wait in a queue for the clusters it leads to. The queue with the lowest priority number goes first."
    >
      {open && <Fields queue={queue} onDone={() => onOpenChange(false)} />}
    </Dialog>
  );
}

type Errors = Record<string, string | undefined>;

function Fields({ queue, onDone }: { queue: Queue | null; onDone: () => void }) {
  const client = useQueryClient();
  const clusters = useQuery(clusterNamesQuery);
  const [name, setName] = useState(queue?.name ?? "");
  const [priority, setPriority] = useState(String(queue?.priority ?? 100));
  const [targets, setTargets] = useState<string[]>(queue?.cluster_targets ?? []);
  const [order, setOrder] = useState<Queue["order"]>(queue?.order ?? "fifo");
  const [ageing, setAgeing] = useState(queue?.ageing_s ? writeSeconds(queue.ageing_s) : "");
  const [preemption, setPreemption] = useState(queue?.preemption ?? true);
  const [limits, setLimits] = useState(textsOf(queue?.limits));
  const [userLimits, setUserLimits] = useState(textsOf(queue?.user_limits));
  const [errors, setErrors] = useState<Errors>({});

  const save = useMutation({
    mutationFn: (body: QueueBody) =>
      data<Queue>(
        queue
          ? api.PATCH("/queues/{queue}", { params: { path: { queue: queue.id } }, body })
          : api.POST("/queues", { body }),
      ),
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ["queues"] });
      toast(queue ? `Queue ${saved.name} is changed.` : `Queue ${saved.name} is there. Jobs can be submitted to it now.`);
      onDone();
    },
    onError: (failure) => {
      const field = failure instanceof ApiError ? (failure.field ?? "") : "";
      setErrors({ [FIELDS.test(field) ? field.replace(/^cluster_targets.*/, "cluster_targets") : ""]: sentence(failure) });
    },
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found: Errors = {};
    const number = readWhole(priority, -(2 ** 31));
    if (name.trim() === "") found.name = "Give the queue a name.";
    if (number === null) found.priority = "A whole number, such as 10.";
    if (targets.length === 0) found.cluster_targets = "Add at least one cluster: jobs of the queue run there.";
    const seconds = ageing.trim() === "" ? null : readSeconds(ageing);
    if (ageing.trim() !== "" && !seconds) found.ageing_s = "A length of time such as 30m or 2h, or nothing for none.";
    const [all, each] = [readLimits(limits), readLimits(userLimits)];
    for (const [prefix, { errors: wrong }] of [["limits", all], ["user_limits", each]] as const) {
      for (const [key, text] of Object.entries(wrong)) found[`${prefix}.${key}`] = text;
    }
    setErrors(found);
    if (Object.keys(found).length > 0 || number === null) return;
    save.mutate({
      name: name.trim(),
      priority: number,
      cluster_targets: targets,
      order,
      ageing_s: seconds,
      preemption,
      limits: all.limits,
      user_limits: each.limits,
    });
  };

  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name" error={errors.name}>
          {(bound) => <Input {...bound} value={name} maxLength={255} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label="Priority" hint="A lower number goes first." error={errors.priority}>
          {(bound) => <Input {...bound} inputMode="numeric" value={priority} onChange={(event) => setPriority(event.target.value)} />}
        </Field>
      </div>
      <Field label="Clusters" hint="Jobs go to the first of these that has room. Move them by the arrows, or drag them." error={errors.cluster_targets}>
        {(bound) => <TargetList bound={bound} value={targets} clusters={clusters.data ?? []} onChange={setTargets} />}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Order" hint="Among jobs of equal priority.">
          {(bound) => (
            <Select {...bound} value={order} onChange={(event) => setOrder(event.target.value as Queue["order"])}>
              <option value="fifo">By submission</option>
              <option value="fair">Users in turns</option>
            </Select>
          )}
        </Field>
        <Field label="Ageing" hint="One priority number better for each such wait of its first job." error={errors.ageing_s}>
          {(bound) => <Input {...bound} placeholder="none" value={ageing} onChange={(event) => setAgeing(event.target.value)} />}
        </Field>
      </div>
      <Checkbox
        label="Elastic and preemptible jobs of lower priority make room for its jobs"
        checked={preemption}
        onChange={(event) => setPreemption(event.target.checked)}
      />
      <LimitFields legend="At most, the queue as a whole" prefix="limits" texts={limits} errors={errors} onChange={setLimits} />
      <LimitFields legend="At most, each user in it" prefix="user_limits" texts={userLimits} errors={errors} onChange={setUserLimits} />
      {errors[""] && <Notice tone="bad">{errors[""]}</Notice>}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{queue ? "Keep as it is" : "Cancel"}</Button>
        <Button kind="primary" type="submit" disabled={save.isPending}>
          {save.isPending ? "Saving…" : queue ? "Save" : "Create queue"}
        </Button>
      </div>
    </form>
  );
}

const FIELDS = /^(name|priority|cluster_targets|ageing_s|limits|user_limits)/;

interface LimitProps {
  legend: string;
  prefix: string;
  texts: LimitTexts;
  errors: Errors;
  onChange: (texts: LimitTexts) => void;
}

function LimitFields({ legend, prefix, texts, errors, onChange }: LimitProps) {
  const wrong = LIMIT_NAMES.some((name) => errors[`${prefix}.${name}`]);
  const set = LIMIT_NAMES.some((name) => texts[name] !== "");
  return (
    <details open={wrong || set || undefined} className="rounded-lg border border-line px-3 py-2">
      <summary className="cursor-pointer font-medium">{legend}</summary>
      <div className="grid gap-3 pt-3 sm:grid-cols-2">
        {LIMIT_NAMES.map((name) => (
          <Field key={name} label={LIMITS[name].label} error={errors[`${prefix}.${name}`]}>
            {(bound) => <Input {...bound} placeholder="no limit" value={texts[name]} onChange={(event) => onChange({ ...texts, [name]: event.target.value })} />}
          </Field>
        ))}
      </div>
    </details>
  );
}
