/**
 * The output of one replica, brought into a `LineStore`: the end of it first, then what is written while it is followed,
 * and earlier parts when the reader comes near.
 *
 * Following is one long reply of the server. When it breaks off the next one begins at the very byte after the last one
 * taken, after growing pauses. Where the platform has not kept everything the reply ends (`exact`), and a read at that
 * place tells how much is missing.
 *
 * While the reader is at the end the oldest is dropped when there is too much. Who goes far back drops the newest instead:
 * then the view is apart from the end, nothing is followed, and `later` brings what follows, up to the end.
 */
import { BASE, send } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import { LineStore, type Limits, type Part } from "./line-store";

export type LogState = "loading" | "live" | "reconnecting" | "complete" | "apart" | "failed";

const TAIL_BYTES = 512 << 10;
const PIECE_BYTES = 1 << 20;
const LONGEST_PAUSE_MS = 10_000;

interface Piece {
  bytes: Uint8Array;
  offset: number;
  size: number;
  /** Bytes that were not kept, around where the piece was to begin: it is empty then. */
  missing: { from: number; to: number } | null;
  complete: boolean;
}

export class LogSource {
  readonly store: LineStore;
  state: LogState = "loading";
  /** Why it failed or broke off. */
  problem: string | null = null;
  /** Bytes the replica has written, as far as is known. */
  size = 0;
  /** Whether an earlier or a later part is on its way. */
  fetching = false;
  private readonly listeners = new Set<() => void>();
  private life = new AbortController();
  private told: number | ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly job: string,
    private readonly attempt: number,
    private readonly rank: number,
    limits?: Limits,
    private readonly pause: (ms: number, signal: AbortSignal) => Promise<void> = waited,
  ) {
    this.store = new LineStore(limits);
  }

  /** Changes are told at most once for each picture of the screen. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Begin at the end, and follow. */
  openEnd(): void {
    this.restart();
    void this.live(async (signal) => {
      let last = await this.read(-TAIL_BYTES, TAIL_BYTES, signal);
      if (last.missing) last = await this.read(last.missing.to, TAIL_BYTES, signal);
      this.store.begin(last.offset, last.bytes, last.offset === 0);
      this.size = last.size;
      return last.complete && this.store.end >= last.size;
    });
  }

  /** Begin at the first byte, apart from the end. */
  openStart(): void {
    const signal = this.restart();
    void this.fetched(async () => {
      const first = await this.read(0, PIECE_BYTES, signal);
      this.store.begin(0, first.bytes, true);
      this.size = first.size;
      this.become(this.store.end >= first.size && first.complete ? "complete" : "apart");
    });
  }

  /** Bring the part before what is there. */
  earlier(): void {
    if (this.fetching || this.state === "loading" || this.store.start === 0) return;
    const signal = this.life.signal;
    void this.fetched(async () => {
      const until = this.store.start;
      const at = Math.max(until - PIECE_BYTES, 0);
      const parts: Part[] = [];
      let begin = at;
      let whole = at === 0;
      for (let offset = at; offset < until; ) {
        const piece = await this.read(offset, until - offset, signal);
        if (piece.bytes.length > 0) {
          parts.push(piece.bytes);
          offset += piece.bytes.length;
        } else if (piece.missing) {
          const to = Math.min(piece.missing.to, until);
          if (offset === at) {
            begin = piece.missing.from;
            whole = true;
          }
          parts.push({ missing: to - Math.max(piece.missing.from, offset === at ? 0 : offset) });
          offset = to;
        } else throw new ApiError({ status: 0, message: "An earlier part of the output cannot be read now." });
      }
      const first = parts[0];
      if (!whole && first && !("missing" in first)) {
        // the line that is cut at its beginning stays out until the part before it comes
        const newline = first.indexOf(10);
        if (newline >= 0 && newline + 1 < first.length) {
          parts[0] = first.subarray(newline + 1);
          begin = at + newline + 1;
        } else if (newline >= 0 && parts.length > 1) {
          parts.shift();
          begin = at + newline + 1;
        }
      }
      if (this.store.start !== until) return; // trimmed or begun anew meanwhile
      this.store.prepend(begin, parts);
      if (this.store.full) {
        this.leaveEnd();
        this.store.trimBack();
      }
    });
  }

  /** Bring the part behind what is there, when apart from the end; there, follow again. */
  later(): void {
    if (this.fetching || this.state !== "apart") return;
    const signal = this.life.signal;
    void this.fetched(async () => {
      const piece = await this.read(this.store.end, PIECE_BYTES, signal);
      this.take(piece);
      this.store.trimFront();
      if (this.store.end >= piece.size) {
        if (piece.complete) this.become("complete");
        else void this.live(async () => false);
      }
    });
  }

  close(): void {
    this.life.abort();
  }

  private restart(): AbortSignal {
    this.life.abort();
    this.life = new AbortController();
    this.fetching = false;
    this.become("loading");
    return this.life.signal;
  }

  private leaveEnd(): void {
    if (this.state === "apart") return;
    this.life.abort();
    this.life = new AbortController();
    this.become("apart");
  }

  private become(state: LogState, problem: string | null = null): void {
    this.state = state;
    this.problem = problem;
    this.tell();
  }

  private take(piece: Piece): void {
    this.size = Math.max(this.size, piece.size);
    if (piece.bytes.length > 0) this.store.append(piece.offset, piece.bytes);
    else if (piece.missing) this.store.appendMissing(piece.missing.to - this.store.end);
  }

  /** One request for another part of what is there. */
  private async fetched(work: () => Promise<void>): Promise<void> {
    const signal = this.life.signal;
    this.fetching = true;
    this.tell();
    try {
      await work();
      this.problem = null;
    } catch (error) {
      if (!signal.aborted) {
        if (this.state === "loading") this.become("failed", sentence(error));
        else this.problem = sentence(error);
      }
    } finally {
      if (!signal.aborted || signal === this.life.signal || this.state === "apart") this.fetching = false;
      this.tell();
    }
  }

  /** Follow until the output is complete. `first` brings what to begin with, and says whether that is all. */
  private async live(first: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    const signal = this.life.signal;
    let begun = false;
    for (let failures = 0; !signal.aborted; failures++) {
      const before = this.store.end;
      try {
        if (!begun) {
          if (await first(signal)) return this.become("complete");
          begun = true;
        }
        await this.follow(signal);
        const piece = await this.read(this.store.end, PIECE_BYTES, signal);
        this.take(piece);
        if (piece.bytes.length === 0 && !piece.missing && piece.complete) return this.become("complete");
        if (this.store.end > before) failures = -1;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) return this.become("failed", error.message);
        this.become("reconnecting", sentence(error));
        if (this.store.end > before) failures = -1;
      }
      if (failures >= 0) await this.pause(Math.min(500 * 2 ** failures, LONGEST_PAUSE_MS), signal);
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const reply = await this.get({ follow: "true", exact: "true", offset: String(this.store.end) }, signal);
    this.become("live");
    if (!reply.body) return;
    const reader = reply.body.getReader();
    let offset = this.store.end;
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.store.append(offset, value);
      offset += value.length;
      this.size = Math.max(this.size, offset);
      this.store.trimFront();
      this.tell();
    }
  }

  private async read(offset: number, limit: number, signal: AbortSignal): Promise<Piece> {
    const reply = await this.get({ offset: String(offset), limit: String(Math.min(limit, 8 << 20)) }, signal);
    const number = (name: string) => Number(reply.headers.get(name) ?? 0);
    return {
      bytes: new Uint8Array(await reply.arrayBuffer()),
      offset: number("x-log-offset"),
      size: number("x-log-size"),
      missing: range(reply.headers.get("x-log-left-out")),
      complete: reply.headers.get("x-log-complete") === "true",
    };
  }

  private get(query: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const all = new URLSearchParams({ attempt: String(this.attempt), rank: String(this.rank), ...query });
    const url = new URL(`${BASE}/training_jobs/${encodeURIComponent(this.job)}/logs?${all}`, window.location.origin);
    return send(new Request(url, { signal }));
  }

  private tell(): void {
    if (this.told !== null) return;
    const run = () => {
      this.told = null;
      for (const listener of this.listeners) listener();
    };
    // a page in the background draws no pictures
    this.told = document.visibilityState === "visible" ? requestAnimationFrame(run) : setTimeout(run, 200);
  }
}

function range(header: string | null): { from: number; to: number } | null {
  const [from, to] = (header ?? "").split("-").map(Number);
  return from !== undefined && to !== undefined ? { from, to } : null;
}

function waited(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
