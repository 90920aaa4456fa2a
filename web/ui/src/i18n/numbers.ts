/** Numbers as a reader's language writes them. Pure. */

import type { Texts } from "./texts";

type DurationWords = Texts["session"]["duration"];

/** How long something takes or took, in whole seconds: `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function durationText(ms: number, words: DurationWords): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return words.seconds(seconds);
  if (minutes < 60) return words.minutes(minutes, seconds % 60);
  return words.hours(Math.floor(minutes / 60), minutes % 60);
}

/** `950`, `12.3K`: for a glance. */
export function compactNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** Every digit of it. */
export function wholeNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value);
}

export function percent(part: number, locale: string): string {
  return new Intl.NumberFormat(locale, { style: "percent" }).format(part);
}

/** `640 kB`, `1.2 MB`. */
export function bytesText(bytes: number, locale: string): string {
  const [value, unit] = bytes < 1_000_000 ? [Math.max(1, bytes / 1_000), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits }).format(value);
}
