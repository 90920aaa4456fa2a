/** The sessions behind the open tabs: from the live list, and those it does not reach read one by one. */

import { useEffect, useMemo, useRef, useState } from "react";
import { CallError } from "@parley/client";
import type { HubClient, Session, Sessions } from "@parley/client";
import { useConnectionState, useSessions } from "../lib/hooks";

const NONE: Sessions = new Map();

/** `onGone` is told of a session that does not exist any more and is not the one that is shown, which says so itself. */
export function useTabSessions(
  hub: HubClient,
  order: readonly string[],
  selected: string | null,
  onGone: (id: string) => void,
): Sessions {
  const all = useSessions(hub.all);
  const [before] = useState(all);
  const [read, setRead] = useState(NONE);
  const connected = useConnectionState(hub) === "connected";
  const asked = useRef(new Set<string>());
  const gone = useRef(onGone);
  useEffect(() => {
    gone.current = (id) => id !== selected && onGone(id);
  });
  // Before the list has come, nothing is known to be missing from it.
  const missing = all === before || !connected ? "" : order.filter((id) => !all.has(id) && !read.has(id)).join(" ");
  useEffect(() => {
    const wanted = missing.split(" ").filter((id) => id !== "" && !asked.current.has(id));
    for (const id of wanted) asked.current.add(id);
    const keep = (session: Session) => setRead((known) => new Map(known).set(session.id, session));
    void readEach(hub, wanted, keep, (id) => gone.current(id)).then((failed) =>
      failed.forEach((id) => asked.current.delete(id)),
    );
    // Asked again when another one is shown: then the one that was shown may go.
  }, [hub, missing, selected]);
  return useMemo(() => new Map([...read, ...all]), [read, all]);
}

/** One after the other: there may be many tabs. Resolves with those that could not be read just now. */
async function readEach(
  hub: HubClient,
  ids: readonly string[],
  onRead: (session: Session) => void,
  onGone: (id: string) => void,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const id of ids) {
    try {
      onRead(await hub.rest.session(id));
    } catch (error) {
      if (error instanceof CallError && error.code === "session_not_found") onGone(id);
      failed.push(id);
    }
  }
  return failed;
}
