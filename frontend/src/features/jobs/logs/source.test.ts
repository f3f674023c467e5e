import { afterEach, describe, expect, it, vi } from "vitest";
import { LogSource } from "./source";

const HEAD = 3_000_000;
const PAUSES: number[] = [];

/** A platform that keeps an output as the real one does: all but a part in the middle. */
class Output {
  text = "";
  complete = false;
  gap: { from: number; to: number } | null = null;
  asked: string[] = [];
  followers: ReadableStreamDefaultController<Uint8Array>[] = [];

  private kept(from: number, to: number): Uint8Array {
    let end = Math.min(to, this.text.length);
    if (this.gap && from >= this.gap.from && from < this.gap.to) end = from;
    else if (this.gap && from < this.gap.from) end = Math.min(end, this.gap.from);
    return new TextEncoder().encode(this.text.slice(from, end));
  }

  answer = async (request: Request): Promise<Response> => {
    const query = new URL(request.url).searchParams;
    this.asked.push([query.get("follow") ? "follow" : "read", query.get("offset")].join(" "));
    const wanted = Number(query.get("offset"));
    const offset = wanted < 0 ? Math.max(this.text.length + wanted, 0) : wanted;
    const headers: Record<string, string> = {
      "x-log-offset": String(offset),
      "x-log-size": String(this.text.length),
      "x-log-complete": String(this.complete),
    };
    if (query.get("follow")) {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          const bytes = this.kept(offset, Number.POSITIVE_INFINITY);
          if (bytes.length > 0) controller.enqueue(bytes);
          if (this.complete || this.gap?.from === offset + bytes.length) controller.close();
          else this.followers.push(controller);
        },
      });
      return new Response(body, { headers });
    }
    const bytes = this.kept(offset, offset + Number(query.get("limit")));
    if (bytes.length === 0 && this.gap && offset >= this.gap.from && offset < this.gap.to) headers["x-log-left-out"] = `${this.gap.from}-${this.gap.to}`;
    return new Response(bytes as BodyInit, { headers });
  };

  write(text: string) {
    this.text += text;
    for (const each of this.followers) each.enqueue(new TextEncoder().encode(text));
  }
}

function open(output: Output, limits?: { bytes: number; lines: number }): LogSource {
  vi.stubGlobal("fetch", output.answer);
  PAUSES.length = 0;
  return new LogSource("job", 1, 0, limits, async (ms) => void PAUSES.push(ms));
}

const textOf = (source: LogSource) =>
  Array.from({ length: source.store.lines }, (_, row) => {
    const place = source.store.at(row, 0);
    return place && (place.block.missing ? `-${place.block.missing}-` : place.block.raw(place.line));
  });

afterEach(() => vi.unstubAllGlobals());

describe("the output of a replica", () => {
  it("is followed until it is complete", async () => {
    const output = new Output();
    output.text = "one\n";
    const source = open(output);
    source.openEnd();
    await vi.waitFor(() => expect(source.state).toBe("live"));
    output.write("two\n");
    await vi.waitFor(() => expect(textOf(source)).toEqual(["one", "two"]));
    output.complete = true;
    for (const each of output.followers) each.close();
    await vi.waitFor(() => expect(source.state).toBe("complete"));
    expect(source.size).toBe(8);
  });

  it("goes on at the very byte after a break, and says meanwhile that it is broken", async () => {
    const output = new Output();
    output.text = "one\n";
    const source = open(output);
    const states = new Set<string>();
    source.openEnd();
    await vi.waitFor(() => expect(output.followers).toHaveLength(1));
    output.write("tw");
    await vi.waitFor(() => expect(source.store.end).toBe(6));
    const [broken] = output.followers.splice(0);
    output.text += "o\nthree\n";
    source.subscribe(() => states.add(source.state));
    broken?.error(new Error("connection lost"));
    await vi.waitFor(() => expect(textOf(source)).toEqual(["one", "two", "three"]));
    expect(output.asked.at(-1)).toBe("follow 6");
    await vi.waitFor(() => expect(source.state).toBe("live"));
  });

  it("waits longer each time that it cannot be reached", async () => {
    const source = open(new Output());
    vi.stubGlobal("fetch", async () => {
      if (PAUSES.length >= 7) source.close();
      throw new TypeError("no network");
    });
    source.openEnd();
    await vi.waitFor(() => expect(PAUSES.length).toBeGreaterThanOrEqual(7));
    expect(PAUSES.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("tells a refusal as the platform words it", async () => {
    const source = open(new Output());
    vi.stubGlobal("fetch", async () => Response.json({ error: "There is no job x." }, { status: 404 }));
    source.openEnd();
    await vi.waitFor(() => expect(source.state).toBe("failed"));
    expect(source.problem).toBe("There is no job x.");
  });

  it("begins near the end of a long output, and brings earlier parts up to the first byte", async () => {
    const output = new Output();
    output.text = Array.from({ length: 150_000 }, (_, n) => `line ${n}\n`).join("");
    output.complete = true;
    const source = open(output);
    source.openEnd();
    await vi.waitFor(() => expect(source.state).toBe("complete"));
    expect(textOf(source)[0]).toMatch(/^line \d+$/);
    for (let turn = 0; turn < 10 && source.store.start > 0; turn++) {
      source.earlier();
      await vi.waitFor(() => expect(source.fetching).toBe(false));
    }
    expect(source.store.start).toBe(0);
    expect(textOf(source).join("\n")).toBe(output.text.trimEnd());
  });

  it("says where bytes were not kept, read from either side", async () => {
    const output = new Output();
    output.text = Array.from({ length: HEAD / 10 }, (_, n) => `${String(n).padStart(9)}\n`).join("");
    output.gap = { from: 100_000, to: 2_900_000 };
    output.complete = true;
    const source = open(output);
    source.openEnd();
    await vi.waitFor(() => expect(source.state).toBe("complete"));
    for (let turn = 0; turn < 10 && source.store.start > 0; turn++) {
      source.earlier();
      await vi.waitFor(() => expect(source.fetching).toBe(false));
    }
    const lines = textOf(source);
    expect(lines).toHaveLength(10_000 + 1 + 10_000);
    expect(lines[10_000]).toBe("-2800000-");
    source.openStart();
    await vi.waitFor(() => expect(source.state).toBe("apart"));
    for (let turn = 0; turn < 10 && source.state === "apart"; turn++) {
      source.later();
      await vi.waitFor(() => expect(source.fetching).toBe(false));
    }
    expect(source.state).toBe("complete");
    expect(textOf(source)).toEqual(lines);
  });

  it("lets go of the end for who reads far back, and finds back to it", async () => {
    const output = new Output();
    output.text = Array.from({ length: 300_000 }, (_, n) => `${String(n).padStart(9)}\n`).join("");
    const source = open(output, { bytes: 1_300_000, lines: 1_000_000 });
    source.openEnd();
    await vi.waitFor(() => expect(source.state).toBe("live"));
    source.earlier();
    await vi.waitFor(() => expect(source.fetching).toBe(false));
    expect(source.state).toBe("apart");
    expect(source.store.bytes).toBeLessThanOrEqual(1_300_000);
    for (let turn = 0; turn < 10 && source.state === "apart"; turn++) {
      source.later();
      await vi.waitFor(() => expect(source.fetching).toBe(false));
      await vi.waitFor(() => expect(["apart", "live"]).toContain(source.state));
    }
    await vi.waitFor(() => expect(source.state).toBe("live"));
    expect(source.store.end).toBe(output.text.length);
    expect(textOf(source).at(-1)?.trim()).toBe("299999");
  });
});
