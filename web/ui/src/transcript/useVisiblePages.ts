/** Asks for the messages around the view, once it rests for a moment: nobody waits for what flies by. */

import { useEffect, useMemo, useRef } from "react";
import type { RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { BranchHistory } from "./history";

const REST_MS = 60;
/** In messages, to both sides: about two pages of the server's. */
const AHEAD = 60;

/** To be called whenever the view may have moved. */
export function useVisiblePages(list: RefObject<VirtualizerHandle | null>, history: BranchHistory): () => void {
  const latest = useRef(history);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const look = useMemo(
    () => () => {
      if (timer.current !== undefined) return;
      timer.current = setTimeout(() => {
        timer.current = undefined;
        const [handle, { length, want }] = [list.current, latest.current];
        if (handle === null || length === 0) return;
        const from = handle.findItemIndex(handle.scrollOffset) + 1;
        const to = handle.findItemIndex(handle.scrollOffset + handle.viewportSize) + 1;
        want(Math.max(1, from - AHEAD), Math.min(length, to + AHEAD));
      }, REST_MS);
    },
    [list],
  );
  useEffect(() => {
    latest.current = history;
    look();
  }, [history, look]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return look;
}
