/** How far the user has seen each open session, on whichever page, and which have news since. */

import { useEffect, useMemo } from "react";
import type { Sessions } from "@parley/client";
import { useUserState } from "../lib/hooks";
import type { UserState, UserStateStore } from "@parley/client";

/** Longer than it takes to switch past a session. */
const LOOKED_MS = 1_000;

/** Keeps it up for the session that is shown; returns the ids of tabs with news. */
export function useSeen(store: UserStateStore, sessions: Sessions, selected: string | null): ReadonlySet<string> {
  const state = useUserState(store);
  const head = selected === null ? undefined : sessions.get(selected)?.head;
  useEffect(() => {
    if (selected === null || head === undefined) return;
    const keep = () => {
      if (document.visibilityState !== "visible" || head <= (seenOf(store.value)[selected] ?? 0)) return;
      void store.update({ ui: { seen: { [selected]: head } } });
    };
    const timer = setTimeout(keep, LOOKED_MS);
    document.addEventListener("visibilitychange", keep);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", keep);
    };
  }, [store, selected, head]);
  return useMemo(() => unreadOf(state, sessions, selected), [state, sessions, selected]);
}

/** A session that was never looked at has nothing new in it: it is new itself. */
export function unreadOf(
  state: Pick<UserState, "tabs" | "ui">,
  sessions: Sessions,
  selected: string | null,
): ReadonlySet<string> {
  const seen = seenOf(state);
  const hasNews = (id: string) => {
    const upTo = seen[id];
    return upTo !== undefined && (sessions.get(id)?.head ?? 0) > upTo;
  };
  return new Set(Object.keys(state.tabs).filter((id) => id !== selected && hasNews(id)));
}

export function seenOf({ ui }: Pick<UserState, "ui">): Readonly<Record<string, number>> {
  const seen = ui["seen"];
  return typeof seen === "object" && seen !== null ? (seen as Readonly<Record<string, number>>) : {};
}
