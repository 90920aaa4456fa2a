/** Makes JSON readable. Pure. */

// Setting out more than this takes longer than a reader notices.
const LONGEST = 200_000;
const BEGINS = /^\s*[[{]/;

/** The text set out with indentation, or null when it is no JSON object or list, or too long. */
export function prettyJson(text: string): string | null {
  if (text.length > LONGEST || !BEGINS.test(text)) return null;
  try {
    return pretty(JSON.parse(text));
  } catch {
    return null;
  }
}

export function pretty(value: unknown): string {
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    // Nested deeper than the engine can follow.
    return String(value);
  }
}
