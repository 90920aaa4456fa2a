/** Asks whether a tool may run: which, what it can do, with which arguments. They can be changed before it runs. */

import { useId } from "react";
import type { KeyboardEvent, SubmitEvent } from "react";
import { ShieldAlert, ShieldCheck } from "lucide-react";
import type { Approval, Json, Scope } from "@parley/client";
import { useTexts } from "../../i18n/texts";
import { useKept } from "../memory";
import type { Given } from "./answering";
import { riskWords } from "./approvalWords";
import { Arguments } from "./Arguments";
import { Expiry } from "./Expiry";

export interface CardProps {
  readonly approval: Approval;
  /** What is asked, or why a tool is asked for again. */
  readonly asked: string | null;
  readonly disabled: boolean;
  readonly onAnswer: (answer: Given) => void;
}

export function ToolApprovalCard({ approval, asked, disabled, onAnswer }: CardProps) {
  const { approvals } = useTexts().session;
  const titleId = useId();
  const given = approval.arguments ?? {};
  const [edited, setEdited] = useKept<Json | null>(`edited ${approval.id}`, given);
  const broken = edited === null;
  const changed = edited !== null && JSON.stringify(edited) !== JSON.stringify(given);
  const approve = (scope: Scope) => {
    if (disabled || broken) return;
    onAnswer(changed ? { decision: "edit", arguments: edited, scope } : { decision: "approve", scope });
  };
  const deny = (reason: string) => {
    if (!disabled) onAnswer(reason === "" ? { decision: "deny" } : { decision: "deny", reason });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isTyping(event)) return;
    if (event.key === "a") approve("once");
    if (event.key === "d") deny("");
  };
  return (
    <section
      aria-labelledby={titleId}
      aria-description={approvals.keys}
      aria-keyshortcuts="a d"
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div className="card-head">
        <h2 id={titleId}>
          {approvals.allowBefore} <code>{approval.tool}</code>
          {approvals.allowAfter}
        </h2>
        {typeof approval.expiresAtUtc === "string" && <Expiry at={approval.expiresAtUtc} />}
      </div>
      {asked !== null && (
        <p className="asked" data-testid="asked-again">
          {asked}
        </p>
      )}
      <Risk risk={approval.risk} />
      <Arguments id={approval.id} tool={approval.tool ?? ""} given={given} onChange={setEdited} />
      <div className="card-actions">
        <button
          type="button"
          className="primary"
          disabled={disabled || broken}
          onClick={() => approve("once")}
          data-testid="approve-once"
        >
          {changed ? approvals.approveChangesOnce : approvals.approveOnce}
        </button>
        {!approval.grantable ? null : (
          <button
            type="button"
            disabled={disabled || broken}
            onClick={() => approve("session")}
            data-testid="approve-session"
          >
            {approvals.approveSession}
          </button>
        )}
        <Denial id={approval.id} disabled={disabled} onDeny={deny} />
      </div>
    </section>
  );
}

function Risk({ risk }: { risk: string | null }) {
  const { approvals } = useTexts().session;
  const Icon = risk === "read_only" ? ShieldCheck : ShieldAlert;
  return (
    <p className="risk" data-risk={risk}>
      <Icon size={14} aria-hidden="true" />
      {riskWords(risk, approvals)}
    </p>
  );
}

interface DenialProps {
  readonly id: string;
  readonly disabled: boolean;
  readonly onDeny: (reason: string) => void;
}

function Denial({ id, disabled, onDeny }: DenialProps) {
  const { approvals } = useTexts().session;
  const [reason, setReason] = useKept(`reason ${id}`, "");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onDeny(reason.trim());
  };
  return (
    <form className="denial" onSubmit={submit}>
      <input
        aria-label={approvals.denyReason}
        placeholder={approvals.denyPlaceholder}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        data-testid="deny-reason"
      />
      <button type="submit" disabled={disabled} data-testid="deny">
        {approvals.deny}
      </button>
    </form>
  );
}

/** In a field a letter is a letter, and with a modifier it is the browser's. */
function isTyping({ target, ctrlKey, metaKey, altKey, nativeEvent }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || nativeEvent.isComposing) return true;
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
