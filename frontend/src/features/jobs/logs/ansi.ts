/**
 * What a terminal would show of a line: colours and weights (SGR) as spans, carriage returns as overwriting, tabs as spaces.
 * All other sequences (moving the cursor, titles, links) are left out. Text stays text: spans are rendered by React.
 *
 * Each line begins plain, as lines are looked at alone. Of a line that was overwritten the last version counts.
 */

export interface Style {
  /** One of the sixteen colours, 0–15, or a CSS colour. */
  fg?: number | string;
  bg?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  inverse?: boolean;
}

export interface Span {
  text: string;
  style: Style | null;
}

// CSI … letter; OSC up to BEL or ST; two-character escapes; other control characters
// oxlint-disable-next-line no-control-regex
const SEQUENCES = /\u001b\[([0-?]*)[ -/]*([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?|[\u0000-\u0008\u000a-\u001f\u007f]/g;
// oxlint-disable-next-line no-control-regex
const SPECIAL = /[\u0000-\u001f\u007f]/;

/** The last version of a line that was overwritten; tabs become spaces. Colours are still in it. */
export function shownText(raw: string): string {
  if (!SPECIAL.test(raw)) return raw;
  let text = raw;
  if (text.includes("\r")) {
    const versions = text.split("\r").filter((version) => version.length > 0);
    text = versions.at(-1) ?? "";
  }
  return text.includes("\t") ? spaced(text) : text;
}

function spaced(text: string): string {
  let column = 0;
  let spread = "";
  for (const [place, piece] of text.split("\t").entries()) {
    if (place > 0) {
      const spaces = 8 - (column % 8);
      spread += " ".repeat(spaces);
      column += spaces;
    }
    spread += piece;
    column += visibleLength(piece);
  }
  return spread;
}

/** Without colours and other sequences. */
export function plainText(shown: string): string {
  return SPECIAL.test(shown) ? shown.replace(SEQUENCES, "") : shown;
}

/** How many UTF-16 units are seen. */
export function visibleLength(shown: string): number {
  return plainText(shown).length;
}

/** A line in spans of one style each. */
export function spansOf(shown: string): Span[] {
  if (!shown.includes("\u001b")) return [{ text: plainText(shown), style: null }];
  const spans: Span[] = [];
  let style: Style | null = null;
  let from = 0;
  const push = (text: string) => {
    if (text.length > 0) spans.push({ text, style });
  };
  for (const found of shown.matchAll(SEQUENCES)) {
    push(shown.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[2] === "m") style = styled(style, found[1] ?? "");
  }
  push(shown.slice(from));
  return spans;
}

function styled(before: Style | null, codes: string): Style | null {
  let style: Style = { ...before };
  const numbers = codes.split(/[;:]/).map((code) => (code === "" ? 0 : Number(code)));
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] as number;
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 7) style.inverse = true;
    else if (code === 22) style = without(style, "bold", "dim");
    else if (code === 23) style = without(style, "italic");
    else if (code === 24) style = without(style, "underline");
    else if (code === 27) style = without(style, "inverse");
    else if (code >= 30 && code <= 37) style.fg = code - 30;
    else if (code >= 90 && code <= 97) style.fg = code - 82;
    else if (code >= 40 && code <= 47) style.bg = code - 40;
    else if (code >= 100 && code <= 107) style.bg = code - 92;
    else if (code === 39) style = without(style, "fg");
    else if (code === 49) style = without(style, "bg");
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(numbers.slice(at + 1));
      at += used;
      if (colour !== null) style[code === 38 ? "fg" : "bg"] = colour;
    }
  }
  return Object.keys(style).length > 0 ? style : null;
}

function without(style: Style, ...names: (keyof Style)[]): Style {
  return Object.fromEntries(Object.entries(style).filter(([name]) => !names.includes(name as keyof Style)));
}

/** The colour behind 38 or 48, and how many numbers say it. */
function extended([kind, ...rest]: number[]): [number | string | null, number] {
  const byte = (value: number | undefined) => Math.min(Math.max(Math.trunc(value ?? 0) || 0, 0), 255);
  if (kind === 2) return [`rgb(${byte(rest[0])} ${byte(rest[1])} ${byte(rest[2])})`, 4];
  if (kind !== 5) return [null, 1];
  const n = byte(rest[0]);
  if (n < 16) return [n, 2];
  if (n >= 232) return [`rgb(${8 + (n - 232) * 10} ${8 + (n - 232) * 10} ${8 + (n - 232) * 10})`, 2];
  const step = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  return [`rgb(${step(Math.floor((n - 16) / 36))} ${step(Math.floor((n - 16) / 6) % 6)} ${step((n - 16) % 6)})`, 2];
}
