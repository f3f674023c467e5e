/**
 * Amounts as people write them: cores, memory, time; read as the command line and job files read them, and written back.
 *
 * A reader gives null for anything it does not know. Units of memory are powers of 1024 whether written GB, GiB or G.
 */

const UNITS: Record<string, number> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };
const SPANS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
];

/** `2`, `0.5` (cores) or `1500m` as millicores. */
export function readCores(text: string): number | null {
  const found = /^([0-9]+(?:\.[0-9]+)?)\s*(m?)$/.exec(text.trim());
  if (!found) return null;
  const amount = Number(found[1]) * (found[2] ? 1 : 1000);
  return Math.abs(amount - Math.round(amount)) < 1e-6 && Math.round(amount) >= 1 ? Math.round(amount) : null;
}

/** `4096`, `4GiB`, `512M` as MiB; a number alone counts in `unit`. */
export function readMemory(text: string, unit: "m" | "g" = "m"): number | null {
  const found = /^([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?b)?$/i.exec(text.trim());
  if (!found || (found[3] && !found[2])) return null;
  const amount = Number(found[1]) * (UNITS[found[2]?.toLowerCase() || unit] ?? 1);
  return amount > 0 ? Math.ceil(amount) : null;
}

/** `90`, `90s`, `10m`, `1h30m` or `1d` as seconds. */
export function readSeconds(text: string): number | null {
  const plain = text.trim().toLowerCase().replaceAll(" ", "");
  const parts = [...plain.matchAll(/(\d+)([smhd]?)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== plain) return null;
  if (parts.length > 1 && parts.some((part) => !part[2])) return null;
  return parts.reduce((sum, part) => sum + Number(part[1]) * (SPANS.find(([unit]) => unit === (part[2] || "s"))?.[1] ?? 1), 0);
}

/** A whole number within bounds. */
export function readWhole(text: string, least = 0, most = 2 ** 31 - 1): number | null {
  if (!/^[-+]?\d{1,10}$/.test(text.trim())) return null;
  const found = Number(text);
  return found >= least && found <= most ? found : null;
}

/** Millicores as `2` or `1500m`. */
export function writeCores(millicores: number): string {
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** MiB as `4GiB` or `1500MiB`. */
export function writeMemory(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}GiB` : `${mib}MiB`;
}

/** Seconds as `2h`, `1h30m`, `90s`. */
export function writeSeconds(seconds: number): string {
  let left = seconds;
  let text = "";
  for (const [unit, size] of SPANS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) text += `${count}${unit}`;
  }
  return text || "0s";
}
