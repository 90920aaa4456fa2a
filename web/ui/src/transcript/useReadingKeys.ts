/** Moves from message to message: Alt with the arrows. Home, End and the page keys are the browser's own. */

import type { KeyboardEvent, RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { BranchHistory } from "./history";
import { requestBefore } from "./pairing";

const STEPS: Readonly<Record<string, 1 | -1>> = { ArrowDown: 1, ArrowUp: -1 };
// A row that was scrolled to is on the page after a frame or two.
const FRAMES = 12;

export function useReadingKeys(
  box: RefObject<HTMLElement | null>,
  list: RefObject<VirtualizerHandle | null>,
  history: BranchHistory,
): (event: KeyboardEvent) => void {
  return (event) => {
    const step = STEPS[event.key];
    const [frame, handle] = [box.current, list.current];
    if (!event.altKey || event.ctrlKey || event.metaKey || step === undefined) return;
    if (frame === null || handle === null || isField(event.target)) return;
    event.preventDefault();
    const from = focusedPosition(frame) ?? handle.findItemIndex(handle.scrollOffset + 1) + 1;
    const to = nextShown(history, from, step);
    if (to === null) return;
    handle.scrollToIndex(to - 1, { align: "start", offset: -8 });
    focusSoon(frame, to, FRAMES);
  };
}

function isField(target: EventTarget): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

function focusedPosition(box: HTMLElement): number | null {
  const message = document.activeElement?.closest<HTMLElement>("[data-position]");
  return message && box.contains(message) ? Number(message.dataset["position"]) : null;
}

/** Over the rows that are empty because a request shows their result. */
function nextShown(history: BranchHistory, from: number, step: 1 | -1): number | null {
  for (let to = from + step; to >= 1 && to <= history.length; to += step) {
    if (requestBefore(history.at, to) === null) return to;
  }
  return null;
}

function focusSoon(box: HTMLElement, position: number, frames: number): void {
  const message = box.querySelector<HTMLElement>(`[data-position="${position}"]`);
  if (message !== null) message.focus({ preventScroll: true });
  else if (frames > 0) requestAnimationFrame(() => focusSoon(box, position, frames - 1));
}
