/** Reads the payloads of tool messages. What was cut from the wire, or is not there, reads as empty. Pure. */

import type { Approval, Json, Message, ToolCall, ToolResult } from "./wire.ts";

export function callsOf({ payload }: Message): readonly ToolCall[] {
  return (partsOf(payload)["calls"] as readonly ToolCall[] | undefined) ?? [];
}

/** A result whose body has not been pulled yet has its tool's name from the message's author. */
export function resultOf({ payload, author, content }: Message): ToolResult {
  const empty = { callId: "", status: "ok", output: "", error: null, durationMs: 0 } as const;
  const result: ToolResult = { ...empty, name: author === "" ? "tool" : author, ...partsOf(payload) };
  return result.output === "" ? { ...result, output: content } : result;
}

/** The object that a text is as JSON; null when it is none. */
export function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function partsOf(payload: unknown): Json {
  return isObject(payload) ? payload : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The approval with the arguments that it was too small for: nobody should allow what isn't shown. */
export function withArguments(approval: Approval, call: ToolCall): Approval {
  return approval.truncated === true ? { ...approval, arguments: call.arguments } : approval;
}
