/** Keeps who reads at the end at the end, whatever grows there, and lets everybody else read where they are. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { RefObject } from "react";

// Near enough to the end to count as being there: about two lines.
const AT_END_PX = 48;

interface Follow {
  readonly atEnd: boolean;
  /** To be called when the box was scrolled. */
  readonly onScroll: () => void;
  readonly toEnd: () => void;
  /** The reader wants to be elsewhere: until they come back by themselves nothing moves. */
  readonly letGo: () => void;
}

export function useFollow(box: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>): Follow {
  const [atEnd, setAtEnd] = useState(true);
  const top = useRef(0);
  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const { scrollTop } = element;
    const up = scrollTop < top.current - 1;
    top.current = scrollTop;
    // What grows below puts the end further away without anybody scrolling: leaving it takes a move upwards.
    setAtEnd((before) => distanceToEnd(element) < AT_END_PX || (before && !up));
  };
  const toEnd = useCallback(() => {
    setAtEnd(true);
    scrollToEnd(box);
  }, [box]);
  const letGo = useCallback(() => setAtEnd(false), []);
  useEffect(() => {
    const [frame, inner] = [box.current, content.current];
    if (!atEnd || frame === null || inner === null) return;
    const observer = new ResizeObserver(() => scrollToEnd(box));
    observer.observe(frame);
    observer.observe(inner);
    return () => observer.disconnect();
  }, [box, content, atEnd]);
  return { atEnd, onScroll, toEnd, letGo };
}

export function scrollToEnd({ current }: RefObject<HTMLElement | null>): void {
  current?.scrollTo({ top: current.scrollHeight });
}

function distanceToEnd(element: HTMLElement): number {
  return element.scrollHeight - element.scrollTop - element.clientHeight;
}
