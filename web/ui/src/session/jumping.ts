/** The way to a message or a card: where it stands on the branch, and how it is brought into view. */

import { useCallback, useMemo, useState } from "react";
import type { HubClient, LiveSession } from "@parley/client";
import { attempt } from "../lib/attempt";
import { goTo, useAddress } from "../lib/address";
import type { Focus } from "../transcript/actions";

export interface Jump {
  /** Where the address, or the last jump, leads. */
  readonly focus: Focus | null;
  /** Goes to the message, wherever it stands on the active branch; does nothing for one that is not on it. */
  readonly jump: (messageId: string) => Promise<unknown>;
}

export function useJump(hub: HubClient, session: LiveSession): Jump {
  const { position } = useAddress();
  const [times, setTimes] = useState(0);
  // The same place a second time is a new wish.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const focus = useMemo(() => (position === null ? null : { position }), [position, times]);
  const jump = useCallback(
    (messageId: string) => {
      const go = (to: number | null) => {
        if (to === null) return;
        goTo(session.sessionId, to);
        setTimes((before) => before + 1);
      };
      return attempt(positionOf(hub, session, messageId).then(go));
    },
    [hub, session],
  );
  return { focus, jump };
}

/** From 1; looked for from the end, page by page, where the message is not at hand. */
async function positionOf(hub: HubClient, session: LiveSession, messageId: string): Promise<number | null> {
  const { snapshot, sessionId } = session;
  if (snapshot === null) return null;
  let first = snapshot.session.messageCount - snapshot.messages.length + 1;
  const here = snapshot.messages.findIndex(({ id }) => id === messageId);
  if (here >= 0) return first + here;
  while (first > 1) {
    const { messages, firstPosition } = await hub.rest.messagesBefore(sessionId, first);
    const at = messages.findIndex(({ id }) => id === messageId);
    if (at >= 0) return firstPosition + at;
    if (messages.length === 0) break;
    first = firstPosition;
  }
  return null;
}

/** Puts the focus on a card that is on the page; false when it is not there. */
export function focusApproval(approvalId: string): boolean {
  const card = document.querySelector<HTMLElement>(`[data-approval-id="${CSS.escape(approvalId)}"]`);
  const target = card?.querySelector<HTMLElement>("section") ?? card;
  if (target == null) return false;
  target.tabIndex = target.tabIndex >= 0 ? target.tabIndex : -1;
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
  return true;
}
