/** A modal dialog: the browser's own, so that focus, Escape and the inert page behind it are right. */

import { useEffect, useId, useRef } from "react";
import type { MouseEvent, ReactNode } from "react";
import { X } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./IconButton";

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly testId?: string;
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children, testId }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const texts = useTexts();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  // A click on the backdrop has the dialog itself as its target: its content covers it.
  const onClick = (event: MouseEvent) => event.target === dialog.current && onClose();
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      data-testid={testId}
      onClick={onClick}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <IconButton label={texts.common.close} onClick={onClose}>
          <X size={16} />
        </IconButton>
      </div>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
