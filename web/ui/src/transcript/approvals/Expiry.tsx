/** Counts down to the time at which nobody can answer any more. */

import { useEffect, useState } from "react";
import { useTexts } from "../../i18n/texts";
import { durationText } from "../../i18n/numbers";

export function Expiry({ at }: { at: string }) {
  const { approvals, duration } = useTexts().session;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const left = Date.parse(at) - now;
  return (
    <time className="expiry" dateTime={at} data-testid="expiry">
      {left > 0 ? approvals.expires(durationText(left, duration)) : approvals.expired}
    </time>
  );
}
