/** What stands beside the form: the command and the YAML that submit the same job. The YAML can be edited or pasted. */
import { useId, useState } from "react";
import { Card } from "@/ui/card";
import { CopyButton, Snippet } from "@/ui/copy";
import { TextArea } from "@/ui/form";
import { BY_FILE, commandLine } from "./command-line";
import { type Body, formOf, type JobForm } from "./form";
import type { Fault } from "./yaml-nodes";
import { readJob } from "./yaml-read";
import { yamlOf } from "./yaml-write";

interface Props {
  body: Body;
  /** The queue by its name. */
  queue: string;
  /** YAML that is being edited; null while it follows the form. */
  text: string | null;
  onText: (text: string | null) => void;
  onForm: (form: JobForm) => void;
}

export function Beside({ body, queue, text, onText, onForm }: Props) {
  const [faults, setFaults] = useState<Fault[]>([]);
  const id = useId();
  const command = commandLine(body, queue);
  const yaml = text ?? yamlOf(body, queue);
  const wrong = text === null ? [] : faults;
  const edit = (typed: string) => {
    const read = readJob(typed);
    setFaults(read.faults);
    if (read.body) onForm(formOf(read.body));
    onText(typed);
  };
  return (
    <>
      <Card title="By the command line">
        <Snippet text={command} />
        {command === BY_FILE && <p className="mt-2 text-xs text-muted">Flags cannot say all of it: keep the YAML below as job.yaml.</p>}
      </Card>
      <Card title={<label htmlFor={id}>As YAML</label>} actions={<CopyButton text={yaml} label="Copy the YAML" />}>
        <TextArea
          id={id}
          value={yaml}
          rows={Math.min(Math.max(yaml.split("\n").length + 1, 8), 30)}
          spellCheck={false}
          aria-invalid={wrong.length > 0 || undefined}
          aria-describedby={`${id}-hint ${id}-faults`}
          onChange={(event) => edit(event.target.value)}
          onBlur={() => wrong.length === 0 && onText(null)}
          className="whitespace-pre"
        />
        <p id={`${id}-hint`} className="mt-1 text-xs text-muted">
          Edit it or paste a job file: the form follows.
        </p>
        <ul id={`${id}-faults`} role="alert" className="mt-1 flex flex-col gap-0.5 text-xs text-bad">
          {wrong.map((fault) => (
            <li key={`${fault.line}:${fault.column}:${fault.message}`}>
              Line {fault.line}, column {fault.column}: {fault.message}.
            </li>
          ))}
        </ul>
        {wrong.length > 0 && (
          <button type="button" className="mt-1 text-xs text-accent underline" onClick={() => onText(null)}>
            Take the form's instead
          </button>
        )}
      </Card>
    </>
  );
}
