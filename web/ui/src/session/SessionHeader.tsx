/** The head of the open session: its title, in words what is going on, and what decides how it goes on. */

import { useState } from "react";
import { ListChecks } from "lucide-react";
import type { ModelInfo, Participant, Session, Snapshot } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { BranchPicker } from "./BranchPicker";
import { ModelSwitch } from "./ModelSwitch";
import { ModeSwitch } from "./ModeSwitch";
import { Participants } from "./Participants";
import type { SessionCommands } from "./sessionCommands";
import { SessionMenu } from "./SessionMenu";
import type { SessionMenuActions } from "./SessionMenu";
import { StateLine } from "./StateLine";
import { Title } from "./Title";
import { TokenMeter } from "./TokenMeter";

interface Props {
  readonly snapshot: Snapshot;
  readonly connected: boolean;
  readonly models: readonly ModelInfo[];
  readonly people: readonly Participant[];
  readonly peopleCount: number;
  readonly me: string | null;
  readonly commands: SessionCommands;
  readonly menu: Omit<SessionMenuActions, "onRename" | "onArchive" | "onUnarchive">;
  readonly sideOpen: boolean;
  readonly onSide: () => void;
  readonly onRename: (title: string, was: Session) => Promise<unknown>;
  readonly onMerge: (source: string) => void;
  readonly onFork: () => void;
}

export function SessionHeader(props: Props) {
  const { snapshot, models, commands, menu } = props;
  const { session, mode, model, branches, activeBranch, state } = snapshot;
  const [editing, setEditing] = useState(false);
  const busy = session.state === "RUNNING";
  return (
    <header className="session-header">
      <div className="session-name">
        <Title session={session} editing={editing} onEdit={setEditing} onRename={props.onRename} />
        <p className="session-facts">
          <StateLine snapshot={snapshot} connected={props.connected} />
          <span className="fact">{session.projectName}</span>
        </p>
      </div>
      <div className="session-controls">
        <ModeSwitch mode={mode} onChange={commands.setMode} />
        <ModelSwitch model={model} models={models} onChange={commands.setModel} />
        <BranchPicker
          branches={branches}
          active={activeBranch}
          busy={busy}
          onSwitch={commands.switchBranch}
          onMerge={props.onMerge}
          onFork={props.onFork}
        />
        <TokenMeter snapshot={snapshot} models={models} />
      </div>
      <div className="session-tools">
        <Participants people={props.people} count={props.peopleCount} me={props.me} />
        <SideToggle snapshot={snapshot} open={props.sideOpen} onToggle={props.onSide} />
        <SessionMenu
          {...menu}
          archived={state.name === "archived"}
          busy={busy}
          onRename={() => setEditing(true)}
          onArchive={commands.archive}
          onUnarchive={commands.unarchive}
        />
      </div>
    </header>
  );
}

function SideToggle({ snapshot, open, onToggle }: { snapshot: Snapshot; open: boolean; onToggle: () => void }) {
  const { header } = useTexts().session;
  const filled = snapshot.plan.length + snapshot.pins.length > 0;
  return (
    <IconButton
      label={open ? header.hideSide : header.showSide}
      aria-expanded={open}
      onClick={onToggle}
      data-testid="side-toggle"
      data-filled={filled ? "" : undefined}
    >
      <ListChecks size={17} aria-hidden="true" />
    </IconButton>
  );
}
