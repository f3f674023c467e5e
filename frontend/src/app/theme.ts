/** Dark or light: as the system says until somebody chooses. `public/theme.js` does the same before the first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
const KEY = "lilac.theme";
const listeners = new Set<() => void>();

export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // a browser without storage: the choice holds for this page
  }
  for (const listener of listeners) listener();
}

/** The theme; charts draw with it. */
export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, currentTheme);
}
