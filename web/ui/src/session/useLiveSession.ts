/** The session that a page follows for as long as it is shown, and what there is of it to see. */

import { useEffect, useMemo } from "react";
import type { Hub, LiveSession, SessionView } from "@parley/client";
import { useSignal } from "../lib/hooks";
import { usePreferences } from "../lib/preferences";
import type { Preferences } from "../lib/preferences";

export function useFeedView(feed: LiveSession): SessionView {
  return useSignal(feed.changes, () => feed.view);
}

/** A session that is followed for as long as the component shows it; a component is keyed by it. */
export function useFeed(hub: Hub, sessionId: string): LiveSession {
  const mode = useDelivery();
  const feed = useMemo(() => hub.session(sessionId, { mode }), [hub, sessionId, mode]);
  useEffect(() => {
    feed.open();
    return () => feed.close();
  }, [feed]);
  return feed;
}

/** As the user prefers it; `?delivery=signal` in the address is for this page alone. */
function useDelivery(): Preferences["delivery"] {
  const { delivery } = usePreferences();
  const asked = new URLSearchParams(window.location.search).get("delivery");
  return asked === "push" || asked === "signal" ? asked : delivery;
}
