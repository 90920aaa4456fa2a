/** Goes to a position that somebody was led to, and marks it for a moment. */

import { useEffect, useState } from "react";
import type { RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Focus } from "./actions";

const MARKED_MS = 3_000;
/** A little of what stands before it, so that the eye finds its way. */
const ABOVE_PX = -48;

export function useJump(
  list: RefObject<VirtualizerHandle | null>,
  focus: Focus | null,
  length: number,
  letGo: () => void,
): { readonly marked: number | null } {
  const [marked, setMarked] = useState<number | null>(null);
  const [done, setDone] = useState<Focus | null>(null);
  const there = focus !== null && focus.position >= 1 && focus.position <= length;
  if (there && focus !== done) {
    setDone(focus);
    setMarked(focus.position);
  }
  useEffect(() => {
    if (done === null) return;
    letGo();
    list.current?.scrollToIndex(done.position - 1, { align: "start", offset: ABOVE_PX });
    const timer = setTimeout(() => setMarked(null), MARKED_MS);
    return () => clearTimeout(timer);
  }, [done, list, letGo]);
  return { marked };
}
