/** One session in the panel: its state, title and age, and what can be done with it. */

import { memo, useRef, useState } from "react";
import type { MouseEvent } from "react";
import { Ellipsis } from "lucide-react";
import type { Session } from "@parley/client";
import { fullTime } from "../i18n/format";
import { useTexts } from "../i18n/texts";
import { Menu } from "../parts/Menu";
import { TitleInput } from "../parts/TitleInput";
import type { SessionActions } from "./actions";
import { SessionMark } from "./SessionMark";

interface Props {
  readonly session: Session;
  readonly selected: boolean;
  /** Where it is worth naming. */
  readonly project: string | undefined;
  /** How long ago something happened in it, in words: they change less often than the time does. */
  readonly age: string;
  readonly actions: SessionActions;
}

/** Drawn again only when it changes: a long list has thousands. */
export const SessionRow = memo(function SessionRow({ session, selected, project, age, actions }: Props) {
  const [editing, setEditing] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const texts = useTexts();
  const { locale, untitled } = texts.common;
  const title = session.title || untitled;
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
          {age}
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
});
