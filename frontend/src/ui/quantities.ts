/** Amounts of resources in words: cores from millicores, GiB from MiB. */

/** `1500` → `1.5`; whole numbers without a point. */
export function cores(millicores: number): string {
  return String(Math.round(millicores / 10) / 100);
}

/** MiB as `512 MiB`, `1.5 GiB`, `2 TiB`. */
export function memory(mib: number): string {
  for (const [unit, size] of [["TiB", 1 << 20], ["GiB", 1 << 10]] as const) {
    if (mib >= size) return `${Math.round((mib / size) * 10) / 10} ${unit}`;
  }
  return `${Math.round(mib)} MiB`;
}

/** Bytes as `640 B`, `12.1 KiB`, `4 MiB`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1 << 20) return `${Math.round((count / 1024) * 10) / 10} KiB`;
  return memory(count / (1 << 20));
}

/** `12345` → `12,345`. */
export function number(value: number): string {
  return value.toLocaleString("en-US");
}
