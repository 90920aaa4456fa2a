/** Whether the list of sessions is shown, and where. */

import { useEffect, useRef, useState } from "react";
import type { UserStateStore } from "@parley/client";
import { useMedia, useUserState } from "../lib/hooks";

/** The same as in styles/phone.css. */
const PHONE = "(max-width: 46rem)";

export interface PanelState {
  readonly open: boolean;
  readonly phone: boolean;
  readonly toggle: () => void;
  readonly close: () => void;
  readonly onOpen: () => void;
}

/** On a wide screen the user's choice, everywhere; on a phone a drawer that is open only as long as it is needed. */
export function usePanel(state: UserStateStore): PanelState {
  const phone = useMedia(PHONE);
  const [drawn, setDrawn] = useState(false);
  const docked = useUserState(state).ui["sidebar"] !== "closed";
  const open = phone ? drawn : docked;
  const pressed = useRef(false);
  const set = (next: boolean) => {
    pressed.current = true;
    if (phone) setDrawn(next);
    else void state.update({ ui: { sidebar: next ? "open" : "closed" } });
  };
  useEffect(() => {
    // Each of the two buttons goes when it is pressed: the focus goes over to the other.
    const lost = pressed.current && document.activeElement === document.body;
    if (lost) document.querySelector<HTMLElement>(".panel-toggle")?.focus();
    pressed.current = false;
  }, [docked]);
  return { open, phone, toggle: () => set(!open), close: () => set(false), onOpen: () => setDrawn(false) };
}
