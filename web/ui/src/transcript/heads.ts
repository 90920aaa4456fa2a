/** Which messages need a head that says who wrote them, and when. Pure. */

import type { Message } from "@parley/client";

/** These say by themselves what they are, in a line of their own. */
const HEADLESS = new Set(["system_control", "processing"]);
const MOMENT_MS = 5 * 60_000;

export function isQuiet({ messageType, kind }: Message): boolean {
  return messageType === "tool" || HEADLESS.has(kind);
}

/** The agent goes on a moment after its own last message: its name stands there already. */
export function goesOn(before: Message | undefined, message: Message): boolean {
  if (before === undefined || message.role !== "agent" || isQuiet(before) || before.role !== message.role) return false;
  const pauseMs = Date.parse(message.createdAtUtc) - Date.parse(before.createdAtUtc);
  return before.author === message.author && pauseMs < MOMENT_MS;
}
