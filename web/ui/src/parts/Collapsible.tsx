/** A line that opens to show more. What is inside is only made while it is open: it can be megabytes. */

import { createContext, useContext, useLayoutEffect, useState } from "react";
import type { ReactNode } from "react";

/** Called when something was opened, once it is on the page: what is around it may have moved. */
export const MovedContext = createContext<() => void>(() => undefined);

interface Props {
  readonly summary: ReactNode;
  readonly children: () => ReactNode;
}

export function Collapsible({ summary, children }: Props) {
  const [open, setOpen] = useState(false);
  const moved = useContext(MovedContext);
  useLayoutEffect(() => {
    if (open) moved();
  }, [open, moved]);
  return (
    <details className="tool-block" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {open && children()}
    </details>
  );
}
