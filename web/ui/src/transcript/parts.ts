/** The beginning of a text, cut where it hurts least. Pure. */

// A little more than the limit is shown whole: a button for a few words would be silly.
const SLACK = 1.1;
const LOOK_BACK = 2_000;
/** A line costs an element or several, however short it is: so many characters count for each. */
const CHARS_PER_LINE = 40;

/** At most about `limit` characters, or lines that cost as much: up to the end of a line where there is one near, never through a character. */
export function partOf(text: string, limit: number): string {
  const lines = firstLines(text, Math.ceil(limit / CHARS_PER_LINE));
  if (lines !== null && lines.length < limit) return lines;
  if (text.length <= limit * SLACK) return text;
  const line = text.lastIndexOf("\n", limit);
  if (line > limit - LOOK_BACK && line > 0) return text.slice(0, line + 1);
  return text.slice(0, isLowSurrogate(text.charCodeAt(limit)) ? limit - 1 : limit);
}

/** Null when there are not more than `count`, or hardly more. */
function firstLines(text: string, count: number): string | null {
  const end = behindLine(text, 0, count);
  return end === null || behindLine(text, end, Math.ceil(count * (SLACK - 1))) === null ? null : text.slice(0, end);
}

/** The place behind so many line breaks; null when there are fewer. */
function behindLine(text: string, from: number, count: number): number | null {
  let at = from;
  for (let line = 0; line < count; line += 1) {
    at = text.indexOf("\n", at) + 1;
    if (at === 0) return null;
  }
  return at;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
