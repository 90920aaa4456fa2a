/** Which session, and which message in it, the address bar names: `#session` or `#session/position`. The address is
 * where the choice lives, so that a reload, a shared link and the back button all return to it. */

import { useSyncExternalStore } from "react";

export interface Address {
  readonly sessionId: string | null;
  /** A position on the session's active branch, from 1. */
  readonly position: number | null;
}

export function parseAddress(hash: string): Address {
  const [sessionId = "", place = ""] = hash.replace(/^#/, "").split("/");
  const position = /^[1-9]\d{0,8}$/.test(place) ? Number(place) : null;
  return { sessionId: sessionId === "" ? null : decoded(sessionId), position };
}

export function hashOf({ sessionId, position }: Address): string {
  if (sessionId === null) return "#";
  return `#${encodeURIComponent(sessionId)}${position === null ? "" : `/${position}`}`;
}

/** The whole address of a session, to be given to others. */
export function linkTo(sessionId: string): string {
  return new URL(hashOf({ sessionId, position: null }), window.location.href).href;
}

/** The address as text: the same string for as long as nothing changed. */
export function useAddress(): Address {
  return parseAddress(useSyncExternalStore(subscribe, () => window.location.hash));
}

/** What the address names at this moment: a key may be pressed before the page was drawn for the last one. */
export function sessionNow(): string | null {
  return parseAddress(window.location.hash).sessionId;
}

export function goTo(sessionId: string | null, position: number | null = null): void {
  const hash = hashOf({ sessionId, position });
  const again = position !== null && hash === window.location.hash;
  // The address names the message already: it is left and entered again, so that the message is shown again.
  if (again) replaceWith(sessionId);
  if (again) setTimeout(() => (window.location.hash = hash));
  else window.location.hash = hash;
}

/** As `goTo`, without a step for the back button: nobody chose what was there before. */
export function replaceWith(sessionId: string | null): void {
  window.location.replace(hashOf({ sessionId, position: null }));
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => window.removeEventListener("hashchange", onChange);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
