import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refreshBy } from "./live";
import type { EventStream, PlatformEvent } from "./stream";

class FakeStream {
  state = "live";
  listener: (event: PlatformEvent) => void = () => {};
  watcher: () => void = () => {};
  listen(listener: (event: PlatformEvent) => void) {
    this.listener = listener;
    return () => {};
  }
  watch(watcher: () => void) {
    this.watcher = watcher;
    return () => {};
  }
}

const running = (job: string) => ({ kind: "job.running", job_id: job, node_id: null }) as PlatformEvent;

describe("pages kept fresh by events", () => {
  let client: QueryClient;
  let stream: FakeStream;
  let end: () => void;
  let reads: string[];
  let invalidated: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    client = new QueryClient();
    stream = new FakeStream();
    reads = [];
    invalidated = [];
    vi.spyOn(client, "invalidateQueries").mockImplementation(async (filters) => {
      invalidated.push((filters?.queryKey ?? ["everything"]).join("/"));
    });
    end = refreshBy(client, stream as unknown as EventStream, 500);
  });
  afterEach(() => {
    end();
    vi.useRealTimers();
  });

  it("reads again at once what the first event concerns", () => {
    stream.listener(running("a"));
    expect(invalidated).toEqual(expect.arrayContaining(["jobs", "job/a", "queues", "dashboard"]));
    expect(invalidated).not.toContain("nodes");
  });

  it("joins a burst into one reading per pause", async () => {
    for (let n = 0; n < 100; n++) stream.listener(running("a"));
    expect(invalidated.filter((key) => key === "jobs")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(500);
    expect(invalidated.filter((key) => key === "jobs")).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(5000);
    expect(invalidated.filter((key) => key === "jobs")).toHaveLength(2);
  });

  it("lets a slow reading end before it reads again, and then does", async () => {
    vi.spyOn(client, "isFetching").mockImplementation((filters) => (filters?.queryKey?.[0] === "jobs" && reads.length < 3 ? 1 : 0));
    stream.listener(running("a"));
    expect(invalidated).not.toContain("jobs");
    reads.push("one", "two", "three");
    await vi.advanceTimersByTimeAsync(500);
    expect(invalidated).toContain("jobs");
  });

  it("reads everything again after a break of the connection", () => {
    stream.state = "reconnecting";
    stream.watcher();
    expect(invalidated).toEqual([]);
    stream.state = "live";
    stream.watcher();
    expect(invalidated).toEqual(["everything"]);
  });
});
