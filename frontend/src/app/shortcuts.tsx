/**
 * Keys: `/` goes to the search of the page, `g` and a letter to a page, `?` shows them all. Not while somebody types.
 *
 * A page's search is the visible input with `data-search`.
 */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Dialog } from "@/ui/dialog";
import { NAVIGATION } from "./navigation";

const SECOND_KEY_MS = 1500;

export function Shortcuts() {
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  useEffect(() => {
    let gone = 0;
    const hear = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
      if (Date.now() - gone < SECOND_KEY_MS) {
        gone = 0;
        const place = NAVIGATION.find((each) => each.key === event.key);
        if (place) {
          event.preventDefault();
          void navigate({ to: place.to });
        }
        return;
      }
      if (event.key === "g") gone = Date.now();
      if (event.key === "?") setHelp(true);
      if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("input[data-search]");
        if (search) {
          event.preventDefault();
          search.focus();
          search.select();
        }
      }
    };
    document.addEventListener("keydown", hear);
    return () => document.removeEventListener("keydown", hear);
  }, [navigate]);
  return (
    <Dialog open={help} onOpenChange={setHelp} title="Keys">
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5">
        <Key keys="/" does="Search on this page" />
        {NAVIGATION.map((place) => (
          <Key key={place.to} keys={`g ${place.key}`} does={place.label} />
        ))}
        <Key keys="?" does="This list" />
        <Key keys="Esc" does="Close" />
      </dl>
    </Dialog>
  );
}

function Key({ keys, does }: { keys: string; does: string }) {
  return (
    <>
      <dt>
        {keys.split(" ").map((key) => (
          <kbd key={key} className="mr-1 rounded border border-line bg-raised px-1.5 py-0.5 font-mono text-xs">
            {key}
          </kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </>
  );
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
