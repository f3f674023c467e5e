import { Tooltip as Radix } from "radix-ui";
import type { ReactNode } from "react";

/** A word on hover and on focus. The child must be focusable; never the only place where something is said. */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={200}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content sideOffset={4} className="z-50 max-w-80 rounded-md bg-ink px-2 py-1 text-xs text-canvas shadow">
            {text}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  );
}
