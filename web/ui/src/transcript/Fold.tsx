/** A line that opens to show more. What is inside is made while it is open only: it can be megabytes. */

import type { ReactNode } from "react";
import { ChevronRight } from "lucide-react";
import { useKept } from "./memory";

interface Props {
  /** Names the fold among all of the transcript. */
  readonly id: string;
  readonly summary: ReactNode;
  readonly children: () => ReactNode;
  readonly open?: boolean;
}

export function Fold({ id, summary, children, open: initial = false }: Props) {
  const [open, setOpen] = useKept(`fold ${id}`, initial);
  return (
    <details className="fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <ChevronRight size={14} className="fold-mark" aria-hidden="true" />
        {summary}
      </summary>
      {open && <div className="fold-body">{children()}</div>}
    </details>
  );
}
