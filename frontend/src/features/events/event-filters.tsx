/** The filters of the log. Each choice goes into the address. */
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useMay } from "@/app/session";
import { clusterNamesQuery, queuesQuery } from "@/features/queues/queries";
import { nodesQuery } from "@/features/nodes/queries";
import { usersQuery } from "@/features/users/queries";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/form";
import { KINDS } from "./filter";
import type { EventSearch } from "./search";

interface Props {
  search: EventSearch;
  onChange: (changes: EventSearch) => void;
  onClear: () => void;
}

export function EventFilters({ search, onChange, onClear }: Props) {
  const admin = useMay("admin");
  const nodes = useQuery(nodesQuery).data?.nodes ?? [];
  const queues = useQuery(queuesQuery).data ?? [];
  const clusters = useQuery(clusterNamesQuery).data ?? [];
  const users = useQuery({ ...usersQuery, enabled: admin }).data?.users ?? [];
  const set = Object.values(search).some(Boolean);
  const choice = (name: "node" | "queue" | "cluster" | "user", label: string, things: { id: string; name: string }[]) => (
    <Field label={label}>
      {(bound) => (
        <Select {...bound} value={search[name] ?? ""} onChange={(event) => onChange({ [name]: event.target.value || undefined })}>
          <option value="">any</option>
          {search[name] && !things.some((each) => each.id === search[name]) && <option value={search[name]}>{search[name]}</option>}
          {things.map((each) => (
            <option key={each.id} value={each.id}>
              {each.name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
  return (
    <div className="mb-4 grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-5">
      <Field label="Kind">
        {(bound) => (
          <Select {...bound} value={search.kind ?? ""} onChange={(event) => onChange({ kind: event.target.value || undefined })}>
            <option value="">any</option>
            {KINDS.map(([noun, kinds]) => (
              <optgroup key={noun} label={noun}>
                <option value={`${noun}.*`}>all of {noun}</option>
                {kinds.map((kind) => (
                  <option key={kind} value={kind}>
                    {kind}
                  </option>
                ))}
              </optgroup>
            ))}
          </Select>
        )}
      </Field>
      <Typed key={`job ${search.job ?? ""}`} label="Job" placeholder="name or id" value={search.job} search onSet={(job) => onChange({ job })} />
      <Typed key={`actor ${search.actor ?? ""}`} label="Done by" placeholder="user:ada, system" value={search.actor} onSet={(actor) => onChange({ actor })} />
      {choice("node", "Node", nodes)}
      {choice("queue", "Queue", queues)}
      {choice("cluster", "Cluster", clusters)}
      {admin && choice("user", "About the user", users.map((each) => ({ id: each.user_id, name: each.username })))}
      {(["since", "until"] as const).map((name) => (
        <Field key={name} label={name === "since" ? "From" : "Before"}>
          {(bound) => <Input {...bound} type="datetime-local" value={search[name] ?? ""} onChange={(event) => onChange({ [name]: event.target.value || undefined })} />}
        </Field>
      ))}
      {set && (
        <div className="self-end">
          <Button kind="quiet" onClick={onClear}>
            <X aria-hidden /> Clear filters
          </Button>
        </div>
      )}
    </div>
  );
}

interface TypedProps {
  label: string;
  placeholder: string;
  value: string | undefined;
  search?: boolean;
  onSet: (value: string | undefined) => void;
}

/** A text that counts once it is finished: by Enter, or by leaving the field. */
function Typed({ label, placeholder, value, search, onSet }: TypedProps) {
  const [text, setText] = useState(value ?? "");
  const set = () => text.trim() !== (value ?? "") && onSet(text.trim() || undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set();
  };
  return (
    <form onSubmit={submit}>
      <Field label={label}>
        {(bound) => <Input {...bound} {...(search ? { "data-search": "" } : {})} placeholder={placeholder} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} onBlur={set} />}
      </Field>
    </form>
  );
}
