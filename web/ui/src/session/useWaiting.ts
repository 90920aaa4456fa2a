/** Which of several waiting questions is being looked at, and the way to the next. */

import { useState } from "react";
import type { Approval } from "@parley/client";

export interface Waiting {
  /** From 0; -1 while none was looked at. */
  readonly at: number;
  readonly count: number;
  readonly step: (by: 1 | -1) => void;
}

export function useWaiting(approvals: readonly Approval[], onShow: (approval: Approval) => void): Waiting {
  const [shown, setShown] = useState<string | null>(null);
  const at = approvals.findIndex(({ id }) => id === shown);
  const step = (by: 1 | -1) => {
    const from = at < 0 && by < 0 ? 0 : at;
    const next = approvals.at((from + by) % approvals.length);
    if (next === undefined) return;
    setShown(next.id);
    onShow(next);
  };
  return { at, count: approvals.length, step };
}
