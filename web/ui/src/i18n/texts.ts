/** Every text of the page in the reader's language. English is always there; Chinese comes when it is wanted.
 * A missing translation is a type error. */

import { createContext, useContext } from "react";
import { en } from "./en/all";
import type { Texts } from "./en/all";

export { en };
export type { Texts };

export type Language = "en" | "zh";

export const TextsContext = createContext<Texts>(en);

export function useTexts(): Texts {
  return useContext(TextsContext);
}

/** Rejects when the file with the language cannot be had. */
export async function loadTexts(language: Language): Promise<Texts> {
  if (language === "en") return en;
  const { zh } = await import("./zh/all");
  return zh;
}

/** The language that a preference means: `auto` is the first of the browser's that there is. */
export function languageFor(preference: "auto" | Language, browser: readonly string[]): Language {
  if (preference !== "auto") return preference;
  const known = browser.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "zh");
  return known === "zh" ? "zh" : "en";
}
