/** Short messages at the edge of the page: what was done, or why it was not. */
import { X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { cn } from "@/ui/cn";

interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
}

const STAY_MS = { good: 5_000, bad: 12_000 };
let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(changed: readonly Toast[]): void {
  toasts = changed;
  for (const listener of listeners) listener();
}

/** Say something. Failures stay longer. */
export function toast(text: string, tone: Toast["tone"] = "good"): void {
  const id = next++;
  set([...toasts.slice(-3), { id, text, tone }]);
  setTimeout(() => set(toasts.filter((each) => each.id !== id)), STAY_MS[tone]);
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
    () => toasts,
  );
  return (
    <div aria-live="polite" role="status" className="pointer-events-none fixed right-3 bottom-3 z-50 flex max-w-sm flex-col gap-2">
      {shown.map((each) => (
        <div
          key={each.id}
          className={cn(
            "pointer-events-auto flex items-start gap-2 rounded-lg border bg-surface px-3 py-2 shadow-lg",
            each.tone === "bad" ? "border-bad text-bad" : "border-line",
          )}
        >
          <span className="min-w-0 flex-1 break-words">{each.text}</span>
          <button type="button" aria-label="Dismiss" onClick={() => set(toasts.filter((other) => other.id !== each.id))}>
            <X className="size-4" />
          </button>
        </div>
      ))}
    </div>
  );
}
