/** The instructions of one branch, in place of the usual ones. */

import { useEffect, useState } from "react";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import { TextDialog } from "./TextDialog";

interface Props {
  readonly branch: string;
  /** The branch's own prompt in full; null where it has none. */
  readonly load: () => Promise<string | null>;
  /** Null: the usual instructions. */
  readonly onSave: (prompt: string | null) => Promise<unknown>;
  readonly onClose: () => void;
}

export default function BranchPromptDialog({ branch, load, onSave, onClose }: Props) {
  const { prompt, page } = useTexts().session;
  const [text, setText] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let wanted = true;
    load().then(
      (found) => wanted && setText(found ?? ""),
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
    };
    // Loaded once, when it opens: what is typed must not be replaced.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const { save } = useTexts().common;
  if (text === null) {
    return (
      <Dialog title={prompt.branchTitle(branch)} onClose={onClose} testId="branch-prompt-dialog">
        <p className="note">{failed ? page.failedAction : page.loading}</p>
      </Dialog>
    );
  }
  return (
    <TextDialog
      title={prompt.branchTitle(branch)}
      note={prompt.branchAbout}
      text={text}
      action={save}
      needsText={false}
      onSave={(edited) => onSave(edited.trim() === "" ? null : edited)}
      onClose={onClose}
      testId="branch-prompt-dialog"
    />
  );
}
