/** What stands where in the transcript: messages, and between them the questions that were put to the user. Pure. */

import type { Approval, Message } from "@parley/client";

export type Entry =
  | { readonly kind: "message"; readonly message: Message; readonly approvals: readonly Approval[] }
  | { readonly kind: "question"; readonly approval: Approval };

const NONE: readonly Approval[] = [];

/** Approvals by the message whose calls they are about; the same arrays for as long as `approvals` is the same. */
export function byMessage(approvals: readonly Approval[]): ReadonlyMap<string, readonly Approval[]> {
  const found = new Map<string, Approval[]>();
  for (const approval of approvals) {
    if (approval.messageId === null) continue;
    const others = found.get(approval.messageId);
    if (others === undefined) found.set(approval.messageId, [approval]);
    else others.push(approval);
  }
  return found;
}

/** Every approval once. Later news win; what `history` calls pending may have been answered since. */
export function allApprovals(
  pending: readonly Approval[],
  answered: readonly Approval[],
  history: readonly Approval[],
): readonly Approval[] {
  const settled = history.filter(({ state }) => state !== "pending");
  return [...new Map([...settled, ...pending, ...answered].map((each) => [each.id, each])).values()];
}

/** Answered questions stand where they were asked, pending ones at the end, where they are seen. */
export function timeline(
  messages: readonly Message[],
  approvals: readonly Approval[],
  tools: ReadonlyMap<string, readonly Approval[]>,
  whole: boolean,
): readonly Entry[] {
  const waiting = approvals.filter(({ kind, state }) => kind !== "tool" && state === "pending");
  const answered = approvals.filter(({ kind, state }) => kind !== "tool" && state !== "pending");
  // Before the first message that is loaded there may be others, which a question would stand in front of.
  const start = whole ? "" : (messages[0]?.createdAtUtc ?? "");
  const asked = answered.filter((each) => each.requestedAtUtc >= start).sort(byTime);
  const entries: Entry[] = [];
  for (const message of messages) {
    while (asked[0] !== undefined && asked[0].requestedAtUtc < message.createdAtUtc) {
      entries.push(questionEntry(asked.shift() as Approval));
    }
    entries.push({ kind: "message", message, approvals: tools.get(message.id) ?? NONE });
  }
  return [...entries, ...asked.map(questionEntry), ...waiting.map(questionEntry)];
}

function questionEntry(approval: Approval): Entry {
  return { kind: "question", approval };
}

function byTime(one: Approval, other: Approval): number {
  return one.requestedAtUtc < other.requestedAtUtc ? -1 : 1;
}
