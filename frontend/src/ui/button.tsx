import { cva, type VariantProps } from "class-variance-authority";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "./cn";

export const buttonStyle = cva(
  "inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors disabled:opacity-50 disabled:pointer-events-none [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      kind: {
        primary: "bg-accent text-on-accent hover:bg-accent-strong",
        plain: "border border-line bg-surface hover:bg-raised",
        quiet: "hover:bg-raised",
        danger: "border border-bad/40 text-bad hover:bg-bad-soft",
      },
      size: { normal: "h-9 px-3", small: "h-7 px-2 text-xs", icon: "size-9" },
    },
    defaultVariants: { kind: "plain", size: "normal" },
  },
);

type ButtonProps = ComponentProps<"button"> & VariantProps<typeof buttonStyle> & { asChild?: boolean };

/** A button; with `asChild` its only child (a link, say) that looks like one. An icon alone needs an `aria-label`. */
export function Button({ className, kind, size, asChild, type = "button", ...rest }: ButtonProps) {
  const Part = asChild ? Slot.Root : "button";
  return <Part {...(asChild ? {} : { type })} className={cn(buttonStyle({ kind, size }), className)} {...rest} />;
}
