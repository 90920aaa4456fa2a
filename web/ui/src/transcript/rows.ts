/** What stands in each row of the transcript. A row is a position of the branch; one more, at the end, is for what
 * waits. Pure. */

import type { Approval, Message } from "@parley/client";
import { askedBetween } from "./approvals/placement";
import type { PlacedApprovals } from "./approvals/placement";
import { goesOn } from "./heads";
import type { BranchHistory } from "./history";
import { requestBefore, resultsAfter } from "./pairing";

export interface RowContent {
  /** Undefined: not loaded yet. */
  readonly message: Message | undefined;
  /** Shown with the request that it answers: this row is empty. */
  readonly elsewhere: boolean;
  /** Of the message's calls. */
  readonly approvals: readonly Approval[];
  readonly results: readonly Message[];
  /** Answered questions that were asked before the message. */
  readonly questions: readonly Approval[];
  /** Goes on where the message before ended, and needs no head. */
  readonly continued: boolean;
}

const NONE: readonly never[] = [];
const EMPTY: RowContent = {
  message: undefined,
  elsewhere: false,
  approvals: NONE,
  results: NONE,
  questions: NONE,
  continued: false,
};

export function rowAt(history: BranchHistory, position: number, approvals: PlacedApprovals): RowContent {
  const message = history.at(position);
  if (message === undefined) return EMPTY;
  const questions = questionsBefore(history, position, message, approvals);
  return {
    message,
    elsewhere: requestBefore(history.at, position) !== null,
    approvals: approvals.ofMessage.get(message.id) ?? NONE,
    results: resultsAfter(history.at, position),
    questions,
    continued: questions.length === 0 && goesOn(history.at(position - 1), message),
  };
}

/** What was asked after the last message, and answered. */
export function questionsAtEnd(history: BranchHistory, { answered }: PlacedApprovals): readonly Approval[] {
  const last = history.at(history.length);
  return askedBetween(answered, last?.createdAtUtc ?? "", "~");
}

/** None while the message before is not loaded: they may stand further up. */
function questionsBefore(
  history: BranchHistory,
  position: number,
  { createdAtUtc }: Message,
  { answered }: PlacedApprovals,
): readonly Approval[] {
  const before = history.at(position - 1);
  if (before === undefined && position > 1) return NONE;
  return askedBetween(answered, before?.createdAtUtc ?? "", createdAtUtc);
}

/** Whether two contents look the same: then the row is not drawn again. */
export function sameRow(one: RowContent, other: RowContent): boolean {
  return (
    one.message === other.message &&
    one.elsewhere === other.elsewhere &&
    one.continued === other.continued &&
    sameItems(one.approvals, other.approvals) &&
    sameItems(one.results, other.results) &&
    sameItems(one.questions, other.questions)
  );
}

function sameItems(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one === other || (one.length === other.length && one.every((item, index) => item === other[index]));
}
