/** Limits of a queue: what each is called, how it is written and read, and the sentence that tells it. */
import { readCores, readMemory, readWhole, writeCores, writeMemory } from "@/ui/amounts";
import { cores, memory, number } from "@/ui/quantities";
import type { Limits } from "./queries";

export type LimitName = keyof Limits;

interface Kind {
  label: string;
  hint: string;
  read: (text: string) => number | null;
  write: (amount: number) => string;
  /** The amount in words. */
  say: (amount: number) => string;
}

const whole = (label: string, unit: string): Kind => ({
  label,
  hint: "A whole number, such as 8.",
  read: (text) => readWhole(text),
  write: String,
  say: (amount) => `${number(amount)} ${unit}`,
});

export const LIMITS: Record<LimitName, Kind> = {
  running_jobs: whole("Running jobs", "running"),
  gpus: whole("GPUs", "GPUs"),
  cpu_millicores: { label: "Cores", hint: "Cores, such as 64 or 0.5.", read: readCores, write: writeCores, say: (amount) => `${cores(amount)} cores` },
  memory_mb: { label: "Memory", hint: "Such as 512GiB; a number alone counts MiB.", read: readMemory, write: writeMemory, say: memory },
  waiting_jobs: whole("Waiting jobs", "waiting"),
};

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** Limits as texts of a form; an empty text is no limit. */
export type LimitTexts = Record<LimitName, string>;

export function textsOf(limits: Limits | undefined): LimitTexts {
  const texts = {} as LimitTexts;
  for (const name of LIMIT_NAMES) {
    const amount = limits?.[name];
    texts[name] = amount == null ? "" : LIMITS[name].write(amount);
  }
  return texts;
}

/** What the texts say, and a sentence for each that says nothing. */
export function readLimits(texts: LimitTexts): { limits: Limits; errors: Partial<Record<LimitName, string>> } {
  const limits: Limits = {};
  const errors: Partial<Record<LimitName, string>> = {};
  for (const name of LIMIT_NAMES) {
    const text = texts[name].trim();
    const amount = text === "" ? null : text === "0" ? 0 : LIMITS[name].read(text);
    if (text !== "" && amount === null) errors[name] = `${LIMITS[name].label}: ${text} is no such amount. ${LIMITS[name].hint}`;
    limits[name] = amount;
  }
  return { limits, errors };
}

/** The limits that are set, in words: `8 GPUs, 64 cores`. */
export function sayLimits(limits: Limits): string {
  return LIMIT_NAMES.flatMap((name) => (limits[name] == null ? [] : [LIMITS[name].say(limits[name])])).join(", ");
}
