/** The one event stream of the page, begun with the session, and what the page says about its connection. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { refreshBy } from "@/api/live";
import { eventKindValues } from "@/api/schema.gen";
import { EventStream, type PlatformEvent, type StreamState } from "@/api/stream";
import { cn } from "@/ui/cn";

const Stream = createContext<EventStream | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [stream] = useState(() => new EventStream(eventKindValues));
  useEffect(() => {
    const end = refreshBy(client, stream);
    stream.start();
    return () => {
      end();
      stream.stop();
    };
  }, [client, stream]);
  return <Stream value={stream}>{children}</Stream>;
}

function useStream(): EventStream {
  const stream = useContext(Stream);
  if (!stream) throw new Error("outside of LiveProvider");
  return stream;
}

/** Hear every event while mounted. `listener` should be stable (useCallback). */
export function useEvents(listener: (event: PlatformEvent) => void): void {
  const stream = useStream();
  useEffect(() => stream.listen(listener), [stream, listener]);
}

export function useStreamState(): StreamState {
  const stream = useStream();
  return useSyncExternalStore(
    (watcher) => stream.watch(watcher),
    () => stream.state,
  );
}

const WORDS: Record<StreamState, string> = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…" };

/** Whether what is shown is of now. */
export function Connection() {
  const state = useStreamState();
  return (
    <span role="status" className={cn("inline-flex items-center gap-1.5 text-xs", state === "reconnecting" ? "font-medium text-warn" : "text-muted")}>
      <span aria-hidden className={cn("size-2 rounded-full", state === "live" ? "bg-good" : state === "reconnecting" ? "animate-pulse bg-warn" : "bg-muted")} />
      {WORDS[state]}
    </span>
  );
}
