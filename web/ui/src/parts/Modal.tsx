/** The browser's own modal dialog, bare: it keeps the focus inside, makes the page behind it inert, closes on Escape and
 * gives the focus back to where it was. Open for as long as it is rendered. */

import { useLayoutEffect, useRef } from "react";
import type { MouseEvent, ReactNode } from "react";

interface Props {
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly className?: string;
  readonly id?: string;
  /** One of the two names it. */
  readonly label?: string;
  readonly labelledBy?: string;
  readonly testId?: string | undefined;
}

export function Modal({ onClose, children, className = "dialog", id, label, labelledBy, testId }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  // As a layout effect it closes before it leaves the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  // A click on the backdrop has the dialog itself as its target: its content covers it.
  const onClick = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    <dialog
      ref={dialog}
      id={id}
      className={className}
      aria-label={label}
      aria-labelledby={labelledBy}
      data-testid={testId}
      onClick={onClick}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </dialog>
  );
}
