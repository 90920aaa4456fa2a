/** One approval: a card to answer while it is pending, afterwards a quiet line that says who decided what. */

import { useRef } from "react";
import type { Approval } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { useAnswer, useAnswering } from "./answering";
import { answeredWords, askedWords } from "./approvalWords";
import { QuestionCard } from "./QuestionCard";
import { ToolApprovalCard } from "./ToolApprovalCard";

interface Props {
  readonly approval: Approval;
  /** The call was asked for in plan mode, maybe again. */
  readonly inPlan?: boolean;
}

/** Key it by the approval's id: what became of an answer outlives the card. */
export function ApprovalView({ approval, inPlan = false }: Props) {
  const { me } = useAnswering();
  const { approvals } = useTexts().session;
  const line = useRef<HTMLDivElement>(null);
  const { answer, refusal, disabled } = useAnswer(approval.id, () => line.current?.focus({ preventScroll: true }));
  const Card = approval.kind === "tool" ? ToolApprovalCard : QuestionCard;
  const pending = approval.state === "pending";
  const asked = askedWords(approval, inPlan, approvals);
  return (
    <div
      ref={line}
      tabIndex={-1}
      className={pending ? "approval card" : "approval quiet-line"}
      data-testid="approval"
      data-approval-id={approval.id}
      data-state={approval.state}
    >
      {pending ? (
        <Card approval={approval} asked={asked} disabled={disabled} onAnswer={answer} />
      ) : (
        <p>
          {asked !== null && <span className="asked">{asked}</span>}
          {answeredWords(approval, me, approvals)}
        </p>
      )}
      {refusal !== null && (
        <p className="refusal" role="alert" data-testid="approval-refusal">
          {refusal}
        </p>
      )}
    </div>
  );
}
