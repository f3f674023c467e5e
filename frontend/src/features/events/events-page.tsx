/** The audit log: what happened to which thing, when, by whom; filtered by the address, live at the top. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, Download } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { sentence } from "@/api/errors";
import type { PlatformEvent } from "@/api/stream";
import { toast } from "@/app/toasts";
import { Button } from "@/ui/button";
import { Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { Menu, MenuItem } from "@/ui/menu";
import { number } from "@/ui/quantities";
import { Ago } from "@/ui/time";
import { EventFilters } from "./event-filters";
import { EventWords } from "./event-words";
import { csv, download, jsonLines, readAll } from "./export";
import type { EventQuery } from "./filter";
import { useNames } from "./names";
import type { EventSearch } from "./search";
import { useLog } from "./use-log";
import type { Names } from "./wording";

export function EventsPage() {
  const search = useSearch({ from: "/inside/events" });
  const navigate = useNavigate();
  const names = useNames();
  const log = useLog(search);
  const columns = useMemo(() => columnsOf(names), [names]);
  const change = (changes: EventSearch) => void navigate({ to: "/events", search: { ...search, ...changes }, replace: true });
  const { pages } = log;
  return (
    <>
      <PageHead title="Events" sub="Everything that happened, the newest first.">
        <Export query={log.query} disabled={!log.ready} />
      </PageHead>
      <EventFilters search={search} onChange={change} onClear={() => void navigate({ to: "/events", search: {}, replace: true })} />
      {log.problem && <Notice tone="bad">{sentence(log.problem)}</Notice>}
      <div role="status" className="sticky top-16 z-20 flex justify-center md:top-2">
        {log.waiting > 0 && (
          <Button
            kind="primary"
            size="small"
            className="mb-2 shadow"
            onClick={() => {
              log.show();
              window.scrollTo({ top: 0 });
            }}
          >
            <ArrowUp aria-hidden /> {number(log.waiting)} new
          </Button>
        )}
      </div>
      {pages.isPending && !log.problem ? (
        <Skeleton lines={10} />
      ) : (
        <DataTable
          label="Events"
          rows={log.events}
          columns={columns}
          rowId={(event) => String(event.seq)}
          virtual
          onEnd={() => pages.hasNextPage && !pages.isFetching && void pages.fetchNextPage()}
          empty={!log.problem && <Empty title="Nothing happened that matches.">Take a filter away, or a longer time.</Empty>}
        />
      )}
      {pages.data && (
        <div className="mt-3 flex justify-center text-muted">
          {pages.hasNextPage ? (
            <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
              {pages.isFetchingNextPage ? "Reading…" : "Older events"}
            </Button>
          ) : (
            log.events.length > 0 && "This is the beginning."
          )}
        </div>
      )}
    </>
  );
}

function columnsOf(names: Names): Column<PlatformEvent>[] {
  return [
    { id: "at", header: "When", width: "8rem", cell: (event) => <Ago at={event.at} /> },
    {
      id: "what",
      header: "What",
      phone: "title",
      cell: (event) => (
        <div className="min-w-0 break-words">
          <EventWords event={event} names={names} />
          <Details event={event} />
        </div>
      ),
    },
    { id: "kind", header: "Kind", width: "11rem", cell: (event) => <code className="text-xs break-all">{event.kind}</code> },
    { id: "actor", header: "Done by", width: "12rem", cell: (event) => <span className="break-all">{actorOf(event.actor, names)}</span> },
  ];
}

/** The whole event as JSON, written only once it is unfolded. */
function Details({ event }: { event: PlatformEvent }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-0.5" onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
      <summary className="w-fit cursor-pointer text-xs text-muted">Details</summary>
      {open && (
        <pre tabIndex={0} className="mt-1 max-h-80 overflow-auto rounded-md border border-line bg-raised p-2 font-mono text-xs whitespace-pre-wrap">
          {JSON.stringify(event, null, 2)}
        </pre>
      )}
    </details>
  );
}

function actorOf(actor: string, names: Names): string {
  const [kind, id = ""] = actor.split(":", 2);
  if (kind === "node") return `node ${names.node(id) ?? id}`;
  if (kind === "cluster") return `cluster ${names.cluster(id) ?? id}`;
  return kind === "user" ? id : actor;
}

function Export({ query, disabled }: { query: EventQuery; disabled: boolean }) {
  const [read, setRead] = useState<number | null>(null);
  const stop = useRef<AbortController | null>(null);
  const run = async (kind: "jsonl" | "csv") => {
    const aborter = new AbortController();
    stop.current = aborter;
    setRead(0);
    try {
      const events = await readAll(query, setRead, aborter.signal);
      if (aborter.signal.aborted) return;
      download(`lilac-events.${kind}`, kind === "csv" ? "text/csv" : "application/x-ndjson", kind === "csv" ? csv(events) : jsonLines(events));
      toast(`${number(events.length)} events are in the file.`);
    } catch (failure) {
      toast(sentence(failure), "bad");
    } finally {
      setRead(null);
    }
  };
  if (read !== null) return <Button onClick={() => stop.current?.abort()}>{number(read)} read… stop</Button>;
  return (
    <Menu
      trigger={
        <Button disabled={disabled}>
          <Download aria-hidden /> Export
        </Button>
      }
    >
      <MenuItem onSelect={() => void run("jsonl")}>JSON lines</MenuItem>
      <MenuItem onSelect={() => void run("csv")}>CSV</MenuItem>
    </Menu>
  );
}
