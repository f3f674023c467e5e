/** What a chart draws, worked out from samples: gaps, stacks, the scale of its axis, and the words that say it without a picture. */

export interface ChartSeries {
  label: string;
  /** One value for each of the chart's times; null where nothing is known. */
  values: readonly (number | null)[];
  /** A role of the palette; by default they differ. */
  tone?: "accent" | "good" | "warn" | "bad" | "info" | "muted";
  /** How it is drawn: never colour alone tells two series apart. `limit` is a dashed line, for capacities. */
  look?: "line" | "area" | "dotted" | "limit";
}

export interface Drawn {
  times: number[];
  /** What is drawn: in a stack the sum with all series below. */
  lines: (number | null)[][];
  /** What is told: the values themselves. */
  values: (number | null)[][];
}

/**
 * The columns to draw. Where two times are further apart than two steps a moment without values goes between them, so
 * that no line pretends to know what happened there.
 */
export function drawn(times: readonly number[], series: readonly ChartSeries[], stepS?: number, stacked = false): Drawn {
  const found: Drawn = { times: [], lines: series.map(() => []), values: series.map(() => []) };
  times.forEach((at, index) => {
    const before = times[index - 1];
    if (stepS && before !== undefined && at - before > 2 * stepS) {
      found.times.push(before + stepS);
      for (const list of [...found.lines, ...found.values]) list.push(null);
    }
    found.times.push(at);
    let below = 0;
    series.forEach((each, place) => {
      const value = each.values[index] ?? null;
      found.values[place]?.push(value);
      const pile = stacked && each.look !== "limit";
      if (pile && value !== null) below += value;
      found.lines[place]?.push(pile && value !== null ? below : value);
    });
  });
  return found;
}

/** The highest value that is drawn, and at least `atLeast`. */
export function peak(lines: readonly (readonly (number | null)[])[], atLeast = 0): number {
  let most = atLeast;
  for (const line of lines) for (const value of line) if (value !== null && value > most) most = value;
  return most;
}

/** Steps for the axis of amounts that double: 1, 2, 4 … of a unit with 1024 parts. */
export const BINARY_STEPS: readonly number[] = Array.from({ length: 48 }, (_, power) => 2 ** power);

/** `CPU: 2.5 cores now, at most 4 cores; capacity: 8 cores.` What a chart says to those who do not see it. */
export function summary(series: readonly ChartSeries[], format: (value: number) => string): string {
  const said = series.map(({ label, values, look }) => {
    const known = values.filter((value): value is number => value !== null);
    const last = known.at(-1);
    if (last === undefined) return `${label}: not known`;
    const most = Math.max(...known);
    const least = Math.min(...known);
    if (most === least || look === "limit") return `${label}: ${format(last)}`;
    return `${label}: ${format(last)} at the end, between ${format(least)} and ${format(most)}`;
  });
  return `${said.join("; ")}.`;
}

/** The marks of the time axis: hours and minutes; the day where it begins; seconds only when marks are that close. */
export function timeMark(at: number, stepS: number): string {
  const date = new Date(at * 1000);
  if (stepS >= 86_400 || (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0)) {
    return date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
  }
  return date.toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    ...(stepS < 60 ? { second: "2-digit" } : {}),
  });
}
