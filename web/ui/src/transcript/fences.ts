/** Finds fenced code in a text, as far as it has come. Pure; the parts joined are the text again. */

export interface Part {
  readonly kind: "text" | "mark" | "code";
  readonly text: string;
}

// A fence begins a line and ends at the next one, or with the text: the reply may still be growing. The line break
// behind it is its own: the block of code breaks the line already.
const FENCE = /^(```[^\n`]*\n)([\s\S]*?)(^```[ \t]*(?:\n|(?![\s\S]))|(?![\s\S]))/gm;

export function partsOf(text: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: whole, 1: open = "", 2: code = "", 3: close = "", index } of text.matchAll(FENCE)) {
    parts.push({ kind: "text", text: text.slice(end, index) });
    parts.push({ kind: "mark", text: open }, { kind: "code", text: code }, { kind: "mark", text: close });
    end = index + whole.length;
  }
  parts.push({ kind: "text", text: text.slice(end) });
  return parts.filter((part) => part.text !== "");
}
