/**
 * The output of one replica on the screen: only the rows in sight are in the page, all of one height.
 *
 * At the end the view stays at the end while output comes; whoever scrolls up stays where they are, whatever comes, is
 * dropped at the other end or is brought in before: the line on top keeps its place by its offset in the stream. Wrapped
 * lines are cut into rows here rather than by the browser, so that a row's place is known without laying anything out.
 */
import { ArrowDownToLine, ArrowUpToLine, Download } from "lucide-react";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { BASE } from "@/api/client";
import { Button } from "@/ui/button";
import { Badge, Notice } from "@/ui/card";
import { cn } from "@/ui/cn";
import { Checkbox } from "@/ui/form";
import { bytes, number } from "@/ui/quantities";
import { LogLine, shownOf } from "./log-line";
import { LogSearch, useLogSearch } from "./log-search";
import { type LogState, LogSource } from "./source";

const ROW = 18;
const NEAR = 2_000;
const OVERSCAN = 20;

interface LogViewProps {
  job: string;
  attempt: number;
  rank: number;
}

/** A new view for each replica. */
export function LogView(props: LogViewProps) {
  return <Output key={`${props.job} ${props.attempt} ${props.rank}`} {...props} />;
}

function Output({ job, attempt, rank }: LogViewProps) {
  const [source] = useState(() => new LogSource(job, attempt, rank));
  useEffect(() => {
    source.openEnd();
    return () => source.close();
  }, [source]);
  const { store } = source;
  const version = useSyncExternalStore(source.subscribe, () => `${store.version} ${source.state} ${source.fetching} ${source.problem}`);
  const box = useRef<HTMLDivElement>(null);
  const [wrap, setWrap] = useState(false);
  const [scroll, setScroll] = useState({ top: 0, height: 400 });
  const [atEnd, setAtEnd] = useState(true);
  const columns = useColumns(box, wrap);
  const rows = store.rows(columns);
  const search = useLogSearch(store, version);
  // the line at the top and how far it is above the edge, while the reader is not at the end
  const anchor = useRef({ offset: 0, above: 0 });
  const seen = useRef(0);

  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const top = element.scrollTop;
    const place = store.at(Math.floor(top / ROW), columns);
    if (place) anchor.current = { offset: place.block.offsetOf(place.line), above: top - store.rowOf(place.block.offsetOf(place.line), columns) * ROW };
    setScroll({ top, height: element.clientHeight });
    setAtEnd(top + element.clientHeight >= element.scrollHeight - 4);
    if (top < NEAR) source.earlier();
    if (top + element.clientHeight > element.scrollHeight - NEAR) source.later();
  }, [store, source, columns]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (seen.current !== store.generation) {
      // other lines than before: the place of those says nothing
      seen.current = store.generation;
      anchor.current = { offset: store.start, above: 0 };
    }
    if (atEnd && source.state !== "apart") element.scrollTop = element.scrollHeight;
    else element.scrollTop = Math.max(store.rowOf(anchor.current.offset, columns) * ROW + anchor.current.above, 0);
    setScroll({ top: element.scrollTop, height: element.clientHeight });
    // the store is the same object however much it holds: its version says when there is something to do
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [version, rows, columns, atEnd, source, store]);

  const showLine = useCallback(
    (offset: number) => {
      const element = box.current;
      if (!element) return;
      setAtEnd(false);
      element.scrollTop = Math.max(store.rowOf(offset, columns) * ROW - element.clientHeight / 2, 0);
      look();
    },
    [store, columns, look],
  );
  const toEnd = () => {
    if (source.state === "apart") source.openEnd();
    setAtEnd(true);
  };
  const toStart = () => {
    setAtEnd(false);
    if (store.start > 0) source.openStart();
    else showLine(0);
  };

  const first = Math.max(Math.floor(scroll.top / ROW) - OVERSCAN, 0);
  const last = Math.min(Math.ceil((scroll.top + scroll.height) / ROW) + OVERSCAN, rows);
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <LogSearch search={search} onShow={showLine} />
        <div className="ml-auto flex flex-wrap items-center gap-2">
          <State state={source.state} />
          <Checkbox label="Wrap" checked={wrap} onChange={(event) => setWrap(event.target.checked)} />
          <Button size="small" onClick={toStart}>
            <ArrowUpToLine aria-hidden /> Start
          </Button>
          <Button size="small" disabled={atEnd && source.state !== "apart"} onClick={toEnd}>
            <ArrowDownToLine aria-hidden /> End
          </Button>
          <Button size="small" asChild>
            <a href={`${BASE}/training_jobs/${encodeURIComponent(job)}/logs?attempt=${attempt}&rank=${rank}&download=true`} download>
              <Download aria-hidden /> Download
            </a>
          </Button>
        </div>
      </div>
      {source.problem && <Notice tone={source.state === "failed" ? "bad" : "warn"}>{source.problem}</Notice>}
      <div className="relative">
        <div
          ref={box}
          onScroll={look}
          tabIndex={0}
          role="region"
          aria-label={`Output of replica ${rank}, attempt ${attempt}`}
          className="h-[calc(100dvh-20rem)] min-h-72 overflow-auto rounded-lg border border-line bg-surface font-mono text-xs [overflow-anchor:none]"
        >
          <div className="relative min-w-full" style={{ height: rows * ROW, width: columns === 0 ? "max-content" : undefined }}>
            <div className="min-w-full" style={{ transform: `translateY(${first * ROW}px)` }}>
              {Array.from({ length: Math.max(last - first, 0) }, (_, place) => {
                const row = first + place;
                const found = store.at(row, columns);
                if (!found) return null;
                const current = found.block.offsetOf(found.line) === search.current;
                return (
                  <div key={row} className={cn("h-[18px] px-3 leading-[18px] whitespace-pre", current && "bg-raised")}>
                    <LogLine {...shownOf(found, columns, search.pattern, current)} />
                  </div>
                );
              })}
            </div>
          </div>
        </div>
        {rows === 0 && source.state !== "loading" && source.state !== "failed" && (
          <p className="pointer-events-none absolute inset-0 flex items-center justify-center text-muted">
            {source.state === "complete" ? "This replica wrote nothing." : "Nothing was written yet."}
          </p>
        )}
        {!atEnd && source.state === "live" && (
          <Button size="small" kind="primary" className="absolute right-5 bottom-3 shadow" onClick={toEnd}>
            Jump to end
          </Button>
        )}
      </div>
      <p className="text-xs text-muted">
        {number(store.lines)} lines here, {bytes(store.end - store.start)} of {bytes(Math.max(source.size, store.end))}
        {store.start > 0 && "; earlier ones come as you scroll up"}
        {source.state === "apart" && "; later ones come as you scroll down"}
        {source.fetching && " (loading…)"}
      </p>
    </div>
  );
}

const WORDS: Record<LogState, { text: string; tone: "info" | "good" | "warn" | "bad" | "muted" }> = {
  loading: { text: "Loading…", tone: "muted" },
  live: { text: "Following", tone: "info" },
  reconnecting: { text: "Reconnecting…", tone: "warn" },
  complete: { text: "Complete", tone: "muted" },
  apart: { text: "Not at the end", tone: "muted" },
  failed: { text: "Cannot be read", tone: "bad" },
};

function State({ state }: { state: LogState }) {
  const { text, tone } = WORDS[state];
  return (
    <span role="status">
      <Badge tone={tone}>{text}</Badge>
    </span>
  );
}

/** How many characters fit in a row; 0 while lines are not wrapped. */
function useColumns(box: React.RefObject<HTMLDivElement | null>, wrap: boolean): number {
  const [width, setWidth] = useState({ box: 0, letter: 7.2 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !wrap) return;
    const measure = () => {
      const probe = document.createElement("span");
      probe.textContent = "0".repeat(100);
      probe.style.position = "absolute";
      probe.style.visibility = "hidden";
      element.append(probe);
      const letter = probe.getBoundingClientRect().width / 100 || 7.2;
      probe.remove();
      setWidth({ box: element.clientWidth - 24, letter });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, wrap]);
  return useMemo(() => (wrap ? Math.max(Math.floor(width.box / width.letter), 20) : 0), [wrap, width]);
}
