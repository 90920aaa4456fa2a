/** Every text of the page in the reader's language. A missing translation is a type error. */

import { createContext, useContext } from "react";
import { common } from "./en/common";
import { common as commonZh } from "./zh/common";

export const en = { common };
export type Texts = typeof en;
const zh: Texts = { common: commonZh };

export type Language = "en" | "zh";
export const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };

export const TextsContext = createContext<Texts>(en);

export function useTexts(): Texts {
  return useContext(TextsContext);
}

/** The language that a preference means: `auto` is the first of the browser's that there is. */
export function languageFor(preference: "auto" | Language, browser: readonly string[]): Language {
  if (preference !== "auto") return preference;
  const known = browser.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || tag === "zh");
  return known === "zh" ? "zh" : "en";
}
