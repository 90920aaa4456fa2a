/** The open tabs, in the user state: whatever is done to them shows on every page of the user. */

import { useMemo } from "react";
import { useSignal } from "./hooks";
import { moving, opening, ordered } from "./tabs";
import type { UserState, UserStateStore } from "./userState";

export interface Tabs {
  readonly order: readonly string[];
  /** Opens it if need be and remembers it as the last one looked at. */
  readonly open: (sessionId: string) => void;
  readonly close: (...sessionIds: readonly string[]) => void;
  /** To a place among the others, counted from 0. */
  readonly move: (sessionId: string, place: number) => void;
}

export function useUserState(store: UserStateStore): UserState {
  return useSignal(store.changes, () => store.value);
}

export function useTabs(store: UserStateStore): Tabs {
  const { tabs } = useUserState(store);
  return useMemo(
    () => ({
      order: ordered(tabs),
      open: (sessionId) => open(store, sessionId),
      close: (...sessionIds) => close(store, sessionIds),
      move: (sessionId, place) => void store.update({ tabs: moving(store.value.tabs, sessionId, place) }),
    }),
    [store, tabs],
  );
}

function open(store: UserStateStore, sessionId: string): void {
  const { tabs, lastSessionId } = store.value;
  const change = opening(tabs, sessionId);
  if (Object.keys(change).length > 0) store.update({ ...withTabs(tabs, change), lastSessionId: sessionId });
  else if (lastSessionId !== sessionId) store.update({ lastSessionId: sessionId });
}

function close(store: UserStateStore, sessionIds: readonly string[]): void {
  const { tabs, lastSessionId } = store.value;
  const open = sessionIds.filter((id) => id in tabs);
  if (open.length === 0) return;
  const change = Object.fromEntries(open.map((id) => [id, null]));
  const last = lastSessionId !== null && open.includes(lastSessionId) ? { lastSessionId: null } : {};
  store.update({ ...withTabs(tabs, change), ...last });
}

/** A session is active for the user while a tab of it is open. */
function withTabs(tabs: UserState["tabs"], change: Readonly<Record<string, number | null>>): Record<string, unknown> {
  const after = Object.entries({ ...tabs, ...change }).filter(([, rank]) => rank !== null);
  return { tabs: change, activeSessions: after.map(([id]) => id) };
}
