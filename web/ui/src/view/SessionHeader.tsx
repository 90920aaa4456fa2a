/** The title of the open session, to be renamed in place, and in words what is going on. */

import { useState } from "react";
import type { Snapshot } from "../protocol/wire";
import { TitleInput } from "./TitleInput";
import { stateWords, titleOf } from "./words";

interface Props {
  readonly snapshot: Snapshot;
  readonly onRename: (title: string) => void;
  readonly onDelete: () => void;
}

export function SessionHeader({ snapshot, onRename, onDelete }: Props) {
  const [editing, setEditing] = useState(false);
  const { session, state, mode, model } = snapshot;
  const edit = () => setEditing(true);
  return (
    <header className="session-header">
      <div className="session-name">
        {editing ? (
          <TitleInput title={session.title} onSave={onRename} onEnd={() => setEditing(false)} />
        ) : (
          <h1 onDoubleClick={edit} title="Double-click to rename" data-testid="session-title">
            {titleOf(session)}
          </h1>
        )}
        <p className="session-facts">
          <span role="status" data-testid="state-line" data-state={state.name} data-session-state={session.state}>
            {stateWords(snapshot)}
          </span>
          <span className="fact">{session.projectName}</span>
          <span className="fact">{[mode, model].filter(Boolean).join(" · ")}</span>
        </p>
      </div>
      <button type="button" className="quiet" onClick={edit}>
        Rename
      </button>
      <button type="button" className="quiet" onClick={onDelete} data-testid="delete">
        Delete
      </button>
    </header>
  );
}
