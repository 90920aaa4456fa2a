/** The session's title, renamed in place: shown at once, and whoever was faster is named instead of overwritten. */

import { useState } from "react";
import { CallError } from "@parley/client";
import type { Session } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { TitleInput } from "../parts/TitleInput";

interface Props {
  readonly session: Session;
  readonly editing: boolean;
  readonly onEdit: (editing: boolean) => void;
  /** Rejects with `version_mismatch` when the title is not the one that was edited any more. */
  readonly onRename: (title: string, expectedVersion: number) => Promise<unknown>;
}

interface Wish {
  readonly title: string;
  /** The version that it was made on: shown until the session has another. */
  readonly version: number;
  readonly state: "sent" | "beaten";
}

export function Title({ session, editing, onEdit, onRename }: Props) {
  const { header } = useTexts().session;
  const { common } = useTexts();
  const [wish, setWish] = useState<Wish | null>(null);
  const save = (title: string, version = session.version) => {
    setWish({ title, version, state: "sent" });
    onRename(title, version).catch((error: unknown) => {
      setWish(isBeaten(error) ? { title, version, state: "beaten" } : null);
    });
  };
  const shown = wish?.state === "sent" && wish.version === session.version ? wish.title : session.title;
  if (editing) {
    // The version that is seen when the editing begins is the one that is edited.
    return <Editing session={session} onSave={save} onEnd={() => onEdit(false)} />;
  }
  return (
    <>
      <h1 onDoubleClick={() => onEdit(true)} title={header.renameHint} data-testid="session-title">
        {shown === "" ? common.untitled : shown}
      </h1>
      {wish?.state === "beaten" && (
        <p className="title-beaten" role="alert" data-testid="title-beaten">
          {header.renamedMeanwhile(session.title)}
          <button type="button" className="quiet" onClick={() => save(wish.title)}>
            {header.useMine}
          </button>
          <button type="button" className="quiet" onClick={() => setWish(null)}>
            {common.close}
          </button>
        </p>
      )}
    </>
  );
}

interface EditingProps {
  readonly session: Session;
  readonly onSave: (title: string, version: number) => void;
  readonly onEnd: () => void;
}

function Editing({ session, onSave, onEnd }: EditingProps) {
  const [begun] = useState(session);
  return <TitleInput title={begun.title} onSave={(title) => onSave(title, begun.version)} onEnd={onEnd} />;
}

function isBeaten(error: unknown): boolean {
  return error instanceof CallError && error.code === "version_mismatch";
}
