/** The title of the open session, to be renamed in place, in words what is going on, and the mode and model. */

import { useState } from "react";
import type { Hub } from "@parley/client";
import type { Mode, Snapshot } from "@parley/client";
import { ModelSwitch } from "./ModelSwitch";
import { ModeSwitch } from "./ModeSwitch";
import { TitleInput } from "./TitleInput";
import { stateWords, titleOf } from "../i18n/words";

interface Props {
  readonly hub: Hub;
  readonly snapshot: Snapshot;
  readonly onRename: (title: string) => void;
  readonly onDelete: () => void;
  readonly onMode: (mode: Mode) => void;
  readonly onModel: (model: string) => void;
}

export function SessionHeader({ hub, snapshot, onRename, onDelete, onMode, onModel }: Props) {
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
        </p>
      </div>
      <div className="session-controls">
        <ModeSwitch mode={mode} onChange={onMode} />
        <ModelSwitch hub={hub} model={model} onChange={onModel} />
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
