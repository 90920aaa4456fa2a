/** The beginning of a text, cut where it hurts least. Pure. */

// A little more than the limit is shown whole: a button for a few words would be silly.
const SLACK = 1.1;
const LOOK_BACK = 2_000;

/** At most about `limit` characters: up to the end of a line where there is one near, never through a character. */
export function partOf(text: string, limit: number): string {
  if (text.length <= limit * SLACK) return text;
  const line = text.lastIndexOf("\n", limit);
  if (line > limit - LOOK_BACK && line > 0) return text.slice(0, line + 1);
  return text.slice(0, isLowSurrogate(text.charCodeAt(limit)) ? limit - 1 : limit);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
