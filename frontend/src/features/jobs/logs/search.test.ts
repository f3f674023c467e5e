import { describe, expect, it } from "vitest";
import { LineStore } from "./line-store";
import { expression, matchesIn, Search } from "./search";

async function offsets(text: string, wanted: string, options: { regex?: boolean; matchCase?: boolean } = {}): Promise<readonly number[]> {
  const store = new LineStore();
  store.append(0, new TextEncoder().encode(text));
  const pattern = expression({ text: wanted, regex: false, matchCase: false, ...options });
  if (!(pattern instanceof RegExp)) throw new Error(String(pattern));
  const search = new Search(pattern, !options.regex, () => {});
  await search.run(store);
  return search.found;
}

describe("searching an output", () => {
  it("finds lines by text in any case, each once", async () => {
    expect(await offsets("Error one\nfine\nan error, an ERROR\n", "error")).toEqual([0, 15]);
    expect(await offsets("Error one\nfine\nan error\n", "error", { matchCase: true })).toEqual([15]);
    expect(await offsets("a.b\naxb\n", "a.b")).toEqual([0]);
  });

  it("finds by regular expression within lines only", async () => {
    expect(await offsets("loss=1.5\nloss=2\nx\n", String.raw`loss=\d\.\d`, { regex: true })).toEqual([0]);
    expect(await offsets("ab\ncd\n", "b[^x]*c", { regex: true })).toEqual([]);
    expect(await offsets("one\ntwo\n", "^t", { regex: true })).toEqual([4]);
  });

  it("finds what is seen, through colours and characters of several bytes", async () => {
    expect(await offsets("ä\n\u001b[31mer\u001b[1mror\u001b[0m ü\nno\n", "error ü")).toEqual([3]);
    expect(matchesIn("xaxa", /a/g)).toEqual([[1, 2], [3, 4]]);
    expect(matchesIn("abc", /x*/g)).toEqual([]);
  });

  it("says what is wrong with an expression", () => {
    expect(expression({ text: "(", regex: true, matchCase: false })).toMatch(/^This is no regular expression: /);
    expect(expression({ text: "", regex: true, matchCase: false })).toBeNull();
  });

  it("goes on with what came since, without looking at finished parts again", async () => {
    const store = new LineStore();
    store.append(0, new TextEncoder().encode("hit\n"));
    const search = new Search(/hit/gim, true, () => {});
    await search.run(store);
    store.append(4, new TextEncoder().encode("miss\nhit\n"));
    await search.run(store);
    expect(search.found).toEqual([0, 9]);
  });
});
