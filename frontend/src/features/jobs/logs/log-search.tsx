/** The search over an output: text or expression, how many lines have it, and the way from one to the next. */
import { ChevronDown, ChevronUp } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/ui/button";
import { cn } from "@/ui/cn";
import { Input } from "@/ui/form";
import { number } from "@/ui/quantities";
import type { LineStore } from "./line-store";
import { expression, type Query, Search } from "./search";

export interface LogSearchState {
  query: Query;
  setQuery: (query: Query) => void;
  pattern: RegExp | null;
  problem: string | null;
  /** Offsets of the lines that match. */
  found: readonly number[];
  /** The line the search stands at. */
  current: number | null;
  setCurrent: (offset: number | null) => void;
}

const PAUSE_MS = 250;

/** `version` changes whenever the store has. */
export function useLogSearch(store: LineStore, version: string): LogSearchState {
  const [query, setQuery] = useState<Query>({ text: "", regex: false, matchCase: false });
  const [found, setFound] = useState<readonly number[]>([]);
  const [current, setCurrent] = useState<number | null>(null);
  const made = useMemo(() => expression(query), [query]);
  const pattern = made instanceof RegExp ? made : null;
  const search = useRef<Search | null>(null);
  const due = useRef(false);
  const [sought, setSought] = useState(pattern);
  if (sought !== pattern) {
    setSought(pattern);
    setFound([]);
    setCurrent(null);
  }
  useEffect(() => {
    if (!pattern) return;
    const next = new Search(pattern, !query.regex, () => setFound(next.found));
    search.current = next;
    void next.run(store);
    return () => {
      next.stop();
      search.current = null;
    };
  }, [pattern, query.regex, store]);
  useEffect(() => {
    // output that streams in is searched a few times a second, not at each chunk
    if (!search.current || due.current) return;
    due.current = true;
    setTimeout(() => {
      due.current = false;
      void search.current?.run(store);
    }, PAUSE_MS);
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [version, store]);
  return { query, setQuery, pattern, problem: typeof made === "string" ? made : null, found, current, setCurrent };
}

export function LogSearch({ search, onShow }: { search: LogSearchState; onShow: (offset: number) => void }) {
  const { query, found, current } = search;
  const place = current === null ? -1 : found.indexOf(current);
  const go = (step: 1 | -1) => {
    if (found.length === 0) return;
    // the newest first: that is where the reader is
    const next = place < 0 ? (step > 0 ? 0 : found.length - 1) : (place + step + found.length) % found.length;
    const offset = found[next] as number;
    search.setCurrent(offset);
    onShow(offset);
  };
  return (
    <form role="search" className="flex flex-wrap items-center gap-1 max-md:w-full" onSubmit={(event) => event.preventDefault()}>
      <Input
        data-search
        type="search"
        aria-label="Search the output"
        aria-invalid={search.problem !== null}
        placeholder="Search the output"
        className="h-7 w-52 text-xs max-md:w-32 max-md:flex-1"
        value={query.text}
        onChange={(event) => search.setQuery({ ...query, text: event.target.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey ? 1 : -1);
          if (event.key === "Escape") search.setQuery({ ...query, text: "" });
        }}
      />
      <Toggle label="Match case" text="Aa" on={query.matchCase} onToggle={() => search.setQuery({ ...query, matchCase: !query.matchCase })} />
      <Toggle label="Regular expression" text=".*" on={query.regex} onToggle={() => search.setQuery({ ...query, regex: !query.regex })} />
      <Button size="small" kind="quiet" aria-label="Previous match" disabled={found.length === 0} onClick={() => go(-1)}>
        <ChevronUp />
      </Button>
      <Button size="small" kind="quiet" aria-label="Next match" disabled={found.length === 0} onClick={() => go(1)}>
        <ChevronDown />
      </Button>
      <span role="status" className={cn("text-xs", search.problem ? "text-bad" : "text-muted")}>
        {search.problem ?? (search.pattern ? (found.length === 0 ? "no line here" : `${place < 0 ? "" : `${number(place + 1)} of `}${number(found.length)} lines`) : "")}
      </span>
    </form>
  );
}

function Toggle({ label, text, on, onToggle }: { label: string; text: string; on: boolean; onToggle: () => void }) {
  return (
    <Button size="small" kind="quiet" aria-label={label} title={label} aria-pressed={on} className={cn("font-mono", on && "bg-raised text-accent")} onClick={onToggle}>
      {text}
    </Button>
  );
}
