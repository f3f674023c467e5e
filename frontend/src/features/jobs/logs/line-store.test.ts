import { describe, expect, it } from "vitest";
import { shownText } from "./ansi";
import { LineStore, LONGEST_LINE } from "./line-store";

const bytes = (text: string) => new TextEncoder().encode(text);

function linesOf(store: LineStore): string[] {
  const found: string[] = [];
  for (let row = 0; row < store.lines; row++) {
    const place = store.at(row, 0);
    if (place) found.push(place.block.missing > 0 ? `missing ${place.block.missing}` : place.block.raw(place.line));
  }
  return found;
}

function filled(text: string, step: number, limits?: { bytes: number; lines: number }): LineStore {
  const store = new LineStore(limits);
  const all = bytes(text);
  for (let at = 0; at < all.length; at += step) store.append(at, all.slice(at, at + step));
  return store;
}

describe("the lines of an output", () => {
  it("are the same however the bytes are cut, also within characters", () => {
    const text = "erste Zeile\nzwölf Käse 🧀🧀\n\n终于 done\r\nno end yet";
    const expected = ["erste Zeile", "zwölf Käse 🧀🧀", "", "终于 done\r", "no end yet"];
    for (let step = 1; step < 20; step++) expect(linesOf(filled(text, step))).toEqual(expected);
  });

  it("show the unfinished line, and go on with it", () => {
    const store = filled("10%", 3);
    expect(linesOf(store)).toEqual(["10%"]);
    store.append(3, bytes(" of it\nnext"));
    expect(linesOf(store)).toEqual(["10% of it", "next"]);
  });

  it("take every byte once after a break, and nothing from behind a gap", () => {
    const store = filled("one\ntwo\n", 8);
    expect(store.append(4, bytes("two\nthree\n"))).toBe(true);
    expect(store.append(0, bytes("one"))).toBe(true);
    expect(store.append(99, bytes("lost"))).toBe(false);
    expect(linesOf(store)).toEqual(["one", "two", "three"]);
    expect(store.end).toBe(14);
  });

  it("begin behind a line that is cut, in the middle of a stream", () => {
    const store = new LineStore();
    store.begin(1000, bytes("lf of a line\nwhole\n"), false);
    expect(linesOf(store)).toEqual(["whole"]);
    expect(store.start).toBe(1013);
    expect(store.end).toBe(1019);
  });

  it("begin at a whole character where no line ends", () => {
    const store = new LineStore();
    store.begin(7, bytes("ä progress without end").slice(1), false);
    expect(linesOf(store)).toEqual([" progress without end"]);
  });

  it("are cut when they are huge, but not within a character", () => {
    const text = `${"ü".repeat(LONGEST_LINE)}end\nnext\n`;
    for (const step of [1000, 4097, 100_000]) {
      const lines = linesOf(filled(text, step));
      expect(lines.join("")).toBe(`${"ü".repeat(LONGEST_LINE)}endnext`);
      expect(lines.length).toBeGreaterThan(2);
      expect(lines.some((line) => line.includes("\ufffd"))).toBe(false);
    }
  });

  it("hold only the last state of a progress bar without end", () => {
    let text = "";
    for (let n = 0; n <= 20_000; n++) text += `\r${n}/20000 [####]`;
    const store = filled(`${text}\nready\n`, 5000);
    const lines = linesOf(store);
    expect(lines).toHaveLength(2);
    expect(shownText(lines[0] ?? "")).toBe("20000/20000 [####]");
    expect(lines[1]).toBe("ready");
  });

  it("stay in order over many blocks, found by row and by byte", () => {
    const text = Array.from({ length: 60_000 }, (_, n) => `line ${n} of many`).join("\n");
    const store = filled(text, 70_001);
    expect(store.all.length).toBeGreaterThan(3);
    expect(store.lines).toBe(60_000);
    for (const n of [0, 1, 14_999, 15_000, 31_234, 59_999]) {
      const place = store.at(n, 0);
      expect(place?.block.raw(place.line)).toBe(`line ${n} of many`);
      expect(store.rowOf(place?.block.offsetOf(place.line) ?? -1, 0)).toBe(n);
    }
    expect(store.at(60_000, 0)).toBeNull();
  });

  it("drop the oldest blocks when there is too much, and offsets do not shift", () => {
    const store = new LineStore({ bytes: 1 << 20, lines: 1_000_000 });
    const chunk = bytes("x".repeat(99) + "\n").length;
    for (let n = 0; n < 40_000; n++) {
      store.append(n * chunk, bytes(String(n).padEnd(99) + "\n"));
      store.trimFront();
    }
    expect(store.bytes).toBeLessThanOrEqual(1 << 20);
    expect(store.end).toBe(40_000 * chunk);
    expect(store.start).toBeGreaterThan(0);
    const first = store.at(0, 0);
    expect(Number(first?.block.raw(first.line))).toBe(store.start / chunk);
  });

  it("get earlier parts before them, with what was not kept", () => {
    const store = new LineStore();
    store.begin(1000, bytes("tail\n"), true);
    store.prepend(900, [{ missing: 95 }, bytes("kept\n")]);
    store.prepend(890, [bytes("a line\nxx\n")]);
    expect(linesOf(store)).toEqual(["a line", "xx", "missing 95", "kept", "tail"]);
    expect(store.start).toBe(890);
    expect(() => store.prepend(0, [bytes("no")])).toThrow("does not end at 890");
  });

  it("go on behind what was not kept, and drop the newest for who reads far back", () => {
    const store = new LineStore({ bytes: 300_000, lines: 1_000_000 });
    store.append(0, bytes("head\n"));
    store.appendMissing(500);
    store.append(505, bytes("tail\n"));
    expect(linesOf(store)).toEqual(["head", "missing 500", "tail"]);
    const far = new LineStore({ bytes: 300_000, lines: 1_000_000 });
    far.begin(1_000_000, bytes("new\n".repeat(100)), true);
    far.prepend(0, [bytes("old\n".repeat(250_000))]);
    far.trimBack();
    expect(far.start).toBe(0);
    expect(far.end).toBeLessThan(1_000_000);
    expect(far.append(far.end, bytes("again\n"))).toBe(true);
    expect(linesOf(far).at(-1)).toBe("again");
  });

  it("are counted in rows when they are wrapped, by what is seen of them", () => {
    const store = filled(`short\n${"x".repeat(25)}\n\u001b[31m${"y".repeat(10)}\u001b[0m\n\n${"ä".repeat(11)}\n`, 7);
    expect(store.rows(0)).toBe(5);
    expect(store.rows(10)).toBe(1 + 3 + 1 + 1 + 2);
    expect(store.at(3, 10)).toMatchObject({ line: 1, piece: 2 });
    expect(store.at(4, 10)).toMatchObject({ line: 2, piece: 0 });
    expect(store.rowOf(6, 10)).toBe(1);
    store.append(store.end, bytes("z".repeat(30)));
    expect(store.rows(10)).toBe(11);
  });
});
