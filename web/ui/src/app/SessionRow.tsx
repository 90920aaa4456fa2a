/** One session in the panel: its mark, title and project. */

import { useState } from "react";
import type { Session } from "@parley/client";
import { TitleInput } from "../session/TitleInput";
import { SESSION_MARKS, titleOf } from "../i18n/words";

interface Props {
  readonly session: Session;
  readonly selected: boolean;
  readonly onSelect: (session: Session) => void;
  readonly onRename: (sessionId: string, title: string) => void;
}

export function SessionRow({ session, selected, onSelect, onRename }: Props) {
  const [editing, setEditing] = useState(false);
  const { mark, word } = SESSION_MARKS[session.state];
  if (editing) {
    const save = (title: string) => onRename(session.id, title);
    return (
      <li>
        <TitleInput title={session.title} onSave={save} onEnd={() => setEditing(false)} />
      </li>
    );
  }
  return (
    <li>
      <button
        type="button"
        className="session-row"
        aria-current={selected ? "true" : undefined}
        data-session-id={session.id}
        data-state={session.state}
        title={`${titleOf(session)} (${session.projectName})`}
        onClick={() => onSelect(session)}
        onDoubleClick={() => setEditing(true)}
      >
        <span className="mark" role="img" aria-label={word}>
          {mark}
        </span>
        <span className="row-title">{titleOf(session)}</span>
        <span className="row-project">{session.projectName}</span>
      </button>
    </li>
  );
}
