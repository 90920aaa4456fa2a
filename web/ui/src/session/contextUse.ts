/** How full the model's window was at the last request on this branch. Pure. */

import type { Message, Usage } from "@parley/client";

export interface ContextUse {
  readonly usage: Usage;
  /** The model that answered it. */
  readonly model: string;
  /** Read and written together: what the conversation takes of the window then. */
  readonly used: number;
}

interface Reply {
  readonly usage?: Usage | null;
  readonly model?: string;
}

/** A reply that only calls tools has its count in their request. Null while no reply with a count is among the messages at hand. */
export function contextUse(messages: readonly Message[]): ContextUse | null {
  const last = messages.findLast(({ payload }) => usageOf(payload) !== null);
  const usage = usageOf(last?.payload);
  if (usage === null) return null;
  const { model = "" } = last?.payload as Reply;
  return { usage, model, used: usage.inputTokens + usage.outputTokens };
}

function usageOf(payload: unknown): Usage | null {
  return ((payload ?? {}) as Reply).usage ?? null;
}
