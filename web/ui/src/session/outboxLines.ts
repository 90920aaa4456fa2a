/** The outbox as lines to show. Pure. */

import type { OutboxEntry as Entry } from "@parley/client";
import type { Texts } from "../i18n/texts";
import type { OutboxEntry } from "./OutboxList";

export function outboxLines(entries: readonly Entry[], words: Texts["session"]["queue"]): readonly OutboxEntry[] {
  return entries.map(({ clientMessageId, content, payload, state, error }) => ({
    clientMessageId,
    text: lineOf(content ?? "", kindOf(payload), words),
    state: state === "failed" || state === "queued_offline" ? state : "sending",
    error: error?.message ?? null,
  }));
}

function lineOf(content: string, kind: string, words: Texts["session"]["queue"]): string {
  const text = content.replace(/\s+/g, " ").trim().slice(0, 200);
  const thing = kind === "image" ? words.image : kind === "file_reference" ? words.file : "";
  return [thing, text].filter((part) => part !== "").join(": ") || words.unknown;
}

function kindOf(payload: unknown): string {
  return ((payload ?? {}) as { readonly kind?: string }).kind ?? "";
}
