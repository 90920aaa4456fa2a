/** A question of the agent's, or that of a limit that was reached: answered with an option or in the user's words. */

import { useId } from "react";
import type { SubmitEvent } from "react";
import { useTexts } from "../../i18n/texts";
import { useKept } from "../memory";
import { Expiry } from "./Expiry";
import type { CardProps } from "./ToolApprovalCard";

export function QuestionCard({ approval, asked, disabled, onAnswer }: CardProps) {
  const { approvals } = useTexts().session;
  const titleId = useId();
  const [text, setText] = useKept(`answer ${approval.id}`, "");
  const limit = approval.kind === "limit";
  // A limit asks whether to go on; what is typed instead is told to the agent.
  const options = limit && approval.options.length === 0 ? [approvals.goOn] : approval.options;
  const respond = (reason: string) => onAnswer({ decision: "respond", reason });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!disabled && text.trim() !== "") respond(text.trim());
  };
  return (
    <section aria-labelledby={titleId}>
      <div className="card-head">
        <h2 id={titleId} className="question" dir="auto">
          {asked}
        </h2>
        {typeof approval.expiresAtUtc === "string" && <Expiry at={approval.expiresAtUtc} />}
      </div>
      <div className="card-actions">
        {options.map((option) => (
          <button
            type="button"
            key={option}
            disabled={disabled}
            onClick={() => respond(option)}
            data-testid="question-option"
          >
            {option}
          </button>
        ))}
        <form className="answer" onSubmit={submit}>
          <input
            aria-labelledby={titleId}
            placeholder={approvals.answerPlaceholder}
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-testid="question-answer"
          />
          <button type="submit" className="primary" disabled={disabled || text.trim() === ""}>
            {approvals.answer}
          </button>
        </form>
        <button
          type="button"
          className="quiet"
          disabled={disabled}
          onClick={() => onAnswer({ decision: "deny" })}
          data-testid="decline"
        >
          {limit ? approvals.stopHere : approvals.dontAnswer}
        </button>
      </div>
    </section>
  );
}
