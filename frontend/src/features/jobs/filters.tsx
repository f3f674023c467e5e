/** Which jobs are listed: by state, queue, owner, label, words, kind and time. All of it is in the address. */
import { useQuery } from "@tanstack/react-query";
import { Columns3, X } from "lucide-react";
import { useEffect, useState } from "react";
import { api, data } from "@/api/client";
import { jobKindValues, jobStateValues } from "@/api/schema.gen";
import { useSession } from "@/app/session";
import { Button } from "@/ui/button";
import { Input, Select } from "@/ui/form";
import { Menu, MenuCheck, MenuLabel } from "@/ui/menu";
import { number } from "@/ui/quantities";
import { type JobsSearch, statesOf, WITHIN, filtersOf } from "./addresses";
import { COLUMNS, USUAL } from "./columns";
import { Chip } from "./elements";
import type { Counts, JobState } from "./types";

interface FiltersProps {
  search: JobsSearch;
  counts: Counts | undefined;
  onChange: (changes: Partial<JobsSearch>) => void;
}

const TYPING_MS = 300;

export function Filters({ search, counts, onChange }: FiltersProps) {
  const states = statesOf(search);
  const toggle = (state: JobState) => {
    const next = states.includes(state) ? states.filter((each) => each !== state) : [...states, state];
    onChange({ status: next.join(",") || undefined });
  };
  const filters = filtersOf(search);
  return (
    <div className="mb-3 flex flex-col gap-2">
      <div role="group" aria-label="State" className="flex flex-wrap gap-2">
        <Chip on={states.length === 0} onClick={() => onChange({ status: undefined })}>
          All {counts && number(Object.values(counts).reduce((sum, count) => sum + count, 0))}
        </Chip>
        {jobStateValues.map((state) => (
          <Chip key={state} on={states.includes(state)} onClick={() => toggle(state)}>
            {state} {counts && number(counts[state])}
          </Chip>
        ))}
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <Words search={search} onChange={onChange} name="q" label="Text in the name" placeholder="Search names" className="w-52" isSearch />
        <Queues search={search} onChange={onChange} />
        <Owner search={search} onChange={onChange} />
        <Words search={search} onChange={onChange} name="label" label="Label, as key=value" placeholder="label=value" className="w-36" />
        <Select aria-label="Kind" className="h-8 w-auto" value={search.kind ?? ""} onChange={(event) => onChange({ kind: (event.target.value || undefined) as JobsSearch["kind"] })}>
          <option value="">Any kind</option>
          {jobKindValues.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </Select>
        <Select aria-label="Submitted" className="h-8 w-auto" value={search.within ?? ""} onChange={(event) => onChange({ within: event.target.value || undefined })}>
          <option value="">Any time</option>
          {Object.keys(WITHIN).map((within) => (
            <option key={within} value={within}>
              Last {within}
            </option>
          ))}
        </Select>
        {search.node && <Chip on onClick={() => onChange({ node: undefined })}>on {search.node} ×</Chip>}
        {Object.keys(filters).length > 0 && (
          <Button kind="quiet" size="small" onClick={() => onChange(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])))}>
            <X aria-hidden /> Clear
          </Button>
        )}
        <ColumnMenu search={search} onChange={onChange} />
      </div>
    </div>
  );
}

type Part = Pick<FiltersProps, "search" | "onChange">;

/** A text that counts when nobody has typed for a moment. */
function Words({ search, onChange, name, label, placeholder, className, isSearch }: Part & { name: "q" | "label"; label: string; placeholder: string; className: string; isSearch?: boolean }) {
  const kept = search[name] ?? "";
  const [seen, setSeen] = useState(kept);
  const [typed, setTyped] = useState(kept);
  if (seen !== kept) {
    setSeen(kept);
    setTyped(kept);
  }
  useEffect(() => {
    if (typed === kept) return;
    // a label counts when it is whole
    if (name === "label" && typed !== "" && !/^[^=]+=./.test(typed)) return;
    const timer = setTimeout(() => onChange({ [name]: typed || undefined }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, kept, name, onChange]);
  return <Input type="search" aria-label={label} placeholder={placeholder} className={`h-8 ${className}`} value={typed} onChange={(event) => setTyped(event.target.value)} {...(isSearch ? { "data-search": true } : {})} />;
}

function Queues({ search, onChange }: Part) {
  const queues = useQuery({ queryKey: ["queues", "names"], queryFn: () => data(api.GET("/queues")) });
  const names = (queues.data as { queues?: { name: string }[] } | undefined)?.queues?.map((queue) => queue.name) ?? [];
  if (search.queue && !names.includes(search.queue)) names.push(search.queue);
  return (
    <Select aria-label="Queue" className="h-8 w-auto max-w-44" value={search.queue ?? ""} onChange={(event) => onChange({ queue: event.target.value || undefined })}>
      <option value="">Any queue</option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </Select>
  );
}

function Owner({ search, onChange }: Part) {
  const { role } = useSession();
  const others = useQuery({ queryKey: ["users", "names"], queryFn: () => data(api.GET("/users")), enabled: role === "admin" });
  const names = (others.data as { users?: { username: string }[] } | undefined)?.users?.map((user) => user.username) ?? [];
  if (search.owner && search.owner !== "me" && !names.includes(search.owner)) names.push(search.owner);
  if (role === "member") return null; // members see only their own
  return (
    <Select aria-label="Owner" className="h-8 w-auto max-w-44" value={search.owner ?? ""} onChange={(event) => onChange({ owner: event.target.value || undefined })}>
      <option value="">Anybody's</option>
      <option value="me">Mine</option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </Select>
  );
}

export function columnsShown(search: JobsSearch): readonly string[] {
  const known = search.columns?.split(",").filter((id) => COLUMNS.some((column) => column.id === id));
  return known && known.length > 0 ? ["name", ...known.filter((id) => id !== "name")] : USUAL;
}

function ColumnMenu({ search, onChange }: Part) {
  const shown = columnsShown(search);
  const toggle = (id: string, on: boolean) => {
    const next = COLUMNS.map((column) => column.id).filter((each) => (each === id ? on : shown.includes(each)));
    onChange({ columns: next.join() === USUAL.join() ? undefined : next.join(",") });
  };
  return (
    <div className="ml-auto">
      <Menu
        trigger={
          <Button size="small">
            <Columns3 aria-hidden /> Columns
          </Button>
        }
      >
        <MenuLabel>Columns</MenuLabel>
        {COLUMNS.filter((column) => column.id !== "name").map((column) => (
          <MenuCheck key={column.id} checked={shown.includes(column.id)} onChange={(on) => toggle(column.id, on)}>
            {column.header}
          </MenuCheck>
        ))}
      </Menu>
    </div>
  );
}
