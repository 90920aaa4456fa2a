/** How many questions wait, and the way from one to the next: more than one is easily overlooked. */

import { useState } from "react";
import { ChevronLeft, ChevronRight } from "lucide-react";
import type { Approval } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";

interface Props {
  readonly approvals: readonly Approval[];
  readonly onShow: (approval: Approval) => void;
}

export function WaitingJump({ approvals, onShow }: Props) {
  const words = useTexts().session.approvals;
  const [shown, setShown] = useState<string | null>(null);
  if (approvals.length < 2) return null;
  const at = approvals.findIndex(({ id }) => id === shown);
  const show = (index: number) => {
    const next = approvals.at(index % approvals.length);
    if (next === undefined) return;
    setShown(next.id);
    onShow(next);
  };
  return (
    <div className="waiting-jump" role="group" aria-label={words.waiting(approvals.length)} data-testid="waiting-jump">
      <IconButton label={words.previous} onClick={() => show(at < 0 ? -1 : at - 1)}>
        <ChevronLeft size={15} aria-hidden="true" />
      </IconButton>
      <span>{at < 0 ? words.waiting(approvals.length) : words.oneOf(at + 1, approvals.length)}</span>
      <IconButton label={words.next} onClick={() => show(at + 1)} data-testid="next-waiting">
        <ChevronRight size={15} aria-hidden="true" />
      </IconButton>
    </div>
  );
}
