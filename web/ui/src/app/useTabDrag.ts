/** Putting tabs in order with the pointer. The order changes on this page while one is dragged, for all when it is let
 * go. On a touch screen a finger scrolls the strip instead; there the menu moves tabs. */

import { useEffect, useRef, useState } from "react";
import type { PointerEvent as ReactPointerEvent, RefObject } from "react";
import type { Tabs } from "./useTabs";

/** A hand is never quite still when it clicks. */
const THRESHOLD_PX = 5;

interface Drag {
  readonly order: readonly string[];
  readonly dragged: string | null;
  readonly onPointerDown: (event: ReactPointerEvent, id: string) => void;
}

export function useTabDrag(strip: RefObject<HTMLElement | null>, tabs: Tabs): Drag {
  const [drag, setDrag] = useState<{ readonly id: string; readonly place: number } | null>(null);
  const stop = useRef<() => void>(() => undefined);
  useEffect(() => () => stop.current(), []);

  const onPointerDown = (event: ReactPointerEvent, id: string) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const from = event.clientX;
    const listening = new AbortController();
    const { signal } = listening;
    let place: number | null = null;
    stop.current = () => {
      listening.abort();
      setDrag(null);
    };
    const onMove = ({ clientX }: PointerEvent) => {
      if (place === null && Math.abs(clientX - from) < THRESHOLD_PX) return;
      place = placeAt(strip.current, id, clientX);
      setDrag({ id, place });
    };
    const onUp = () => {
      stop.current();
      if (place === null) return;
      tabs.move(id, place);
      swallowClick();
    };
    window.addEventListener("pointermove", onMove, { signal });
    window.addEventListener("pointerup", onUp, { signal });
    window.addEventListener("pointercancel", () => stop.current(), { signal });
    window.addEventListener("keydown", ({ key }) => key === "Escape" && stop.current(), { signal });
  };

  if (drag === null) return { order: tabs.order, dragged: null, onPointerDown };
  const others = tabs.order.filter((id) => id !== drag.id);
  return { order: others.toSpliced(drag.place, 0, drag.id), dragged: drag.id, onPointerDown };
}

/** How many of the others lie to the left of the pointer. */
function placeAt(strip: HTMLElement | null, id: string, x: number): number {
  const others = [...(strip?.querySelectorAll<HTMLElement>("[data-tab-id]") ?? [])].filter(
    ({ dataset }) => dataset["tabId"] !== id,
  );
  return others.filter((other) => {
    const { left, width } = other.getBoundingClientRect();
    return left + width / 2 < x;
  }).length;
}

/** The click that a browser sends after the pointer was let go belongs to the drag. */
function swallowClick(): void {
  const listening = new AbortController();
  const swallow = (event: MouseEvent) => event.stopPropagation();
  window.addEventListener("click", swallow, { capture: true, signal: listening.signal });
  setTimeout(() => listening.abort(), 0);
}
