/** Events as sentences with links, in a line or in a list. */
import { Link } from "@tanstack/react-router";
import type { PlatformEvent } from "@/api/stream";
import { cn } from "@/ui/cn";
import { Ago } from "@/ui/time";
import { type Link as LinkPart, type Names, toneOf, wordsOf } from "./wording";

const DOTS = { good: "bg-good", warn: "bg-warn", bad: "bg-bad", info: "bg-info", muted: "bg-muted" } as const;

/** The sentence of an event; what it is about leads there. */
export function EventWords({ event, names }: { event: PlatformEvent; names: Names }) {
  return (
    <>
      {wordsOf(event, names).map((part, place) =>
        // the parts of a sentence never change their places
        // oxlint-disable-next-line react/no-array-index-key
        typeof part === "string" ? <span key={place}>{part}</span> : <Thing key={place} {...part} />,
      )}
    </>
  );
}

function Thing({ to, id, text }: LinkPart) {
  const look = "font-medium break-words hover:underline";
  if (to === "job") return <Link to="/jobs/$job" params={{ job: id }} className={look}>{text}</Link>;
  if (to === "node") return <Link to="/nodes/$node" params={{ node: id }} className={look}>{text}</Link>;
  if (to === "queue") return <Link to="/queues/$queue" params={{ queue: id }} className={look}>{text}</Link>;
  return <Link to="/clusters/$cluster" params={{ cluster: id }} className={look}>{text}</Link>;
}

/** Events in a list, in the order given. */
export function EventList({ events, names, label }: { events: readonly PlatformEvent[]; names: Names; label: string }) {
  return (
    <ol aria-label={label} className="flex flex-col">
      {events.map((event) => (
        <li key={event.seq} className="flex items-baseline gap-2 border-b border-line py-1.5 last:border-b-0">
          <span aria-hidden className={cn("size-2 shrink-0 -translate-y-px rounded-full", DOTS[toneOf(event)])} />
          <span className="min-w-0 flex-1 break-words">
            <EventWords event={event} names={names} />
          </span>
          <span className="shrink-0 text-xs text-muted">
            <Ago at={event.at} />
          </span>
        </li>
      ))}
    </ol>
  );
}
