/** What a tool that writes files would change, read from its arguments: lines to show as a diff. Pure. */

import { diffLines } from "diff";
import type { Json } from "@parley/client";

export interface DiffLine {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
}

export interface ToolDiff {
  readonly path: string;
  /** `edit`: a passage is replaced. `write`: the whole file is what `lines` says. */
  readonly kind: "edit" | "write";
  readonly lines: readonly DiffLine[];
  readonly added: number;
  readonly removed: number;
}

const OLD = ["old", "old_string", "old_str", "old_text"] as const;
const NEW = ["new", "new_string", "new_str", "new_text"] as const;

// Beyond this a diff takes too long and nobody reads it; the plain arguments say the same.
const LONGEST_CHARS = 200_000;
const TIMEOUT_MS = 100;

/** Null for arguments that are no edit of a file. */
export function toolDiff(given: Json): ToolDiff | null {
  const path = given["path"] ?? given["file_path"];
  if (typeof path !== "string") return null;
  const [before, after] = [textOf(given, OLD), textOf(given, NEW)];
  if (before !== null && after !== null) return diff(path, "edit", before, after);
  const content = given["content"];
  return typeof content === "string" ? diff(path, "write", "", content) : null;
}

function diff(path: string, kind: ToolDiff["kind"], before: string, after: string): ToolDiff | null {
  if (before.length + after.length > LONGEST_CHARS) return null;
  const [from, to] = [ended(before), ended(after)];
  const parts = diffLines(from, to, { timeout: TIMEOUT_MS }) ?? [
    { value: from, added: false, removed: true },
    { value: to, added: true, removed: false },
  ];
  const lines = parts.flatMap(({ value, added, removed }) => {
    const lineKind = added ? "added" : removed ? "removed" : "same";
    return linesOf(value).map((text): DiffLine => ({ kind: lineKind, text }));
  });
  return { path, kind, lines, added: countOf(lines, "added"), removed: countOf(lines, "removed") };
}

/** A passage ends where it ends: its last line is no other for a line break that only one side has. */
function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** A line break at the end ends the last line and begins none. */
function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function countOf(lines: readonly DiffLine[], kind: DiffLine["kind"]): number {
  return lines.filter((line) => line.kind === kind).length;
}

function textOf(given: Json, names: readonly string[]): string | null {
  const found = names.map((name) => given[name]).find((value) => typeof value === "string");
  return typeof found === "string" ? found : null;
}
