/** Ticked rows: by mouse, by keyboard, ranges with Shift held. What is ticked stays so while rows come and go. */
import { useCallback, useMemo, useRef, useState } from "react";

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  has: (id: string) => boolean;
  /** Tick or untick one; with `range` all between the last one touched and this, in the order of `ids`. */
  toggle: (id: string, ids: readonly string[], range: boolean) => void;
  set: (ids: readonly string[]) => void;
  clear: () => void;
}

export function useSelection(): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set());
  const last = useRef<string | null>(null);
  const toggle = useCallback((id: string, ids: readonly string[], range: boolean) => {
    const from = range && last.current !== null ? ids.indexOf(last.current) : -1;
    const to = ids.indexOf(id);
    last.current = id;
    setChosen((before) => {
      const next = new Set(before);
      const on = !before.has(id);
      const touched = from >= 0 && to >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
      for (const each of touched) {
        if (on) next.add(each);
        else next.delete(each);
      }
      return next;
    });
  }, []);
  const set = useCallback((ids: readonly string[]) => setChosen(new Set(ids)), []);
  const clear = useCallback(() => setChosen((before) => (before.size > 0 ? new Set() : before)), []);
  return useMemo(() => ({ chosen, has: (id) => chosen.has(id), toggle, set, clear }), [chosen, toggle, set, clear]);
}

/** The tick box over all rows that are there; half ticked when some are. */
export function SelectAll({ selection, ids }: { selection: Selection; ids: readonly string[] }) {
  const all = ids.length > 0 && ids.every((id) => selection.has(id));
  return (
    <input
      type="checkbox"
      aria-label="Select all rows shown"
      className="size-4 align-middle accent-accent"
      checked={all}
      ref={(box) => {
        if (box) box.indeterminate = !all && selection.chosen.size > 0;
      }}
      onChange={() => (all ? selection.clear() : selection.set(ids))}
    />
  );
}

export function SelectRow({ selection, id, ids, name }: { selection: Selection; id: string; ids: readonly string[]; name: string }) {
  // a change event does not say which keys are held: the click or the key press before it does
  const range = useRef(false);
  return (
    <input
      type="checkbox"
      aria-label={`Select ${name}`}
      className="size-4 align-middle accent-accent"
      checked={selection.has(id)}
      onMouseDown={(event) => {
        range.current = event.shiftKey;
        if (event.shiftKey) event.preventDefault(); // no text is marked
      }}
      onKeyDown={(event) => (range.current = event.shiftKey)}
      onChange={() => selection.toggle(id, ids, range.current)}
    />
  );
}
