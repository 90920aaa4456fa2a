/** What the user prefers, read from the user state, and what of it the document shows. The copy in this browser only
 * spares the first paint from waiting for the server. */

import { createContext, useContext } from "react";
import { DEFAULT_STATE } from "@parley/client";
import type { UserState } from "@parley/client";

type Known = "theme" | "fontSize" | "language" | "defaultModel" | "approvalPolicy" | "sendKey" | "notifications";

export interface Preferences extends Pick<UserState["preferences"], Known> {
  /** `signal`: told that there is news, the page fetches it itself. */
  readonly delivery: "push" | "signal";
}

export const DEFAULT_PREFERENCES: Preferences = { ...DEFAULT_STATE.preferences, delivery: "push" };

/** The choices of each preference that is one of several. */
export const CHOICES = {
  theme: ["system", "light", "dark"],
  fontSize: ["small", "medium", "large"],
  language: ["auto", "en", "zh"],
  approvalPolicy: ["default", "manual"],
  sendKey: ["enter", "mod-enter"],
  delivery: ["push", "signal"],
} as const satisfies { readonly [K in keyof Preferences]?: readonly Preferences[K][] };

export type Choice = keyof typeof CHOICES;

/** Also read by public/first-paint.js. */
const COPY = "parley.preferences";

export const PreferencesContext = createContext<Preferences>(DEFAULT_PREFERENCES);

export function usePreferences(): Preferences {
  return useContext(PreferencesContext);
}

/** Whatever is missing, or was written by a newer page, is as if it had not been chosen. */
export function readPreferences(given: unknown): Preferences {
  const from = (typeof given === "object" && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
  const known: Record<string, unknown> = { ...DEFAULT_PREFERENCES };
  for (const [name, choices] of Object.entries(CHOICES)) {
    if ((choices as readonly unknown[]).includes(from[name])) known[name] = from[name];
  }
  if (typeof from["defaultModel"] === "string") known["defaultModel"] = from["defaultModel"];
  known["notifications"] = from["notifications"] === true;
  return known as unknown as Preferences;
}

export function loadCopy(): Preferences {
  try {
    return readPreferences(JSON.parse(localStorage.getItem(COPY) ?? "null"));
  } catch {
    return DEFAULT_PREFERENCES;
  }
}

export function saveCopy(preferences: Preferences): void {
  try {
    localStorage.setItem(COPY, JSON.stringify(preferences));
  } catch {
    // Storage can be off or full: then the next visit starts with the defaults until the server has answered.
  }
}

/** Shows theme and size on the root element. Returns the function that stops following the system's theme. */
export function applyLook(root: HTMLElement, { theme, fontSize }: Preferences): () => void {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    root.dataset["theme"] = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  };
  root.dataset["fontSize"] = fontSize;
  show();
  dark.addEventListener("change", show);
  return () => dark.removeEventListener("change", show);
}
