/** A message in one line, for lists of them. Pure. */

import { callsOf, resultOf } from "@parley/client";
import type { Message } from "@parley/client";

const LINE_CHARS = 120;

export function messageLine(message: Message): string {
  const line = wordsOf(message).slice(0, 4 * LINE_CHARS).replace(/\s+/g, " ").trim();
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line || message.kind.replaceAll("_", " ");
}

function wordsOf(message: Message): string {
  switch (message.kind) {
    case "tool_request":
    case "mcp_tool_request":
      return callsOf(message).map(({ name }) => name).join(", ");
    case "tool_result":
    case "mcp_tool_result": {
      const { name, output } = resultOf(message);
      return `${name}: ${output}`;
    }
    default:
      return message.content;
  }
}
