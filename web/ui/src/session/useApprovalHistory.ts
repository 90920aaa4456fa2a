/** The approvals that were answered before a page began to follow its session. */

import { useEffect, useState } from "react";
import type { Approval, ApprovalList, HubClient } from "@parley/client";

const NO_APPROVALS: readonly Approval[] = [];

/** What was answered before the snapshot was taken, read again with each fresh one. Without it the calls' own words
 * are all there is to show, so a failure is left at that. */
export function useApprovalHistory(hub: HubClient, sessionId: string, takenAt: string | null): readonly Approval[] {
  const [history, setHistory] = useState(NO_APPROVALS);
  useEffect(() => {
    if (takenAt === null) return;
    let wanted = true;
    const keep = ({ approvals }: ApprovalList) => wanted && setHistory(approvals);
    hub.rest.approvals(sessionId).then(keep, () => undefined);
    return () => {
      wanted = false;
    };
  }, [hub, sessionId, takenAt]);
  return history;
}
