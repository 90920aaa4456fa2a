/** A line that opens to show more. What is inside is only made while it is open: it can be megabytes. */

import { useState } from "react";
import type { ReactNode } from "react";

interface Props {
  readonly summary: ReactNode;
  readonly children: () => ReactNode;
}

export function Collapsible({ summary, children }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <details className="tool-block" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {open && children()}
    </details>
  );
}
