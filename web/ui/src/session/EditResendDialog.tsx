/** Sends a message of the reader's again with other words, on a branch that begins before it. */

import { useTexts } from "../i18n/texts";
import { TextDialog } from "./TextDialog";

interface Props {
  readonly text: string;
  readonly onSend: (text: string) => Promise<unknown>;
  readonly onClose: () => void;
}

export default function EditResendDialog({ text, onSend, onClose }: Props) {
  const { branches } = useTexts().session;
  return (
    <TextDialog
      title={branches.editTitle}
      note={branches.editNote}
      text={text}
      action={branches.resend}
      needsText
      onSave={(edited) => onSend(edited.trim())}
      onClose={onClose}
      testId="edit-dialog"
    />
  );
}
