/**
 * The event stream: one connection for the whole page, resumed where it broke off.
 *
 * The browser's EventSource reconnects by itself and sends the last event's number, so nothing is missed. It gives up on
 * an answer that is not 200 (session over, server starting): then the session is renewed and a new source begins after
 * the last number seen, with growing pauses. Listeners hear every event once, in order, and each change of the state.
 */
import { BASE, renew } from "./client";

export interface PlatformEvent {
  seq: number;
  at: string;
  kind: string;
  actor: string;
  job_id: string | null;
  node_id: string | null;
  cluster_id: string | null;
  queue_id: string | null;
  user_id: string | null;
  data: Record<string, unknown>;
}

export type StreamState = "connecting" | "live" | "reconnecting";

type Listener = (event: PlatformEvent) => void;
type Source = Pick<EventSource, "close" | "readyState"> & {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  onmessage: ((message: MessageEvent<string>) => void) | null;
  addEventListener(kind: string, listener: (message: MessageEvent<string>) => void): void;
};

const CLOSED = 2;
const LONGEST_PAUSE_MS = 15_000;

export class EventStream {
  private source: Source | null = null;
  private last: number | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly listeners = new Set<Listener>();
  private readonly watchers = new Set<() => void>();
  private now: StreamState = "connecting";

  /** `kinds`: the event kinds there are, since each is an event type of its own in the stream. */
  constructor(
    private readonly kinds: readonly string[],
    private readonly open: (url: string) => Source = (url) => new EventSource(url) as unknown as Source,
    private readonly renewed: () => Promise<boolean> = renew,
  ) {}

  get state(): StreamState {
    return this.now;
  }

  start(): void {
    if (this.source || this.timer) return;
    const after = this.last === null ? "" : `?after=${this.last}`;
    const source = this.open(`${BASE}/events${after}`);
    this.source = source;
    const hear = (message: MessageEvent<string>) => this.hear(message);
    source.onopen = () => {
      this.failures = 0;
      this.become("live");
    };
    source.onmessage = hear;
    for (const kind of this.kinds) source.addEventListener(kind, hear);
    source.onerror = () => {
      this.become("reconnecting");
      if (source.readyState === CLOSED) this.later();
    };
  }

  stop(): void {
    this.source?.close();
    this.source = null;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.become("connecting");
  }

  /** Hear every event from now on. Returns what ends this. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Hear when `state` changes. Returns what ends this. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }

  private hear(message: MessageEvent<string>): void {
    const event = JSON.parse(message.data) as PlatformEvent;
    if (this.last !== null && event.seq <= this.last) return;
    this.last = event.seq;
    for (const listener of this.listeners) listener(event);
  }

  private later(): void {
    this.source?.close();
    this.source = null;
    const pause = Math.min(500 * 2 ** this.failures++, LONGEST_PAUSE_MS);
    this.timer = setTimeout(async () => {
      await this.renewed();
      this.timer = null;
      this.start();
    }, pause);
  }

  private become(state: StreamState): void {
    if (state === this.now) return;
    this.now = state;
    for (const watcher of this.watchers) watcher();
  }
}
