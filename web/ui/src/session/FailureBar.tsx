/** Shown while the context is in error: what went wrong, and the way on without writing a new message. */

import { useState } from "react";
import type { ContextState } from "@parley/client";

interface Props {
  readonly state: ContextState;
  readonly connected: boolean;
  readonly onRetry: () => Promise<unknown>;
}

export function FailureBar({ state, connected, onRetry }: Props) {
  const [busy, setBusy] = useState(false);
  if (state.name !== "error") return null;
  const retry = () => {
    setBusy(true);
    void onRetry().finally(() => setBusy(false));
  };
  return (
    <div className="failure-bar">
      <span>{typeof state["message"] === "string" ? state["message"] : "The last run failed."}</span>
      <button type="button" onClick={retry} disabled={busy || !connected} data-testid="retry">
        Retry
      </button>
    </div>
  );
}
