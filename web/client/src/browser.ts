/** Tells the connection what the browser knows: the page came back into view, the network went or returned. */

import type { Connection } from "./connection.ts";

/** Returns the function that stops listening. */
export function followBrowser(connection: Connection): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  const wakeWhenVisible = () => {
    if (document.visibilityState === "visible") connection.wake();
  };
  document.addEventListener("visibilitychange", wakeWhenVisible, { signal });
  // Out of the cache for going back and forth: its sockets were closed without a word.
  window.addEventListener("pageshow", (event) => event.persisted && connection.reopen(), { signal });
  window.addEventListener("offline", () => connection.markOffline(), { signal });
  // A socket that was open before may look alive for a long time: a new one is certain.
  window.addEventListener("online", () => connection.reopen(), { signal });
  return () => listening.abort();
}
