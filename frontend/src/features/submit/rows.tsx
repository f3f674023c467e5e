/** Lists of rows in the form: added, changed and taken out; each control is named by its row. */
import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/ui/button";
import { Input } from "@/ui/form";
import type { Pair } from "./form";

interface RowsProps<T> {
  legend: string;
  hint?: ReactNode;
  error?: string | undefined;
  rows: readonly T[];
  fresh: T;
  onChange: (rows: T[]) => void;
  /** What one row is called, such as "variable". */
  noun: string;
  renderRow: (value: T, change: (value: T) => void, number: number) => ReactNode;
}

export function Rows<T>({ legend, hint, error, rows, fresh, onChange, noun, renderRow }: RowsProps<T>) {
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 font-medium">{legend}</legend>
      {rows.map((value, at) => (
        // rows have no identity but their place
        // oxlint-disable-next-line react/no-array-index-key
        <div key={at} className="flex items-center gap-1.5">
          <div className="flex min-w-0 flex-1 flex-wrap items-center gap-1.5 sm:flex-nowrap">{renderRow(value, (next) => onChange(rows.map((each, other) => (other === at ? next : each))), at + 1)}</div>
          <Button kind="quiet" size="small" aria-label={`Take ${noun} ${at + 1} out`} onClick={() => onChange(rows.filter((_, other) => other !== at))}>
            <X />
          </Button>
        </div>
      ))}
      <div>
        <Button size="small" onClick={() => onChange([...rows, fresh])}>
          <Plus aria-hidden /> Add {noun}
        </Button>
      </div>
      {hint && <p className="text-xs text-muted">{hint}</p>}
      {error && (
        <p role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface PairsProps {
  legend: string;
  noun: string;
  hint?: string;
  error?: string | undefined;
  pairs: readonly Pair[];
  onChange: (pairs: Pair[]) => void;
}

/** Names and values. */
export function Pairs({ pairs, noun, ...rest }: PairsProps) {
  return (
    <Rows<Pair>
      {...rest}
      noun={noun}
      rows={pairs}
      fresh={["", ""]}
      renderRow={([name, value], change, number) => (
        <>
          <Input aria-label={`Name of ${noun} ${number}`} placeholder="name" value={name} className="font-mono text-xs sm:max-w-52" onChange={(event) => change([event.target.value, value])} />
          <Input aria-label={`Value of ${noun} ${number}`} placeholder="value" value={value} className="font-mono text-xs" onChange={(event) => change([name, event.target.value])} />
        </>
      )}
    />
  );
}
