/** The session that a page follows for as long as it is shown, and what there is of it to see. */

import { useEffect, useMemo } from "react";
import type { HubClient, LiveSession, SessionView } from "@parley/client";
import { useSignal } from "../lib/hooks";
import { usePreferences } from "../lib/preferences";
import type { Preferences } from "../lib/preferences";

/** A session that is followed for as long as the component shows it; a component is keyed by it. */
export function useLiveSession(hub: HubClient, sessionId: string): LiveSession {
  const mode = useDelivery();
  const session = useMemo(() => hub.session(sessionId, { mode }), [hub, sessionId, mode]);
  useEffect(() => {
    session.open();
    return () => session.close();
  }, [session]);
  return session;
}

export function useSessionView(session: LiveSession): SessionView {
  return useSignal(session.changes, () => session.view);
}

/** As the user prefers it; `?delivery=signal` in the address is for this page alone. */
function useDelivery(): Preferences["delivery"] {
  const { delivery } = usePreferences();
  const asked = new URLSearchParams(window.location.search).get("delivery");
  return asked === "push" || asked === "signal" ? asked : delivery;
}
