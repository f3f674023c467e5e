/** Labels as lines of text, and what has to be changed to get from the one to the other. */

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n");
}

/** The changes for `PATCH /nodes/{node}`: null takes a label back. A sentence when the text is wrong. */
export function labelChanges(text: string, before: Readonly<Record<string, string>>): Record<string, string | null> | string {
  const wanted: Record<string, string> = {};
  for (const [place, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const [, key, value] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (!key || value === undefined) return `Line ${place + 1} is not key=value: ${line.trim().slice(0, 60)}`;
    if (key in wanted) return `Line ${place + 1} sets ${key} again; leave one of the two lines.`;
    wanted[key] = value;
  }
  const gone = Object.keys(before).filter((key) => !(key in wanted));
  return { ...wanted, ...Object.fromEntries(gone.map((key) => [key, null])) };
}
