/** Names a file of the server's workspace, and its lines, to go along with a message. */

import { useState } from "react";
import type { SubmitEvent } from "react";
import { newId } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { Dialog } from "../parts/Dialog";
import type { ReferenceAttachment } from "./attachments";

interface Props {
  readonly onAdd: (reference: ReferenceAttachment) => void;
  readonly onClose: () => void;
}

export default function ReferenceDialog({ onAdd, onClose }: Props) {
  const words = useTexts().session.reference;
  const [path, setPath] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const name = path.trim();
    if (name === "") return;
    onAdd({ id: newId(), kind: "reference", name, startLine: lineOf(from), endLine: lineOf(to) });
    onClose();
  };
  return (
    <Dialog title={words.title} onClose={onClose} testId="reference-dialog">
      <form className="dialog-form" onSubmit={submit}>
        <label>
          {words.path}
          <input value={path} onChange={(event) => setPath(event.target.value)} autoFocus spellCheck={false} />
        </label>
        <div className="form-pair">
          <LineField label={words.from} value={from} onChange={setFrom} />
          <LineField label={words.to} value={to} onChange={setTo} />
        </div>
        <p className="note">{words.note}</p>
        <div className="form-actions">
          <button type="submit" className="primary" disabled={path.trim() === ""}>
            {words.add}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function LineField(props: { label: string; value: string; onChange: (value: string) => void }) {
  const words = useTexts().session.reference;
  return (
    <label>
      {props.label}
      <input
        type="number"
        min={1}
        placeholder={words.optional}
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </label>
  );
}

function lineOf(typed: string): number | null {
  const line = Number.parseInt(typed, 10);
  return line >= 1 ? line : null;
}
