/** Stops the run by Escape, pressed twice: the first press only says so. */

import { useEffect, useState } from "react";
import type { KeyboardEvent } from "react";

const TWICE_WITHIN_MS = 2_000;

export function useStopKey(active: boolean, onStop: () => Promise<unknown>) {
  const [escaped, setEscaped] = useState(false);
  const [stopping, setStopping] = useState(false);
  useEffect(() => {
    if (!escaped) return;
    const timer = setTimeout(() => setEscaped(false), TWICE_WITHIN_MS);
    return () => clearTimeout(timer);
  }, [escaped]);
  const stop = () => {
    setEscaped(false);
    setStopping(true);
    void onStop().finally(() => setStopping(false));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !active || event.defaultPrevented || event.nativeEvent.isComposing) return;
    // There Escape closes something.
    if (event.target instanceof Element && event.target.closest("dialog, [popover], .title-input") !== null) return;
    if (escaped) stop();
    else setEscaped(true);
  };
  return { stop, stopping, escaped: escaped && active, onKeyDown };
}
