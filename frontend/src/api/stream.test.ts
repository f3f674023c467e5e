import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventStream, type PlatformEvent } from "./stream";

class FakeSource {
  static all: FakeSource[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((message: MessageEvent<string>) => void) | null = null;
  readyState = 0;
  private readonly byKind = new Map<string, (message: MessageEvent<string>) => void>();
  constructor(readonly url: string) {
    FakeSource.all.push(this);
  }
  addEventListener(kind: string, listener: (message: MessageEvent<string>) => void) {
    this.byKind.set(kind, listener);
  }
  close() {
    this.readyState = 2;
  }
  tell(seq: number) {
    this.byKind.get("job.running")?.({ data: JSON.stringify({ seq, kind: "job.running" }) } as MessageEvent<string>);
  }
}

const last = () => FakeSource.all.at(-1) as FakeSource;

describe("the event stream", () => {
  let heard: number[];
  let renewed: ReturnType<typeof vi.fn<() => Promise<boolean>>>;
  let stream: EventStream;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeSource.all = [];
    heard = [];
    renewed = vi.fn<() => Promise<boolean>>().mockResolvedValue(true);
    stream = new EventStream(["job.running"], (url) => new FakeSource(url), renewed);
    stream.listen((event: PlatformEvent) => heard.push(event.seq));
    stream.start();
    last().onopen?.();
  });
  afterEach(() => vi.useRealTimers());

  it("tells every event once, in order, whatever is repeated after a break", () => {
    for (const seq of [4, 5, 5, 4, 6]) last().tell(seq);
    expect(heard).toEqual([4, 5, 6]);
  });

  it("says that it reconnects while the browser does so, and that it is live again", () => {
    const states: string[] = [];
    stream.watch(() => states.push(stream.state));
    last().onerror?.();
    last().onopen?.();
    expect(states).toEqual(["reconnecting", "live"]);
    expect(FakeSource.all).toHaveLength(1);
  });

  it("renews the session and begins anew after the last event seen, when the browser has given up", async () => {
    last().tell(41);
    last().readyState = 2;
    last().onerror?.();
    await vi.advanceTimersByTimeAsync(499);
    expect(FakeSource.all).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(renewed).toHaveBeenCalledOnce();
    expect(last().url).toBe("/api/events?after=41");
    last().tell(42);
    expect(heard).toEqual([41, 42]);
  });

  it("waits longer each time that it fails, up to a quarter of a minute", async () => {
    const waited: number[] = [];
    for (let round = 0; round < 8; round++) {
      last().readyState = 2;
      last().onerror?.();
      const before = FakeSource.all.length;
      let ms = 0;
      while (FakeSource.all.length === before) {
        await vi.advanceTimersByTimeAsync(500);
        ms += 500;
      }
      waited.push(ms);
    }
    expect(waited).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  });
});
