/** Making an API key: its name, what it may, until when; then its text, shown this once. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { sentence } from "@/api/errors";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { Snippet } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/form";
import { type NewKey, type Scope, SCOPES } from "./queries";

const DAY_MS = 86_400_000;
const TERMS = [
  ["7", "in 7 days"],
  ["30", "in 30 days"],
  ["90", "in 90 days"],
  ["365", "in a year"],
  ["date", "on a day…"],
  ["never", "never"],
] as const;

export function NewKeyDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const [made, setMade] = useState<NewKey | null>(null);
  const close = (next: boolean) => {
    if (!next) setMade(null);
    onOpenChange(next);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title={made ? `The key ${made.name || made.prefix}` : "New API key"}
      description={made ? "This is the only time it is shown. Keep it where nobody else looks." : "For the command line and for programs. It acts with your role, as far as you let it."}
    >
      {made ? <Shown made={made} onDone={() => close(false)} /> : open && <KeyForm onMade={setMade} onCancel={() => close(false)} />}
    </Dialog>
  );
}

function KeyForm({ onMade, onCancel }: { onMade: (made: NewKey) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("submit");
  const [term, setTerm] = useState<string>("90");
  const [day, setDay] = useState("");
  const [error, setError] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: (expires_at: string | null) => data(api.POST("/account/api-keys", { body: { name: name.trim(), scope, expires_at } })),
    onSuccess: (made) => {
      onMade(made);
      void client.invalidateQueries({ queryKey: ["keys"] });
    },
    onError: (failure) => setError(sentence(failure)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const ends = term === "never" ? null : term === "date" ? Date.parse(`${day}T00:00:00`) : Date.now() + Number(term) * DAY_MS;
    if (name.trim() === "") setError("Give it a name, such as the machine or the program that will use it.");
    else if (ends !== null && !(ends > Date.now())) setError("Choose a day that is still to come.");
    else make.mutate(ends === null ? null : new Date(ends).toISOString());
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field label="Name" error={error}>
        {(bound) => <Input {...bound} value={name} maxLength={255} autoComplete="off" placeholder="laptop" onChange={(event) => setName(event.target.value)} />}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="It may">
          {(bound) => (
            <Select {...bound} value={scope} onChange={(event) => setScope(event.target.value as Scope)}>
              {Object.entries(SCOPES).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="It ends" {...(term === "never" ? { hint: "A key that never ends is good for whoever finds it." } : {})}>
          {(bound) => (
            <Select {...bound} value={term} onChange={(event) => setTerm(event.target.value)}>
              {TERMS.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {term === "date" && (
          <Field label="Day">{(bound) => <Input {...bound} type="date" value={day} onChange={(event) => setDay(event.target.value)} />}</Field>
        )}
      </div>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button kind="primary" type="submit" disabled={make.isPending}>
          {make.isPending ? "Making…" : "Make key"}
        </Button>
      </div>
    </form>
  );
}

function Shown({ made, onDone }: { made: NewKey; onDone: () => void }) {
  const endpoint = window.location.origin;
  return (
    <div className="flex flex-col gap-3">
      <Snippet text={made.key} />
      <Notice tone="warn">Copy it now: only its beginning is kept, and it cannot be shown again.</Notice>
      <p className="text-muted">On the machine that will use it, once (it asks for the key):</p>
      <Snippet text={`lilac configure --endpoint ${endpoint}`} />
      <p className="text-muted">Or for programs, by the environment:</p>
      <Snippet text={`export LILAC_API_ENDPOINT=${endpoint}\nread -rs LILAC_USER_API_KEY && export LILAC_USER_API_KEY`} />
      <div className="flex justify-end">
        <Button kind="primary" onClick={onDone}>
          I have kept it
        </Button>
      </div>
    </div>
  );
}
