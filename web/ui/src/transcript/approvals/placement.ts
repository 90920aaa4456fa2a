/** Where approvals stand in the transcript: those of tools with their call, questions between the messages. Pure. */

import type { Approval } from "@parley/client";

export interface PlacedApprovals {
  /** By the id of the message whose calls they are about. */
  readonly ofMessage: ReadonlyMap<string, readonly Approval[]>;
  /** Questions that were answered, by the time at which they were asked. */
  readonly answered: readonly Approval[];
  /** Questions that wait for an answer. They stand at the end, where they are seen. */
  readonly waiting: readonly Approval[];
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

export function placed(approvals: readonly Approval[]): PlacedApprovals {
  const questions = approvals.filter(({ kind }) => kind !== "tool");
  return {
    ofMessage: byMessage(approvals),
    answered: questions.filter(({ state }) => state !== "pending").sort(byTime),
    waiting: questions.filter(({ state }) => state === "pending"),
  };
}

/** What was asked about one call, in the order of asking: a call that was allowed may be asked for again. */
export function approvalsOf(callId: string, approvals: readonly Approval[]): readonly Approval[] {
  return approvals.filter((each) => each.callId === callId).sort(byTime);
}

/** Those of `answered` that were asked at `from` or later, and before `to`. */
export function askedBetween(answered: readonly Approval[], from: string, to: string): readonly Approval[] {
  const found = answered.filter(({ requestedAtUtc }) => requestedAtUtc >= from && requestedAtUtc < to);
  return found.length === 0 ? NONE : found;
}

const NONE: readonly Approval[] = [];

function byMessage(approvals: readonly Approval[]): ReadonlyMap<string, readonly Approval[]> {
  const found = new Map<string, Approval[]>();
  for (const approval of approvals) {
    if (approval.messageId === null) continue;
    const others = found.get(approval.messageId);
    if (others === undefined) found.set(approval.messageId, [approval]);
    else others.push(approval);
  }
  return found;
}

function byTime(one: Approval, other: Approval): number {
  return Number(one.requestedAtUtc > other.requestedAtUtc) - Number(one.requestedAtUtc < other.requestedAtUtc);
}
