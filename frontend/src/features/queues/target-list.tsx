/** The clusters of a queue in order of preference: added, taken out, and moved by buttons or by dragging. */
/* oxlint-disable jsx-a11y/no-noninteractive-element-interactions -- dragging is beside the buttons, which do the same by keyboard */
import { ArrowDown, ArrowUp, GripVertical, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Select } from "@/ui/form";

interface Named {
  id: string;
  name: string;
}

interface Props {
  /** Ids in order. */
  value: readonly string[];
  clusters: readonly Named[];
  onChange: (ids: string[]) => void;
  /** What ties the control to its label and error. */
  bound: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean };
}

export function TargetList({ value, clusters, onChange, bound }: Props) {
  const [said, setSaid] = useState("");
  const [dragged, setDragged] = useState<number | null>(null);
  const name = (id: string) => clusters.find((each) => each.id === id)?.name ?? id;
  const rest = clusters.filter((each) => !value.includes(each.id));
  const move = (from: number, to: number) => {
    if (to < 0 || to >= value.length) return;
    onChange(moved(value, from, to));
    setSaid(`${name(value[from] ?? "")} is now number ${to + 1} of ${value.length}.`);
  };
  return (
    <div className="flex flex-col gap-2">
      <ol className="flex flex-col gap-1" aria-label="Clusters in order of preference">
        {value.map((id, at) => (
          <li
            key={id}
            draggable
            onDragStart={(event) => {
              event.dataTransfer.effectAllowed = "move";
              setDragged(at);
            }}
            onDragOver={(event) => {
              event.preventDefault();
              if (dragged !== null && dragged !== at) {
                move(dragged, at);
                setDragged(at);
              }
            }}
            onDragEnd={() => setDragged(null)}
            onDrop={(event) => event.preventDefault()}
            className={cn("flex items-center gap-1 rounded-md border border-line bg-surface py-0.5 pr-1 pl-2", dragged === at && "border-accent bg-raised")}
          >
            <GripVertical className="size-4 shrink-0 cursor-grab text-muted" aria-hidden />
            <span className="w-5 text-muted tabular-nums">{at + 1}</span>
            <span className="min-w-0 flex-1 truncate">{name(id)}</span>
            <Button kind="quiet" size="small" aria-label={`Move ${name(id)} up`} disabled={at === 0} onClick={() => move(at, at - 1)}>
              <ArrowUp />
            </Button>
            <Button kind="quiet" size="small" aria-label={`Move ${name(id)} down`} disabled={at === value.length - 1} onClick={() => move(at, at + 1)}>
              <ArrowDown />
            </Button>
            <Button kind="quiet" size="small" aria-label={`Take ${name(id)} out`} onClick={() => onChange(value.filter((other) => other !== id))}>
              <X />
            </Button>
          </li>
        ))}
      </ol>
      <Select {...bound} value="" disabled={rest.length === 0} onChange={(event) => event.target.value && onChange([...value, event.target.value])}>
        <option value="">{rest.length === 0 ? "All clusters are in the list" : "Add a cluster…"}</option>
        {rest.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </Select>
      <span role="status" className="sr-only">
        {said}
      </span>
    </div>
  );
}

/** The same items with one of them at another place. */
export function moved<T>(items: readonly T[], from: number, to: number): T[] {
  const rest = [...items];
  rest.splice(to, 0, ...rest.splice(from, 1));
  return rest;
}
