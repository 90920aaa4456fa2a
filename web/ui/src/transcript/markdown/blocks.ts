/** Cuts a Markdown text into blocks that can be parsed one by one, so that a growing text costs its last block only.
 * Pure; the blocks joined are the text again. */

export interface Block {
  readonly text: string;
  /** Where it begins in the whole text: its identity for as long as the text only grows. */
  readonly start: number;
}

export interface Blocks {
  readonly text: string;
  readonly blocks: readonly Block[];
}

export const NO_BLOCKS: Blocks = { text: "", blocks: [] };

/** A list or a quote that is longer than this is cut at its next line: what is parsed at once stays bounded. */
const LONG_BLOCK = 4_000;
/** Short paragraphs go together: each block costs a little of its own. */
const SHORT_BLOCK = 300;

const FENCE = /^[ \t]*(`{3,}|~{3,})(.*)$/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const INDENTED = /^(?: {2,}|\t)/;

/** The blocks of `text`. Those of `before` are kept where `text` is `before.text` with more behind it. */
export function blocksOf(text: string, before: Blocks = NO_BLOCKS): Blocks {
  if (text === before.text) return before;
  const last = before.blocks.at(-1);
  const grown = last !== undefined && text.length > before.text.length && text.startsWith(before.text);
  const kept = grown ? before.blocks.slice(0, -1) : [];
  return { text, blocks: [...kept, ...cut(text, grown ? last.start : 0)] };
}

function cut(text: string, from: number): readonly Block[] {
  const blocks: Block[] = [];
  let start = from;
  let state: State = FRESH;
  for (let at = from; at < text.length; ) {
    const end = lineEnd(text, at);
    const line = text.slice(at, Math.min(end, at + LINE_LOOK)).trimEnd();
    if (at > start && begins(state, line, at - start)) {
      blocks.push({ text: text.slice(start, at), start });
      start = at;
      state = FRESH;
    }
    state = after(state, line);
    at = end;
  }
  if (start < text.length) blocks.push({ text: text.slice(start), start });
  return blocks;
}

// What a line is shows in its beginning.
const LINE_LOOK = 200;

interface State {
  /** The fence that is open, or null. */
  readonly fence: string | null;
  readonly list: boolean;
  readonly blank: boolean;
  /** The block is a closed fence: whatever follows is another one. */
  readonly over: boolean;
  readonly empty: boolean;
}

const FRESH: State = { fence: null, list: false, blank: false, over: false, empty: true };

function begins(state: State, line: string, length: number): boolean {
  if (state.fence !== null || state.empty || line === "") return false;
  if (state.over) return true;
  if (state.list) return (length > LONG_BLOCK && LIST_ITEM.test(line)) || leavesList(state, line);
  if (/^(?:```|~~~)/.test(line)) return true;
  if (length < SHORT_BLOCK) return state.blank && LIST_ITEM.test(line);
  return HEADING.test(line) || (state.blank && (length > LONG_BLOCK || !INDENTED.test(line)));
}

function leavesList(state: State, line: string): boolean {
  return state.blank ? !INDENTED.test(line) && !LIST_ITEM.test(line) : HEADING.test(line);
}

function after(state: State, line: string): State {
  if (line === "") return { ...state, blank: true };
  const [, mark = "", info = ""] = FENCE.exec(line) ?? [];
  const common = { ...state, blank: false, empty: false };
  if (state.fence !== null) {
    const closes = mark.startsWith(state.fence) && info.trim() === "";
    return closes ? { ...common, fence: null, over: !state.list } : common;
  }
  if (mark !== "" && !(mark.startsWith("`") && info.includes("`"))) return { ...common, fence: mark };
  const list = state.list || (state.empty && LIST_ITEM.test(line));
  return { ...common, list };
}

/** Behind the line break of the line that begins at `at`. */
function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}
