/** The open tabs, in the user state: whatever is done to them shows on every page of the user. */

import { useMemo } from "react";
import { useUserState } from "../lib/hooks";
import { moving, opening, ordered } from "./tabs";
import type { UserState, UserStatePatch, UserStateStore } from "@parley/client";

export interface Tabs {
  readonly order: readonly string[];
  /** Opens it if need be and remembers it as the last one looked at. */
  readonly open: (sessionId: string) => void;
  readonly close: (...sessionIds: readonly string[]) => void;
  /** To a place among the others, counted from 0. */
  readonly move: (sessionId: string, place: number) => void;
}

export function useTabs(store: UserStateStore): Tabs {
  const { tabs } = useUserState(store);
  return useMemo(
    () => ({
      order: ordered(tabs),
      open: (sessionId) => open(store, sessionId),
      close: (...sessionIds) => close(store, sessionIds),
      move: (sessionId, place) => void store.update(({ tabs: now }) => ({ tabs: moving(now, sessionId, place) })),
    }),
    [store, tabs],
  );
}

function open(store: UserStateStore, sessionId: string): void {
  const { tabs, lastSessionId } = store.value;
  if (sessionId in tabs && lastSessionId === sessionId) return;
  void store.update(({ tabs: now }) => ({ ...withTabs(now, opening(now, sessionId)), lastSessionId: sessionId }));
}

function close(store: UserStateStore, sessionIds: readonly string[]): void {
  if (!sessionIds.some((id) => id in store.value.tabs)) return;
  const change = Object.fromEntries(sessionIds.map((id) => [id, null]));
  void store.update(({ tabs, lastSessionId }) => ({
    ...withTabs(tabs, change),
    ...(lastSessionId !== null && sessionIds.includes(lastSessionId) ? { lastSessionId: null } : {}),
    // How far one had been read is of no use without its tab.
    ui: { seen: change },
  }));
}

/** A session is active for the user while a tab of it is open. */
function withTabs(tabs: UserState["tabs"], change: Readonly<Record<string, number | null>>): UserStatePatch {
  const after = Object.entries({ ...tabs, ...change }).filter(([, rank]) => rank !== null);
  return { tabs: change, activeSessions: after.map(([id]) => id).sort() };
}
