/** A dialog around one text to edit: a message to be sent again, or a branch's prompt. */

import { useState } from "react";
import type { ReactNode, SubmitEvent } from "react";
import { messageOf } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly title: string;
  readonly note: string;
  readonly text: string;
  readonly action: string;
  readonly needsText: boolean;
  readonly onSave: (text: string) => Promise<unknown>;
  readonly onClose: () => void;
  readonly children?: ReactNode;
  readonly testId: string;
}

export function TextDialog({ title, note, action, needsText, onSave, onClose, children, testId, ...given }: Props) {
  const { common } = useTexts();
  const [text, setText] = useState(given.text);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    onSave(text).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setBusy(false);
    });
  };
  return (
    <Dialog title={title} onClose={onClose} testId={testId}>
      <form className="dialog-form" onSubmit={save}>
        <p className="note">{note}</p>
        <textarea
          aria-label={title}
          rows={Math.max(5, Math.min(16, text.split("\n").length + 1))}
          autoFocus
          dir="auto"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {error !== null && (
          <p className="refusal" role="alert">
            {error}
          </p>
        )}
        <div className="form-actions">
          {children}
          <button type="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button type="submit" className="primary" disabled={busy || (needsText && text.trim() === "")}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
