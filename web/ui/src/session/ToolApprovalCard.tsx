/** Asks whether a tool may run: which, what it can do, with which arguments. They can be changed before it runs. */

import { useId, useState } from "react";
import type { SubmitEvent } from "react";
import { parseObject } from "@parley/client";
import type { Answer, Approval, Json, Scope } from "@parley/client";
import { riskWords } from "../transcript/toolWords";

export interface CardProps {
  readonly approval: Approval;
  readonly disabled: boolean;
  readonly onAnswer: (answer: Omit<Answer, "sessionId" | "approvalId">) => void;
}

export function ToolApprovalCard({ approval, disabled, onAnswer }: CardProps) {
  const titleId = useId();
  const given = pretty(approval.arguments ?? {});
  const [text, setText] = useState(given);
  const [editing, setEditing] = useState(false);
  const changed = text === given ? null : parseObject(text);
  const broken = text !== given && changed === null;
  const approve = (scope: Scope) => {
    onAnswer(changed === null ? { decision: "approve", scope } : { decision: "edit", arguments: changed, scope });
  };
  return (
    <section aria-labelledby={titleId}>
      <h3 id={titleId}>
        Allow <code>{approval.tool}</code>?
      </h3>
      <p className="risk" data-risk={approval.risk}>
        {riskWords(approval.risk)}
      </p>
      <Arguments text={text} editing={editing} broken={broken} onEdit={() => setEditing(true)} onChange={setText} />
      <div className="card-actions">
        <button
          type="button"
          className="primary"
          disabled={disabled || broken}
          onClick={() => approve("once")}
          data-testid="approve-once"
        >
          {changed === null ? "Approve once" : "Approve changes once"}
        </button>
        {!approval.grantable ? null : (
          <button
            type="button"
            disabled={disabled || broken}
            onClick={() => approve("session")}
            data-testid="approve-session"
          >
            Approve for session
          </button>
        )}
        <Denial disabled={disabled} onAnswer={onAnswer} />
      </div>
    </section>
  );
}

interface ArgumentsProps {
  readonly text: string;
  readonly editing: boolean;
  readonly broken: boolean;
  readonly onEdit: () => void;
  readonly onChange: (text: string) => void;
}

function Arguments({ text, editing, broken, onEdit, onChange }: ArgumentsProps) {
  if (!editing) {
    return (
      <div className="arguments">
        <pre tabIndex={0} aria-label="Arguments">
          {text}
        </pre>
        <button type="button" className="quiet" onClick={onEdit} data-testid="edit-arguments">
          Edit
        </button>
      </div>
    );
  }
  return (
    <div className="arguments">
      <textarea
        autoFocus
        aria-label="Arguments as JSON"
        aria-invalid={broken}
        data-testid="arguments"
        spellCheck={false}
        rows={Math.min(16, text.split("\n").length + 1)}
        value={text}
        onChange={(event) => onChange(event.target.value)}
      />
      {broken && (
        <p className="refusal" role="alert">
          This is not a JSON object yet.
        </p>
      )}
    </div>
  );
}

function Denial({ disabled, onAnswer }: Omit<CardProps, "approval">) {
  const [reason, setReason] = useState("");
  const deny = (event: SubmitEvent) => {
    event.preventDefault();
    if (!disabled) onAnswer(reason.trim() === "" ? { decision: "deny" } : { decision: "deny", reason: reason.trim() });
  };
  return (
    <form className="denial" onSubmit={deny}>
      <input
        aria-label="Reason for denying (optional)"
        placeholder="Why not (optional)"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        data-testid="deny-reason"
      />
      <button type="submit" disabled={disabled} data-testid="deny">
        Deny
      </button>
    </form>
  );
}

function pretty(value: Json): string {
  return JSON.stringify(value, null, 2);
}
