/** Shown while the context is in error: what went wrong, and the ways on without writing a new message. */

import { useState } from "react";
import type { ContextState } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { readableError } from "../i18n/words";

interface Props {
  readonly state: ContextState;
  readonly connected: boolean;
  readonly onRetry: () => Promise<unknown>;
  /** Null where the last words of the user are not at hand. */
  readonly onEditAndResend: (() => void) | null;
}

export function FailureBar({ state, connected, onRetry, onEditAndResend }: Props) {
  const { failure } = useTexts().session;
  const [busy, setBusy] = useState(false);
  if (state.name !== "error") return null;
  const retry = () => {
    setBusy(true);
    void onRetry().finally(() => setBusy(false));
  };
  return (
    <div className="failure-bar" data-testid="failure">
      <span>{typeof state["message"] === "string" ? readableError(state["message"]) : failure.lastRunFailed}</span>
      {onEditAndResend !== null && (
        <button type="button" className="quiet" onClick={onEditAndResend} disabled={!connected}>
          {failure.editAndResend}
        </button>
      )}
      <button type="button" onClick={retry} disabled={busy || !connected} data-testid="retry">
        {failure.retry}
      </button>
    </div>
  );
}
