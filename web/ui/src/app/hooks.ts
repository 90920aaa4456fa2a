/** How components read what lives outside React: signals with a current value. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Approval, ApprovalList } from "@parley/client";
import type { ConnectionState } from "@parley/client";
import type { LiveSession, SessionView } from "@parley/client";
import type { Hub } from "@parley/client";
import type { SessionList, Sessions } from "@parley/client";
import type { Signal } from "@parley/client";
import { perFrame } from "../parts/frames";
import { usePreferences } from "./preferences";
import type { Preferences } from "./preferences";

/** The present value of `read`, rendered again at most once per frame when `signal` fires. `read` has to return the
 * same object for as long as nothing changed. */
export function useSignal<T, V>(signal: Signal<T>, read: () => V): V {
  const subscribe = useCallback(
    (onChange: () => void) => {
      const { request, cancel } = perFrame(onChange);
      const unsubscribe = signal.listen(request);
      return () => {
        unsubscribe();
        cancel();
      };
    },
    [signal],
  );
  return useSyncExternalStore(subscribe, read);
}

export function useConnectionState(hub: Hub): ConnectionState {
  return useSignal(hub.connection.states, () => hub.connection.state);
}

export function useSessions(list: SessionList): Sessions {
  return useSignal(list.changes, () => list.sessions);
}

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

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (onChange: () => void) => {
      const media = window.matchMedia(query);
      media.addEventListener("change", onChange);
      return () => media.removeEventListener("change", onChange);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** True once `wanted` has been true for a while; false at once. */
export function useLasting(wanted: boolean, delayMs: number): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!wanted) return;
    const timer = setTimeout(() => setLasting(true), delayMs);
    return () => {
      clearTimeout(timer);
      setLasting(false);
    };
  }, [wanted, delayMs]);
  return wanted && lasting;
}

/** The same functions for as long as the component is there, each doing what it does now: what is drawn with them is
 * not drawn again because they are new. */
export function useStable<T extends { readonly [K in keyof T]: (...args: never[]) => void }>(functions: T): T {
  const latest = useRef(functions);
  useLayoutEffect(() => {
    latest.current = functions;
  });
  // Read when one of them is called, which no rendering does.
  // eslint-disable-next-line react-hooks/refs
  const [stable] = useState(() => {
    const names = Object.keys(functions) as (keyof T)[];
    const calls = names.map((name) => [name, (...args: never[]) => latest.current[name](...args)]);
    return Object.fromEntries(calls) as T;
  });
  return stable;
}

/** The present time, read again every `everyMs`: ages and headings move on by themselves. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

const NO_APPROVALS: readonly Approval[] = [];

/** What was answered before the snapshot was taken, read again with each fresh one. Without it the calls' own words
 * are all there is to show, so a failure is left at that. */
export function useApprovalHistory(hub: Hub, sessionId: string, takenAt: string | null): readonly Approval[] {
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
