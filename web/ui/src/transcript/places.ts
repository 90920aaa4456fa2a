/** Finds where output names a place in a file (`src/a.ts:12:` at the beginning of a line). Pure. */

export interface PlacedText {
  /** `src/a.ts:12:`, or empty. */
  readonly place: string;
  readonly text: string;
}

const PLACE = /^[^\s:][^\n:]{0,200}:\d{1,7}(?::\d{1,5})?[:-]?/;
const MOST = 400;

/** The parts joined are the text again. After some hundred places the rest is one part. */
export function placesIn(text: string): readonly PlacedText[] {
  const parts: PlacedText[] = [];
  let plainFrom = 0;
  let at = 0;
  while (at < text.length && parts.length < MOST) {
    const end = lineEnd(text, at);
    const [place = ""] = PLACE.exec(text.slice(at, Math.min(end, at + 220))) ?? [];
    if (place !== "") {
      if (plainFrom < at) parts.push({ place: "", text: text.slice(plainFrom, at) });
      parts.push({ place, text: text.slice(at + place.length, end) });
      plainFrom = end;
    }
    at = end;
  }
  if (plainFrom < text.length) parts.push({ place: "", text: text.slice(plainFrom) });
  return parts;
}

/** How many places there are, and in how many files; null when it is not mostly places. */
export function placesCount(text: string): { readonly places: number; readonly files: number } | null {
  if (text.length > 200_000) return null;
  const found = text.split("\n").flatMap((line) => PLACE.exec(line.slice(0, 220))?.[0] ?? []);
  if (found.length < 2) return null;
  return { places: found.length, files: new Set(found.map((place) => place.split(":", 1)[0])).size };
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}
