import { AlertDialog, Dialog as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { sentence } from "@/api/errors";
import { Button } from "./button";
import { cn } from "./cn";

/* Radix' overlays write <style> elements, which the page's policy forbids: the backdrop is ours, and the page behind is
   held still by a rule in styles.css. */
const BACKDROP = "fixed inset-0 z-40 bg-black/50";
const PANEL =
  "fixed inset-x-3 top-[6vh] z-50 mx-auto flex max-h-[88vh] w-auto max-w-lg flex-col gap-4 overflow-y-auto rounded-xl border border-line bg-surface p-5 shadow-xl";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  /** One sentence under the title. */
  description?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A dialog over the page: focus stays inside, Escape closes it, focus goes back to where it came from. */
export function Dialog({ open, onOpenChange, title, description, className, children }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <div className={BACKDROP} aria-hidden />
        <Radix.Content className={cn(PANEL, className)} {...(description ? {} : { "aria-describedby": undefined })}>
          <div className="flex flex-col gap-1">
            <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
            {description && <Radix.Description className="text-muted">{description}</Radix.Description>}
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  /** What opens it: a button. */
  trigger: ReactNode;
  title: ReactNode;
  /** What it would affect. */
  children: ReactNode;
  /** What the button that does it says, a verb. */
  action: string;
  danger?: boolean;
  /** Does it. While it runs the dialog waits; if it fails the dialog stays and says why. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something is done that cannot be taken back. */
export function Confirm({ trigger, title, children, action, danger = true, onConfirm }: ConfirmProps) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      setOpen(false);
    } catch (failure) {
      setError(sentence(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => (setError(null), setOpen(next))}>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <div className={BACKDROP} aria-hidden />
        <AlertDialog.Content className={PANEL}>
          <AlertDialog.Title className="text-base font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="flex flex-col gap-2 text-muted">{children}</div>
          </AlertDialog.Description>
          {error && (
            <p role="alert" className="text-bad">
              {error}
            </p>
          )}
          <div className="flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Keep as it is</Button>
            </AlertDialog.Cancel>
            <Button kind={danger ? "danger" : "primary"} disabled={busy} onClick={() => void run()}>
              {busy ? "Working…" : action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
