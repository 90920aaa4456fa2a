/** How long something has been going on, ticking by itself: a second that passes renders nothing else. */

import { useEffect, useState } from "react";
import { useTexts } from "../i18n/texts";
import { durationText } from "../i18n/numbers";

const TICK_MS = 1_000;

interface Props {
  /** The server's time where this page did not see the beginning; null: it begins now. Key it by what goes on. */
  readonly startedAt: string | null;
}

export function Elapsed({ startedAt }: Props) {
  const { duration } = useTexts().session;
  // A clock that differs from the server's must not count backwards.
  const [start] = useState(() => Math.min(Date.now(), startedAt === null ? Date.now() : Date.parse(startedAt)));
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const passed = now - start;
  if (passed < TICK_MS) return null;
  return (
    <span className="elapsed" data-testid="elapsed" aria-hidden="true">
      {` · ${durationText(passed, duration)}`}
    </span>
  );
}
