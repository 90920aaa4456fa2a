/** One session in the panel: its state, title and age, and what can be done with it. */

import { useRef, useState } from "react";
import type { MouseEvent } from "react";
import { Ellipsis } from "lucide-react";
import type { Session } from "@parley/client";
import { age, fullTime } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";
import { TitleInput } from "../session/TitleInput";
import type { SessionActions } from "./actions";
import { SessionMark } from "./SessionMark";

/** By id. */
export type ProjectNames = ReadonlyMap<string, string>;

interface Props {
  readonly session: Session;
  readonly selected: boolean;
  /** Those that are worth naming. */
  readonly projects: ProjectNames;
  readonly now: number;
  readonly actions: SessionActions;
}

export function SessionRow({ session, selected, projects, now, actions }: Props) {
  const [editing, setEditing] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const texts = useTexts();
  const { locale, untitled } = texts.common;
  const title = session.title || untitled;
  const project = projects.get(session.projectId);
  if (editing) {
    return (
      <li>
        <TitleInput
          title={session.title}
          onSave={(next) => actions.rename(session, next)}
          onEnd={() => setEditing(false)}
        />
      </li>
    );
  }
  const openMenu = (event: MouseEvent) => {
    event.preventDefault();
    item.current?.querySelector<HTMLElement>("[aria-haspopup]")?.click();
  };
  return (
    <li ref={item} className="session-item" onContextMenu={openMenu}>
      <button
        type="button"
        className="session-row"
        aria-current={selected ? "true" : undefined}
        data-session-id={session.id}
        data-state={session.state}
        title={`${title}\n${session.projectName} · ${fullTime(session.updatedAtUtc, locale)}`}
        onClick={() => actions.open(session)}
        onDoubleClick={() => setEditing(true)}
      >
        <SessionMark session={session} />
        <span className="row-title">{title}</span>
        {project !== undefined && <span className="row-project">{project}</span>}
        <time className="row-age" dateTime={session.updatedAtUtc}>
          {age(session.updatedAtUtc, locale, now)}
        </time>
      </button>
      <Menu
        label={texts.app.panel.actions(title)}
        className="icon-button row-menu"
        items={[
          { id: "open", label: texts.app.panel.openInTab, onSelect: () => actions.openInTab(session) },
          { id: "rename", label: texts.common.rename, onSelect: () => setEditing(true) },
          { id: "copy-link", label: texts.app.panel.copyLink, onSelect: () => actions.copyLink(session) },
          session.archived
            ? { id: "unarchive", label: texts.app.panel.unarchive, onSelect: () => actions.unarchive(session) }
            : { id: "archive", label: texts.app.panel.archive, onSelect: () => actions.archive(session) },
          { id: "delete", label: texts.common.delete, danger: true, onSelect: () => actions.remove(session) },
        ]}
      >
        <Ellipsis size={15} />
      </Menu>
    </li>
  );
}
