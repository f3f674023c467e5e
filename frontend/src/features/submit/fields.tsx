/** The fields of the form: those of nearly every job up front, the others folded by topic. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { api, data } from "@/api/client";
import { queuesQuery } from "@/features/queues/queries";
import { Card } from "@/ui/card";
import { Checkbox, Field, Input, Select, TextArea } from "@/ui/form";
import { EMPTY, type FormErrors, type FormField, type JobForm } from "./form";
import { Pairs, Rows } from "./rows";

export interface FieldsProps {
  form: JobForm;
  errors: FormErrors;
  change: (changes: Partial<JobForm>) => void;
}

export function CommonFields({ form, errors, change }: FieldsProps) {
  const queues = useQuery(queuesQuery);
  const queue = queues.data?.find((each) => each.id === form.queue || each.name === form.queue);
  return (
    <Card title="Job">
      <div className="grid gap-4 sm:grid-cols-2">
        <Text label="Name" field="name" {...{ form, errors, change }} placeholder="train" maxLength={255} />
        <Field label="Queue" error={errors.queue} hint={queue?.paused ? "This queue is paused: nothing of it starts." : queues.data?.length === 0 ? "There is no queue yet; an administrator makes one." : undefined}>
          {(bound) => (
            <Select {...bound} value={queue?.name ?? form.queue} onChange={(event) => change({ queue: event.target.value })}>
              {!queue && <option value={form.queue}>{form.queue ? `${form.queue} (not there)` : "Choose a queue…"}</option>}
              {queues.data?.map((each) => (
                <option key={each.id} value={each.name}>
                  {each.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Runs" error={errors.runtime}>
          {(bound) => (
            <Select {...bound} value={form.runtime} onChange={(event) => change({ runtime: event.target.value as JobForm["runtime"] })}>
              <option value="docker">in a container</option>
              <option value="process">as plain processes on the node</option>
            </Select>
          )}
        </Field>
        {form.runtime === "docker" && <Text label="Image" field="image" {...{ form, errors, change }} placeholder="debian:12" mono />}
        <Field
          label="Command"
          className="sm:col-span-2"
          error={errors.command}
          hint={form.commandAs === "line" ? (form.runtime === "docker" ? "A line for sh -c. Empty: the image's own command." : "A line for sh -c.") : "Words as in a shell; quotes count, nothing is expanded."}
        >
          {(bound) => <TextArea {...bound} value={form.command} spellCheck={false} placeholder="python train.py --epochs 3" onChange={(event) => change({ command: event.target.value })} />}
        </Field>
        <Checkbox
          label="Words, without a shell"
          className="sm:col-span-2"
          checked={form.commandAs === "words"}
          onChange={(event) => change({ commandAs: event.target.checked ? "words" : "line" })}
        />
        <Text label="Cores" field="cpu" {...{ form, errors, change }} hint="Of each replica: 2, 0.5 or 1500m." />
        <Text label="Memory" field="memory" {...{ form, errors, change }} hint="Of each replica: 4GiB, or 4096 (MB)." />
        <div className="grid gap-4 sm:col-span-2 sm:grid-cols-3">
          <Text label="GPUs" field="gpuCount" {...{ form, errors, change }} placeholder="none" inputMode="numeric" />
          <Text label="GPU model" field="gpuModel" {...{ form, errors, change }} placeholder="any" hint="Words of its name: A100 80GB." />
          <Text label="GPU memory" field="gpuMemory" {...{ form, errors, change }} placeholder="any" hint="The least of each, in GB." />
        </div>
        <Text label="Replicas" field="size" {...{ form, errors, change }} hint="4, or 2:8 for as many as there is room for." />
        <Text label="Time limit" field="timeLimit" {...{ form, errors, change }} placeholder="none" hint="Such as 2h. Short jobs start sooner." />
      </div>
    </Card>
  );
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

export function MoreFields(props: FieldsProps) {
  const { form, errors, change } = props;
  const secrets = useQuery({ queryKey: ["secrets"], queryFn: () => data(api.GET("/secrets")) });
  const volumes = useQuery({ queryKey: ["volumes"], queryFn: () => data(api.GET("/volumes")) });
  const [secretList, volumeList] = [useId(), useId()];
  return (
    <div className="flex flex-col gap-2">
      <Section title="Variables and secrets" fields={["env", "secrets"]} {...props}>
        <Pairs legend="Variables" noun="variable" pairs={form.env} error={errors.env} onChange={(env) => change({ env })} />
        <Rows
          legend="Secrets"
          noun="secret"
          hint="By name; their values are kept under Account, Secrets, and never shown."
          error={errors.secrets}
          rows={form.secrets}
          fresh={{ name: "", as: "env" as const, target: "" }}
          onChange={(rows) => change({ secrets: rows })}
          renderRow={(row, set, number) => (
            <>
              <Input aria-label={`Secret ${number}`} list={secretList} placeholder="secret" value={row.name} onChange={(event) => set({ ...row, name: event.target.value })} />
              <Select aria-label={`How secret ${number} is given`} value={row.as} className="sm:max-w-40" onChange={(event) => set({ ...row, as: event.target.value as "env" })}>
                <option value="env">as variable</option>
                <option value="file">as file</option>
              </Select>
              <Input aria-label={`Variable or file of secret ${number}`} placeholder={row.name || "its name"} value={row.target} onChange={(event) => set({ ...row, target: event.target.value })} />
            </>
          )}
        />
        <datalist id={secretList}>{secrets.data?.secrets.map((each) => <option key={`${each.shared}${each.name}`} value={each.name}>{each.name}</option>)}</datalist>
      </Section>
      <Section title="Files and ports" fields={["workingDir", "volumes", "ports"]} {...props}>
        <Text label="Working directory" field="workingDir" {...props} placeholder="the image's own" mono />
        <Rows
          legend="Volumes"
          noun="volume"
          hint="A name keeps data between jobs; a path that begins with / is one of the node, where its agent allows it."
          error={errors.volumes}
          rows={form.volumes}
          fresh={{ source: "", path: "", readOnly: false }}
          onChange={(rows) => change({ volumes: rows })}
          renderRow={(row, set, number) => (
            <>
              <Input aria-label={`Name or path of volume ${number}`} list={volumeList} placeholder="data or /mnt/data" value={row.source} onChange={(event) => set({ ...row, source: event.target.value })} />
              <Input aria-label={`Where the job finds volume ${number}`} placeholder="/data" value={row.path} onChange={(event) => set({ ...row, path: event.target.value })} />
              <Checkbox label="read only" aria-label={`Volume ${number} read only`} className="whitespace-nowrap" checked={row.readOnly} onChange={(event) => set({ ...row, readOnly: event.target.checked })} />
            </>
          )}
        />
        <datalist id={volumeList}>{volumes.data?.volumes.map((each) => <option key={each.id} value={each.name}>{each.name}</option>)}</datalist>
        <Rows
          legend="Ports"
          noun="port"
          hint="Told in LILAC_PORT_NAME; reach them by lilac port-forward."
          error={errors.ports}
          rows={form.ports}
          fresh={{ port: "", protocol: "tcp", name: "" }}
          onChange={(rows) => change({ ports: rows })}
          renderRow={(row, set, number) => (
            <>
              <Input aria-label={`Port ${number}`} inputMode="numeric" placeholder="8080" value={row.port} onChange={(event) => set({ ...row, port: event.target.value })} />
              <Select aria-label={`Protocol of port ${number}`} value={row.protocol} className="sm:max-w-24" onChange={(event) => set({ ...row, protocol: event.target.value })}>
                <option value="tcp">tcp</option>
                <option value="udp">udp</option>
              </Select>
              <Input aria-label={`Name of port ${number}`} placeholder="name (none)" value={row.name} onChange={(event) => set({ ...row, name: event.target.value })} />
            </>
          )}
        />
      </Section>
      <Section title="Many at once, and after others" fields={["array", "after", "args"]} {...props}>
        <Text label="Array" field="array" {...props} placeholder="none" hint="Many of one kind: 0-9999, 1,3,5-9, or 0-99%10 for ten at once." />
        <Rows
          legend="After"
          noun="job"
          hint="Jobs, by id or name, that must have ended before."
          error={errors.after}
          rows={form.after}
          fresh={["", "success"] as const}
          onChange={(rows) => change({ after: [...rows] })}
          renderRow={([job, condition], set, number) => (
            <>
              <Input aria-label={`Job ${number} to wait for`} placeholder="job" value={job} onChange={(event) => set([event.target.value, condition] as never)} />
              <Select aria-label={`How job ${number} must end`} value={condition} onChange={(event) => set([job, event.target.value] as never)}>
                <option value="success">succeeded</option>
                <option value="any">ended in any way</option>
                <option value="failure">failed</option>
              </Select>
            </>
          )}
        />
        <Text label="Arguments" field="args" {...props} mono hint="Words behind the command, or for the image's entry point." />
      </Section>
      <Section title="Placement and priority" fields={["priority", "nodeSelector", "labels", "preemptible", "exclusive", "strict"]} {...props}>
        <Text label="Priority" field="priority" {...props} placeholder="0" inputMode="numeric" hint="Within the queue; higher goes first." />
        <Pairs legend="Node labels" noun="node label" hint="Only nodes that have all of these." pairs={form.nodeSelector} error={errors.nodeSelector} onChange={(nodeSelector) => change({ nodeSelector })} />
        <Pairs legend="Labels of the job" noun="label" pairs={form.labels} error={errors.labels} onChange={(labels) => change({ labels })} />
        <Checkbox label="Preemptible: may be stopped and queued again for a job of higher priority" checked={form.preemptible} onChange={(event) => change({ preemptible: event.target.checked })} />
        <Checkbox label="Exclusive: never two attempts at once, even if a node is cut off" checked={form.exclusive} onChange={(event) => change({ exclusive: event.target.checked })} />
        <Checkbox label="Strict: refuse it now if no node could ever run it" checked={form.strict} onChange={(event) => change({ strict: event.target.checked })} />
      </Section>
      <Section title="Ends and new attempts" fields={["grace", "stopSignal", "retries"]} {...props}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Text label="Grace" field="grace" {...props} placeholder="30s" hint="Between the polite signal and the kill." />
          <Field label="Polite signal" error={errors.stopSignal}>
            {(bound) => (
              <Select {...bound} value={form.stopSignal} onChange={(event) => change({ stopSignal: event.target.value })}>
                {SIGNALS.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <fieldset>
          <legend className="mb-1 font-medium">New attempts</legend>
          <div className="grid gap-3 sm:grid-cols-4">
            {(
              [
                ["node_lost", "Node lost", "3"],
                ["image", "Image not pulled", "0"],
                ["out_of_memory", "Out of memory", "0"],
                ["error", "Other exit code", "0"],
              ] as const
            ).map(([name, label, usual]) => (
              <Field key={name} label={label}>
                {(bound) => (
                  <Input {...bound} inputMode="numeric" placeholder={usual} value={form.retries[name]} onChange={(event) => change({ retries: { ...form.retries, [name]: event.target.value } })} />
                )}
              </Field>
            ))}
          </div>
          {errors.retries && (
            <p role="alert" className="mt-1 text-xs text-bad">
              {errors.retries}
            </p>
          )}
        </fieldset>
      </Section>
    </div>
  );
}

/** A folded part; open from the start where something in it is set, and as soon as something in it is wrong. */
function Section({ title, fields, form, errors, children }: FieldsProps & { title: string; fields: FormField[]; children: ReactNode }) {
  const set = fields.filter((field) => JSON.stringify(form[field]) !== JSON.stringify(EMPTY[field])).length;
  const wrong = fields.some((field) => errors[field]);
  return (
    <details open={wrong || set > 0 || undefined} className="rounded-xl border border-line bg-surface px-4 py-2.5">
      <summary className="cursor-pointer font-semibold">
        {title}
        {wrong && <span className="ml-2 font-normal text-bad">something is wrong here</span>}
      </summary>
      <div className="flex flex-col gap-4 pt-3 pb-1.5">{children}</div>
    </details>
  );
}

type TextField = { [K in FormField]: JobForm[K] extends string ? K : never }[FormField];

interface TextProps extends FieldsProps {
  label: string;
  field: TextField;
  hint?: string;
  placeholder?: string;
  mono?: boolean;
  maxLength?: number;
  inputMode?: "numeric";
}

function Text({ label, field, form, errors, change, hint, mono, ...rest }: TextProps) {
  return (
    <Field label={label} error={errors[field]} hint={hint}>
      {(bound) => (
        <Input {...bound} {...rest} autoComplete="off" spellCheck={false} className={mono ? "font-mono text-xs" : ""} value={form[field]} onChange={(event) => change({ [field]: event.target.value })} />
      )}
    </Field>
  );
}
