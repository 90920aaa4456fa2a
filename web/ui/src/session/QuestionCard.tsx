/** A question of the agent's, or that of a limit that was reached: answered with an option or in the user's words. */

import { useId, useState } from "react";
import type { SubmitEvent } from "react";
import type { CardProps } from "./ToolApprovalCard";

// A limit asks whether to go on; what is typed instead is told to the agent.
const LIMIT_OPTIONS = ["Go on"];

export function QuestionCard({ approval, disabled, onAnswer }: CardProps) {
  const titleId = useId();
  const [text, setText] = useState("");
  const options = approval.kind === "limit" && approval.options.length === 0 ? LIMIT_OPTIONS : approval.options;
  const respond = (reason: string) => onAnswer({ decision: "respond", reason });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!disabled && text.trim() !== "") respond(text.trim());
  };
  return (
    <section aria-labelledby={titleId}>
      <h3 id={titleId} className="question" dir="auto">
        {approval.question}
      </h3>
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
            placeholder="Your answer"
            value={text}
            onChange={(event) => setText(event.target.value)}
            data-testid="question-answer"
          />
          <button type="submit" className="primary" disabled={disabled || text.trim() === ""}>
            Answer
          </button>
        </form>
        <button
          type="button"
          className="quiet"
          disabled={disabled}
          onClick={() => onAnswer({ decision: "deny" })}
          data-testid="decline"
        >
          {approval.kind === "limit" ? "Stop here" : "Don’t answer"}
        </button>
      </div>
    </section>
  );
}
