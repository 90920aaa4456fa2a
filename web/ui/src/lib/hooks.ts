/** How components read what lives outside React: signals with a current value, the time, the size of the window. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import type { ConnectionState, HubClient, SessionList, Sessions } from "@parley/client";
import type { Signal, UserState, UserStateStore } from "@parley/client";
import { perFrame } from "./frames";

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

export function useConnectionState(hub: HubClient): ConnectionState {
  return useSignal(hub.connection.states, () => hub.connection.state);
}

export function useSessions(list: SessionList): Sessions {
  return useSignal(list.changes, () => list.sessions);
}

export function useUserState(store: UserStateStore): UserState {
  return useSignal(store.changes, () => store.value);
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
