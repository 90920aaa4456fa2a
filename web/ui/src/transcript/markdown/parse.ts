/** One block of Markdown as tokens, by `marked`. What would take long to parse, or nests without end, is plain text. */

import { Lexer } from "marked";
import type { Token } from "marked";

/** Null: show it as it is written. */
export type Parsed = readonly Token[] | null;

const LONGEST = 20_000;
const COLUMNS_MAX = 200;
const NESTING_MAX = 24;
/** Marks × characters, per paragraph: the parser looks at the whole of it again for each mark. So much costs it some
 * ten milliseconds, and no text that was written to be read comes near. */
const PARAGRAPH_COST_MAX = 500_000;
const BLOCK_COST_MAX = 1_500_000;

const MARK = /[[\]()*_~`<&!\\@:]/g;
const BEGINS_PARAGRAPH = /^[ \t]*(?:$|[-*+>|]|\d{1,9}[.)])/;
const NESTED = /^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*){25}/m;

export function parse(text: string, breaks: boolean): Parsed {
  if (isTooMuch(text)) return null;
  try {
    const tokens = Lexer.lex(text, { gfm: true, breaks });
    return isTooDeep(tokens, NESTING_MAX) ? null : tokens;
  } catch {
    return null;
  }
}

function isTooMuch(text: string): boolean {
  if (text.length > LONGEST || NESTED.test(text)) return true;
  const lines = text.split("\n");
  if (lines.some((line) => line.length > COLUMNS_MAX && count(line, /\|/g) > COLUMNS_MAX)) return true;
  const costs = paragraphsOf(lines).map((paragraph) => paragraph.length * count(paragraph, MARK));
  return costs.some((cost) => cost > PARAGRAPH_COST_MAX) || sum(costs) > BLOCK_COST_MAX;
}

/** Roughly what the parser takes for one run of inline text. */
function paragraphsOf(lines: readonly string[]): readonly string[] {
  const starts = lines.flatMap((line, at) => (at === 0 || BEGINS_PARAGRAPH.test(line) ? [at] : []));
  return starts.map((start, index) => lines.slice(start, starts[index + 1]).join("\n"));
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0);
}

interface Nesting {
  readonly tokens?: readonly Token[];
  readonly items?: readonly Token[];
}

function isTooDeep(tokens: readonly Token[], left: number): boolean {
  if (left === 0) return true;
  return tokens.some((token) => {
    const { tokens: inner = [], items = [] } = token as Nesting;
    return isTooDeep([...inner, ...items], left - 1);
  });
}
