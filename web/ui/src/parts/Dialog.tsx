/** A modal dialog with a title and a way to close it. Open for as long as it is rendered. */

import { useId } from "react";
import type { ReactNode } from "react";
import { X } from "lucide-react";
import { useTexts } from "../i18n/texts";
import { IconButton } from "./IconButton";
import { Modal } from "./Modal";

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly testId?: string;
}

export function Dialog({ title, onClose, children, testId }: Props) {
  const titleId = useId();
  const texts = useTexts();
  return (
    <Modal onClose={onClose} labelledBy={titleId} testId={testId}>
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <IconButton label={texts.common.close} onClick={onClose}>
          <X size={16} />
        </IconButton>
      </div>
      <div className="dialog-body">{children}</div>
    </Modal>
  );
}
