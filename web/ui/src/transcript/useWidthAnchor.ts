/** When the width changes all lines break anew, also those above the one that is read: that one stays where it is. */

import { useEffect, useRef } from "react";
import type { RefObject } from "react";

interface Anchor {
  readonly element: Element;
  /** From the upper edge of the box. */
  readonly top: number;
}

// The list measures what has changed and moves things for some frames.
const FRAMES = 8;
const REST_MS = 120;

export function useWidthAnchor(box: RefObject<HTMLElement | null>, atEnd: boolean): void {
  const anchor = useRef<Anchor | null>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null || atEnd) return;
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let width = element.clientWidth;
    const note = () => (anchor.current = anchorIn(element));
    const onScroll = () => {
      if (frame !== 0) return;
      clearTimeout(timer);
      timer = setTimeout(note, REST_MS);
    };
    const settle = (left: number) => {
      if (anchor.current !== null) keep(element, anchor.current);
      frame = left > 0 ? requestAnimationFrame(() => settle(left - 1)) : 0;
    };
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      cancelAnimationFrame(frame);
      settle(FRAMES);
    });
    note();
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, [box, atEnd]);
}

/** The paragraph, item or line of a tool that crosses the upper edge, or is the first below it. */
function anchorIn(box: HTMLElement): Anchor | null {
  const edge = box.getBoundingClientRect().top;
  const message = firstBelow(box.querySelectorAll("[data-position]"), edge);
  if (message === null) return null;
  const element = firstBelow(message.querySelectorAll(".message-text > *, .tool-call, .message-head"), edge) ?? message;
  return { element, top: element.getBoundingClientRect().top - edge };
}

function firstBelow(elements: NodeListOf<Element>, edge: number): Element | null {
  return [...elements].find((element) => element.getBoundingClientRect().bottom > edge) ?? null;
}

function keep(box: HTMLElement, { element, top }: Anchor): void {
  if (!element.isConnected) return;
  const moved = element.getBoundingClientRect().top - box.getBoundingClientRect().top - top;
  if (Math.abs(moved) >= 1) box.scrollTop += moved;
}
