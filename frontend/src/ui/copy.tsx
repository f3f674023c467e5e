import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "./button";
import { cn } from "./cn";

/** Copies a text; says so to screen readers as well. Without a clipboard (plain http) the text is selected by hand. */
export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [told, setTold] = useState<"" | "Copied" | "Copy by hand: the browser gives no clipboard here">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold("Copied");
    } catch {
      setTold("Copy by hand: the browser gives no clipboard here");
    }
    setTimeout(() => setTold(""), 2500);
  };
  return (
    <>
      <Button kind="quiet" size="small" aria-label={label} title={told || label} onClick={() => void copy()}>
        {told === "Copied" ? <Check /> : <Copy />}
      </Button>
      <span role="status" className="sr-only">
        {told}
      </span>
    </>
  );
}

/** A command or a secret, to be copied. */
export function Snippet({ text, className }: { text: string; className?: string }) {
  return (
    <div className={cn("flex items-start gap-1 rounded-lg border border-line bg-raised py-1 pr-1 pl-3", className)}>
      <pre tabIndex={0} className="min-w-0 flex-1 overflow-x-auto py-1 font-mono text-xs whitespace-pre">
        {text}
      </pre>
      <CopyButton text={text} />
    </div>
  );
}
