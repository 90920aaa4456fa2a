/** How many questions wait, and the way from one to the next: more than one is easily overlooked. */

import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import type { Waiting } from "./useWaiting";

export function WaitingJump({ at, count, step }: Waiting) {
  const words = useTexts().session.approvals;
  if (count < 2) return null;
  return (
    <div className="waiting-jump" role="group" aria-label={words.waiting(count)} data-testid="waiting-jump">
      <IconButton label={words.previous} onClick={() => step(-1)}>
        <ChevronLeft size={15} aria-hidden="true" />
      </IconButton>
      <span>{at < 0 ? words.waiting(count) : words.oneOf(at + 1, count)}</span>
      <IconButton label={words.next} onClick={() => step(1)} data-testid="next-waiting">
        <ChevronRight size={15} aria-hidden="true" />
      </IconButton>
    </div>
  );
}
