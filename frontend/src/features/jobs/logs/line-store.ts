/**
 * The part of an output that is in memory: bytes in blocks, and where each line begins and ends.
 *
 * Bytes are kept as they came; a line is decoded when it is looked at. So taking in output costs one look at each byte,
 * and a character that is cut by the border of two chunks is whole again. A block holds whole lines (about 256 KiB of
 * them); the last one is open, and its unfinished line is shown as well. Offsets are those of the stream, so what is known
 * already is ignored and the place to go on from after a break is exact. What the platform did not keep is a block too,
 * with one line that says so.
 *
 * Bounds: beyond `limits` whole blocks are dropped, at the end that the reader is farther from. A line longer than
 * LONGEST_LINE goes on in the next one, unless a carriage return has begun it anew: then what was overwritten is dropped.
 */
import { shownText, visibleLength } from "./ansi";

export const LONGEST_LINE = 16 << 10;
const BLOCK_BYTES = 256 << 10;
const NEWLINE = 10;
const RETURN = 13;

export interface Limits {
  bytes: number;
  lines: number;
}
export const LIMITS: Limits = { bytes: 48 << 20, lines: 500_000 };

const decoder = new TextDecoder();

/** Whole lines that follow one another, or (`missing` > 0) bytes that were not kept. */
export class Block {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private bytes: Uint8Array;
  private size = 0;
  private open = 0;
  private lastReturn = -1;
  private rowsFor: { columns: number; size: number; sums: Uint32Array } | null = null;
  /** Nothing but printable ASCII: a byte is a column. */
  plain = true;
  /** No more is added; what was found in it stays so. */
  sealed = false;

  constructor(
    readonly base: number,
    capacity: number,
    readonly missing: number = 0,
  ) {
    this.bytes = new Uint8Array(capacity);
    if (missing > 0) this.sealed = true;
  }

  /** Offset of the byte after the last one. */
  get end(): number {
    return this.base + this.size + this.missing;
  }

  get byteLength(): number {
    return this.size;
  }

  get lines(): number {
    return this.missing > 0 ? 1 : this.starts.length + (this.size > this.open ? 1 : 0);
  }

  offsetOf(line: number): number {
    return this.base + this.startOf(line);
  }

  /** The line as it was written, without its end. */
  raw(line: number): string {
    if (this.missing > 0) return "";
    return decoder.decode(this.bytes.subarray(this.startOf(line), this.ends[line] ?? this.size));
  }

  /** The whole of it; only of use where `plain`, as then characters are bytes. */
  text(): string {
    return decoder.decode(this.bytes.subarray(0, this.size));
  }

  /** The last line that begins at or before a byte. */
  lineAt(offset: number): number {
    const wanted = offset - this.base;
    let low = 0;
    let high = this.lines - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.startOf(middle) <= wanted) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** For each line how many rows of so many columns all before it take; at last, of all. */
  rowSums(columns: number): Uint32Array {
    const known = this.rowsFor;
    if (known && known.columns === columns && known.size === this.size) return known.sums;
    const sums = new Uint32Array(this.lines + 1);
    for (let line = 0; line < this.lines; line++) {
      const length = this.missing > 0 ? 1 : this.plain ? (this.ends[line] ?? this.size) - this.startOf(line) : visibleLength(shownText(this.raw(line)));
      sums[line + 1] = (sums[line] ?? 0) + Math.max(1, Math.ceil(length / columns));
    }
    this.rowsFor = { columns, size: this.size, sums };
    return sums;
  }

  add(chunk: Uint8Array): void {
    const from = this.size;
    if (from + chunk.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.bytes.length * 2, from + chunk.length));
      grown.set(this.bytes.subarray(0, from));
      this.bytes = grown;
    }
    this.bytes.set(chunk, from);
    this.size = from + chunk.length;
    this.scan(from);
  }

  /** Take off what follows the last whole line, to begin the next block with. Null while there is too little. */
  split(least: number): Uint8Array | null {
    if (this.open < least) return null;
    const rest = this.bytes.slice(this.open, this.size);
    this.size = this.open;
    this.seal();
    return rest;
  }

  seal(): void {
    this.sealed = true;
    if (this.size > this.open) this.finish(this.size, this.size);
    this.bytes = this.bytes.slice(0, this.size);
  }

  private startOf(line: number): number {
    return this.starts[line] ?? this.open;
  }

  private finish(end: number, next: number): void {
    this.starts.push(this.open);
    this.ends.push(end);
    this.open = next;
    this.lastReturn = -1;
  }

  private scan(from: number): void {
    const { bytes, size } = this;
    for (let at = from; at < size; at++) {
      const byte = bytes[at] as number;
      if (byte === NEWLINE) {
        this.finish(at, at + 1);
        continue;
      }
      if (byte < 32 || byte > 126) {
        this.plain = false;
        if (byte === RETURN) this.lastReturn = at;
      }
      if (at + 1 - this.open < LONGEST_LINE) continue;
      if (this.lastReturn >= this.open && this.lastReturn < at) {
        this.open = this.lastReturn + 1;
        this.lastReturn = -1;
      } else {
        const cut = wholeCharacters(bytes, this.open, at + 1);
        this.finish(cut, cut);
      }
    }
  }
}

/** The end of the last whole character before `end`. */
function wholeCharacters(bytes: Uint8Array, begin: number, end: number): number {
  for (let at = end - 1; at > begin && at >= end - 4; at--) {
    const byte = bytes[at] as number;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return at + length <= end ? end : at;
    }
  }
  return end;
}

/** Where the first whole line of a piece from the middle begins. */
function firstLine(bytes: Uint8Array): number {
  const newline = bytes.indexOf(NEWLINE);
  if (newline >= 0) return newline + 1;
  let at = 0;
  while (at < 3 && at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80) at++;
  return at;
}

export interface Place {
  block: Block;
  line: number;
  /** Which row of a wrapped line. */
  piece: number;
}

export type Part = Uint8Array | { missing: number };

export class LineStore {
  private blocks: Block[] = [];
  /** Grows with each change. */
  version = 0;
  /** Grows when everything begins anew. */
  generation = 0;

  constructor(private readonly limits: Limits = LIMITS) {}

  /** Offset of the first byte held. */
  get start(): number {
    return this.blocks[0]?.base ?? 0;
  }

  /** Offset of the byte to go on from. */
  get end(): number {
    return this.blocks.at(-1)?.end ?? 0;
  }

  get bytes(): number {
    return this.blocks.reduce((sum, block) => sum + block.byteLength, 0);
  }

  get lines(): number {
    return this.blocks.reduce((sum, block) => sum + block.lines, 0);
  }

  get all(): readonly Block[] {
    return this.blocks;
  }

  /** Forget everything and begin at a byte. If that is in the middle of a line (`whole` is false) the line is left out. */
  begin(at: number, bytes: Uint8Array, whole: boolean): void {
    const skip = whole ? 0 : firstLine(bytes);
    this.generation++;
    this.version++;
    this.blocks = [new Block(at + skip, BLOCK_BYTES)];
    this.append(at + skip, bytes.subarray(skip));
  }

  /** Take in bytes at an offset. What is known is ignored; behind a gap nothing is taken (false). */
  append(offset: number, bytes: Uint8Array): boolean {
    if (this.blocks.length === 0) this.blocks = [new Block(offset, BLOCK_BYTES)];
    if (offset > this.end) return false;
    const fresh = bytes.subarray(this.end - offset);
    if (fresh.length > 0) {
      let open = this.blocks.at(-1) as Block;
      if (open.sealed) this.blocks.push((open = new Block(this.end, BLOCK_BYTES)));
      open.add(fresh);
      const rest = open.split(BLOCK_BYTES);
      if (rest) {
        const next = new Block(open.end, BLOCK_BYTES);
        this.blocks.push(next);
        next.add(rest);
      }
      this.version++;
    }
    return true;
  }

  /** The next so many bytes were not kept. */
  appendMissing(count: number): void {
    const at = this.end;
    this.blocks.at(-1)?.seal();
    this.blocks.push(new Block(at, 0, count));
    this.version++;
  }

  /** Put before everything what is there from `at` on; together it must reach up to `start`. */
  prepend(at: number, parts: readonly Part[]): void {
    const found: Block[] = [];
    let offset = at;
    for (const part of parts) {
      if ("missing" in part) {
        found.push(new Block(offset, 0, part.missing));
        offset += part.missing;
      } else {
        for (let from = 0; from < part.length; ) {
          const newline = part.indexOf(NEWLINE, Math.min(from + BLOCK_BYTES, part.length));
          const to = newline < 0 ? part.length : newline + 1;
          const block = new Block(offset + from, to - from);
          block.add(part.subarray(from, to));
          block.seal();
          found.push(block);
          from = to;
        }
        offset += part.length;
      }
    }
    if (offset !== this.start) throw new Error(`a piece up to ${offset} does not end at ${this.start}`);
    this.blocks = [...found, ...this.blocks];
    this.version++;
  }

  get full(): boolean {
    return this.bytes > this.limits.bytes || this.lines > this.limits.lines;
  }

  /** Drop the oldest while there is too much. */
  trimFront(): void {
    let { bytes, lines } = this;
    let drop = 0;
    while (drop < this.blocks.length - 1 && (bytes > this.limits.bytes || lines > this.limits.lines)) {
      bytes -= this.blocks[drop]?.byteLength ?? 0;
      lines -= this.blocks[drop]?.lines ?? 0;
      drop++;
    }
    if (drop > 0) {
      this.blocks = this.blocks.slice(drop);
      this.version++;
    }
  }

  /** Drop the newest while there is too much. */
  trimBack(): void {
    while (this.blocks.length > 1 && this.full) this.blocks.pop();
    this.blocks.at(-1)?.seal();
    this.version++;
  }

  /** How many rows there are; `columns` 0: lines are not wrapped. */
  rows(columns: number): number {
    if (columns === 0) return this.lines;
    return this.blocks.reduce((sum, block) => sum + (block.rowSums(columns).at(-1) ?? 0), 0);
  }

  /** What is in a row. */
  at(row: number, columns: number): Place | null {
    let left = row;
    for (const block of this.blocks) {
      const sums = columns === 0 ? null : block.rowSums(columns);
      const count = sums ? (sums.at(-1) ?? 0) : block.lines;
      if (left < count) {
        if (!sums) return { block, line: left, piece: 0 };
        const line = lastAtMost(sums, left);
        return { block, line, piece: left - (sums[line] ?? 0) };
      }
      left -= count;
    }
    return null;
  }

  /** The first row of the line that holds a byte; of the first or last line if the byte is outside. */
  rowOf(offset: number, columns: number): number {
    let before = 0;
    for (const block of this.blocks) {
      if (offset < block.base) return before;
      const sums = columns === 0 ? null : block.rowSums(columns);
      if (offset < block.end) {
        const line = block.lineAt(offset);
        return before + (sums ? (sums[line] ?? 0) : line);
      }
      before += sums ? (sums.at(-1) ?? 0) : block.lines;
    }
    return Math.max(before - 1, 0);
  }
}

/** The last place whose sum is at most this. */
function lastAtMost(sums: Uint32Array, value: number): number {
  let low = 0;
  let high = sums.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sums[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
