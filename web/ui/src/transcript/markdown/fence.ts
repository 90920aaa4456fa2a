/** Reads a block that is a fence of code, as far as it has come. No limits: nothing in it is parsed. Pure. */

export interface Fence {
  readonly language: string;
  readonly code: string;
  readonly closed: boolean;
}

const OPEN = /^(`{3,}|~{3,})([^\n]*)(?:\n|$)/;

/** Null when the block is no fence that begins at its first column. */
export function fenceOf(block: string): Fence | null {
  const [whole, mark = "", info = ""] = OPEN.exec(block) ?? [];
  if (whole === undefined || (mark.startsWith("`") && info.includes("`"))) return null;
  const body = block.slice(whole.length).trimEnd();
  const lastLine = body.slice(body.lastIndexOf("\n") + 1).trim();
  const closed = lastLine.startsWith(mark) && lastLine === (mark[0] ?? "").repeat(lastLine.length);
  const code = closed ? body.slice(0, body.length - lastLine.length) : block.slice(whole.length);
  return { language: languageOf(info), code: code.replace(/\n[ \t]*$/, ""), closed };
}

/** The first word behind the fence: `ts title="a.ts"` is ts. */
export function languageOf(info: string): string {
  return (/^\s*([^\s{,:]{1,40})/.exec(info)?.[1] ?? "").toLowerCase();
}
