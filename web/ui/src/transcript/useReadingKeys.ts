/** Reading by keyboard: Alt with the arrows goes from message to message, Home, End and the page keys through all.
 *
 * The browser would animate the latter, and what is measured on the way would stop the animation half-way.
 */

import type { KeyboardEvent, RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { BranchHistory } from "./history";
import { requestBefore } from "./pairing";

const STEPS: Readonly<Record<string, 1 | -1>> = { ArrowDown: 1, ArrowUp: -1 };
const PAGES: Readonly<Record<string, 1 | -1>> = { PageDown: 1, PageUp: -1 };
/** Of the view, so that the last line that was read is still there. */
const PAGE_SHARE = 0.9;
// A row that was scrolled to is on the page after a frame or two.
const FRAMES = 12;

interface Reading {
  readonly box: RefObject<HTMLElement | null>;
  readonly list: RefObject<VirtualizerHandle | null>;
  readonly history: BranchHistory;
  readonly toEnd: () => void;
}

export function useReadingKeys(reading: Reading): (event: KeyboardEvent) => void {
  return (event) => {
    const [box, list] = [reading.box.current, reading.list.current];
    if (box === null || list === null || isOthers(event, box)) return;
    const done = event.altKey ? walk(event.key, box, list, reading.history) : turn(event.key, box, list, reading.toEnd);
    if (done) event.preventDefault();
  };
}

/** Fields, and boxes inside that scroll for themselves, have these keys to their own. */
function isOthers({ target, ctrlKey, metaKey, shiftKey }: KeyboardEvent, box: HTMLElement): boolean {
  if (ctrlKey || metaKey || shiftKey || !(target instanceof HTMLElement)) return true;
  return target !== box && target.matches("input, textarea, select, pre, [role=region], [role=group], .value");
}

function walk(key: string, box: HTMLElement, list: VirtualizerHandle, history: BranchHistory): boolean {
  const step = STEPS[key];
  if (step === undefined) return false;
  const from = focusedPosition(box) ?? list.findItemIndex(list.scrollOffset + 1) + 1;
  const to = nextShown(history, from, step);
  if (to === null) return true;
  list.scrollToIndex(to - 1, { align: "start", offset: -8 });
  focusSoon(box, to, FRAMES);
  return true;
}

function turn(key: string, box: HTMLElement, list: VirtualizerHandle, toEnd: () => void): boolean {
  const page = PAGES[key];
  if (key === "Home") list.scrollToIndex(0);
  else if (key === "End") toEnd();
  else if (page !== undefined) box.scrollBy({ top: page * PAGE_SHARE * box.clientHeight, behavior: "instant" });
  else return false;
  return true;
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
