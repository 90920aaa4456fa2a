/** Asks for the name of a new branch. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { messageOf } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { FormEnd } from "./FormEnd";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly suggestion: string;
  /** At a message, or at the end of the branch. */
  readonly atMessage: boolean;
  readonly onFork: (name: string) => Promise<unknown>;
  readonly onClose: () => void;
}

const LONGEST_NAME = 100;

export default function ForkDialog({ suggestion, atMessage, onFork, onClose }: Props) {
  const { branches } = useTexts().session;
  const [name, setName] = useState(suggestion);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    onFork(name.trim()).then(onClose, (failure: unknown) => {
      setError(messageOf(failure));
      setBusy(false);
    });
  };
  return (
    <Dialog title={branches.forkTitle} onClose={onClose} testId="fork-dialog">
      <form className="dialog-form" onSubmit={submit}>
        <p className="note">{atMessage ? branches.forkHere : branches.forkEnd}</p>
        <label>
          {branches.forkName}
          <input
            value={name}
            maxLength={LONGEST_NAME}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
            data-testid="branch-name"
          />
        </label>
        <FormEnd
          error={error}
          submit={branches.create}
          disabled={busy || name.trim() === ""}
          onCancel={onClose}
          testId="create-branch"
        />
      </form>
    </Dialog>
  );
}
