/** Tools' arguments and outputs in one line. Pure. */

import type { ToolCall } from "@parley/client";

const LINE_CHARS = 160;
// Only the beginning is looked at: an output can be megabytes.
const LOOK_CHARS = 2_000;

/** The first line that says something, cut to what a line can hold. */
export function firstLine(text: string): string {
  const line = text.slice(0, LOOK_CHARS).split("\n").find((each) => each.trim() !== "") ?? "";
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line;
}

/** The arguments in one line: `path: a.py, line: 3`. One alone goes without its name. */
export function argumentsLine(call: Pick<ToolCall, "arguments" | "rawArguments">): string {
  if (typeof call.rawArguments === "string") return firstLine(call.rawArguments);
  const entries = Object.entries(call.arguments).slice(0, 12);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return firstLine(shortValue(only[1]));
  return firstLine(entries.map(([name, value]) => `${name}: ${shortValue(value)}`).join(", "));
}

function shortValue(value: unknown): string {
  if (typeof value === "string") return value.slice(0, LINE_CHARS + 1).split("\n", 1)[0] ?? "";
  if (typeof value !== "object" || value === null) return String(value);
  // What is inside is seen when the line is opened: here it would cost time for nothing.
  return Array.isArray(value) ? `[${value.length}]` : "{…}";
}
