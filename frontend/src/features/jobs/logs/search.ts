/** Finding text in the lines that are in memory, a slice at a time so that the page stays responsive. */
import { plainText, shownText } from "./ansi";
import type { Block, LineStore } from "./line-store";

export interface Query {
  text: string;
  regex: boolean;
  matchCase: boolean;
}

const SLICE_MS = 8;
const MOST = 50_000;

/** The expression of a search; null for none, an error's sentence for one that is none. */
export function expression(query: Query): RegExp | string | null {
  if (query.text === "") return null;
  const source = query.regex ? query.text : query.text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  try {
    return new RegExp(source, query.matchCase ? "gm" : "gim");
  } catch (error) {
    return `This is no regular expression: ${error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : String(error)}`;
  }
}

/** The parts of a line that match, as [from, to). */
export function matchesIn(text: string, pattern: RegExp): [number, number][] {
  const found: [number, number][] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    if (match[0].length > 0) found.push([match.index, match.index + match[0].length]);
    else pattern.lastIndex++;
    if (found.length >= 1000) break;
  }
  return found;
}

/** Searches again as the store grows; what blocks that take no more contain is looked for once. */
export class Search {
  private known = new WeakMap<Block, readonly number[]>();
  private running = 0;
  /** Offsets of the lines that match, rising. */
  found: readonly number[] = [];

  constructor(
    private readonly pattern: RegExp,
    /** Whether the pattern is a plain text, which never spans lines. */
    private readonly literal: boolean,
    private readonly changed: () => void,
  ) {}

  stop(): void {
    this.running++;
  }

  /** Look through all that is there now. A later call takes the place of one that still runs. */
  async run(store: LineStore): Promise<void> {
    const turn = ++this.running;
    const found: number[] = [];
    let since = performance.now();
    for (const block of store.all) {
      const lines = this.known.get(block) ?? this.look(block);
      if (block.sealed) this.known.set(block, lines);
      for (const offset of lines) if (found.length < MOST) found.push(offset);
      if (performance.now() - since > SLICE_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        if (turn !== this.running) return;
        since = performance.now();
      }
    }
    this.found = found;
    this.changed();
  }

  private look(block: Block): number[] {
    const offsets: number[] = [];
    if (block.missing > 0) return offsets;
    if (block.plain && this.literal) {
      // of plain text a place in it is a place in the bytes, so all lines are searched at once
      let line = -1;
      this.pattern.lastIndex = 0;
      const text = block.text();
      for (let match = this.pattern.exec(text); match && offsets.length < MOST; match = this.pattern.exec(text)) {
        if (match[0].length === 0) {
          this.pattern.lastIndex++;
          continue;
        }
        const at = block.lineAt(block.base + match.index);
        if (at !== line) offsets.push(block.offsetOf((line = at)));
      }
      return offsets;
    }
    for (let line = 0; line < block.lines && offsets.length < MOST; line++) {
      if (matchesIn(plainText(shownText(block.raw(line))), this.pattern).length > 0) offsets.push(block.offsetOf(line));
    }
    return offsets;
  }
}
