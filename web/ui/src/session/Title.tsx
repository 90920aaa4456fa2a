/** The session's title, renamed in place: shown at once, and whoever was faster is named instead of overwritten. */

import { useState } from "react";
import { isOutdated } from "@parley/client";
import type { Session } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { TitleInput } from "../parts/TitleInput";

interface Props {
  readonly session: Session;
  readonly editing: boolean;
  readonly onEdit: (editing: boolean) => void;
  /** Rejects with `version_mismatch` when the title is not the one that was edited any more. */
  readonly onRename: (title: string, was: Session) => Promise<unknown>;
}

interface Wish {
  readonly title: string;
  /** The title that it was made on: shown until the session has another. */
  readonly was: string;
  readonly state: "sent" | "beaten";
}

export function Title({ session, editing, onEdit, onRename }: Props) {
  const { header } = useTexts().session;
  const { common } = useTexts();
  const [wish, setWish] = useState<Wish | null>(null);
  const save = (title: string, was = session) => {
    setWish({ title, was: was.title, state: "sent" });
    onRename(title, was).catch((error: unknown) => {
      setWish(isOutdated(error) ? { title, was: was.title, state: "beaten" } : null);
    });
  };
  const shown = wish?.state === "sent" && wish.was === session.title ? wish.title : session.title;
  if (editing) {
    // The title that is seen when the editing begins is the one that is edited.
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
  readonly onSave: (title: string, was: Session) => void;
  readonly onEnd: () => void;
}

function Editing({ session, onSave, onEnd }: EditingProps) {
  const [begun] = useState(session);
  return <TitleInput title={begun.title} onSave={(title) => onSave(title, begun)} onEnd={onEnd} />;
}
