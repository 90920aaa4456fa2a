/** Durations and sizes as the transcript writes them. */

import type { Texts } from "../i18n/texts";

type Words = Texts["transcript"];

export function duration(ms: number, words: Words): string {
  if (ms < 1_000) return words.milliseconds(Math.round(ms));
  if (ms < 60_000) return words.seconds((ms / 1_000).toFixed(1));
  const seconds = Math.round(ms / 1_000);
  return words.minutes(Math.floor(seconds / 60), seconds % 60);
}

/** Characters stand for bytes: near enough to decide whether to look. */
export function size(chars: number): string {
  if (chars < 1_000) return `${chars} B`;
  if (chars < 1_000_000) return `${Math.ceil(chars / 1_000)} KB`;
  return `${(chars / 1_000_000).toFixed(1)} MB`;
}
