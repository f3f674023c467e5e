/** One row of an output: a line, or a piece of a wrapped one, with its colours and what a search found in it. */
import { memo, type ReactNode } from "react";
import { number } from "@/ui/quantities";
import { cn } from "@/ui/cn";
import { plainText, shownText, type Span, spansOf, type Style } from "./ansi";
import type { Place } from "./line-store";
import { matchesIn } from "./search";

// the sixteen colours as roles of the palette, so that they can be read in both themes
const FOREGROUND = ["text-muted", "text-bad", "text-good", "text-warn", "text-info", "text-accent", "text-info", "text-ink"];
const BACKGROUND = ["bg-raised", "bg-bad-soft", "bg-good-soft", "bg-warn-soft", "bg-info-soft", "bg-raised", "bg-info-soft", "bg-raised"];

interface Piece extends Span {
  found?: boolean;
}

export const LogLine = memo(function LogLine({ raw, piece, columns, missing, pattern, current }: Shown) {
  if (missing > 0) return <span className="text-muted italic">… {number(missing)} bytes were not kept …</span>;
  const shown = shownText(raw);
  let pieces: Piece[] = spansOf(shown);
  if (pattern) pieces = marked(pieces, matchesIn(plainText(shown), pattern));
  if (columns > 0) pieces = cutOut(pieces, piece * columns, (piece + 1) * columns);
  return <>{pieces.map((each, place) => render(each, place, current))}</>;
});

export interface Shown {
  raw: string;
  piece: number;
  /** 0: the line is not wrapped. */
  columns: number;
  missing: number;
  pattern: RegExp | null;
  /** Whether the search stands at this line. */
  current: boolean;
}

export function shownOf(place: Place, columns: number, pattern: RegExp | null, current: boolean): Shown {
  return { raw: place.block.raw(place.line), piece: place.piece, columns, missing: place.block.missing, pattern, current };
}

function render(piece: Piece, key: number, current: boolean): ReactNode {
  if (!piece.style && !piece.found) return piece.text;
  const look = piece.style ? looks(piece.style) : { className: "", style: undefined };
  const Part = piece.found ? "mark" : "span";
  return (
    <Part key={key} className={cn(look.className, piece.found && (current ? "bg-accent text-on-accent" : "bg-warn-soft text-ink outline-1 outline-warn"))} style={piece.found ? undefined : look.style}>
      {piece.text}
    </Part>
  );
}

function looks(style: Style): { className: string; style: { color?: string; backgroundColor?: string } | undefined } {
  const [fg, bg] = style.inverse ? [style.bg ?? "var(--surface)", style.fg ?? "var(--ink)"] : [style.fg, style.bg];
  const inline: { color?: string; backgroundColor?: string } = {};
  if (typeof fg === "string") inline.color = fg;
  if (typeof bg === "string") inline.backgroundColor = bg;
  return {
    className: cn(
      typeof fg === "number" && FOREGROUND[fg % 8],
      typeof bg === "number" && BACKGROUND[bg % 8],
      (style.bold || (typeof fg === "number" && fg > 7)) && "font-semibold",
      style.dim && "opacity-70",
      style.italic && "italic",
      style.underline && "underline",
    ),
    style: inline,
  };
}

/** The spans with those parts set apart that were found. */
function marked(spans: readonly Span[], found: readonly [number, number][]): Piece[] {
  if (found.length === 0) return [...spans];
  const pieces: Piece[] = [];
  let at = 0;
  let next = 0;
  for (const span of spans) {
    let from = 0;
    while (from < span.text.length) {
      while (next < found.length && (found[next]?.[1] ?? 0) <= at + from) next++;
      const [begin, end] = found[next] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const inside = begin <= at + from;
      const to = Math.min(span.text.length, (inside ? end : begin) - at);
      pieces.push({ text: span.text.slice(from, to), style: span.style, found: inside });
      from = to;
    }
    at += span.text.length;
  }
  return pieces;
}

/** What stands in the columns from `from` to `to`. */
function cutOut(pieces: readonly Piece[], from: number, to: number): Piece[] {
  const cut: Piece[] = [];
  let at = 0;
  for (const piece of pieces) {
    const text = piece.text.slice(Math.max(from - at, 0), Math.max(to - at, 0));
    if (text.length > 0) cut.push({ ...piece, text });
    at += piece.text.length;
  }
  return cut;
}
