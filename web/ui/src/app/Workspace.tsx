/** The page of a signed-in user: sessions on the left, the selected one beside them. */

import { useState } from "react";
import { messageOf } from "@parley/client";
import type { Hub } from "@parley/client";
import type { Session } from "@parley/client";
import { ConnectionBadge, Refusal } from "./ConnectionBadge";
import { selectSession, useSelectedSession, useSessions } from "./hooks";
import { SessionPage } from "../session/SessionPage";
import { SessionPanel } from "./SessionPanel";
import { titleOf } from "../i18n/words";

export interface Notice {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export function Workspace({ hub }: { hub: Hub }) {
  const selected = useSelectedSession();
  const all = useSessions(hub.all);
  const [notice, setNotice] = useState<Notice | null>(null);
  const [panelOpen, setPanelOpen] = useState(false);
  const attempt = (work: Promise<unknown>): Promise<unknown> => {
    setNotice(null);
    return work.catch((error: unknown) => setNotice({ text: messageOf(error) }));
  };

  const create = () => void attempt(createSession(hub, all.get(selected ?? "")).then(show));
  const rename = (sessionId: string, title: string) => void attempt(hub.rest.renameSession(sessionId, title));
  const remove = (session: Session) => void attempt(hub.rest.deleteSession(session.id).then(() => offerUndo(session)));

  function show(session: Session): void {
    setPanelOpen(false);
    selectSession(session.id);
    // A hint for the next visit; the choice on this page does not hang on it.
    hub.rest.setCurrentSession(session.projectId, session.id).catch(() => undefined);
  }

  function offerUndo(session: Session): void {
    selectSession(null);
    const undo = () => void attempt(hub.rest.restoreSession(session.id).then(() => show(session)));
    setNotice({ text: `“${titleOf(session)}” was deleted.`, action: { label: "Undo", run: undo } });
  }

  return (
    <div className="workspace" data-panel={panelOpen ? "open" : "closed"}>
      <SessionPanel hub={hub} selected={selected} onNew={create} onSelect={show} onRename={rename} />
      <main className="session-area">
        <div className="top-bar">
          <button
            type="button"
            className="panel-toggle"
            aria-expanded={panelOpen}
            aria-controls="session-panel"
            onClick={() => setPanelOpen(!panelOpen)}
          >
            {panelOpen ? "Close" : "Sessions"}
          </button>
          <ConnectionBadge hub={hub} />
        </div>
        <Refusal hub={hub} />
        {notice !== null && <NoticeBar notice={notice} onClose={() => setNotice(null)} />}
        {selected === null ? (
          <EmptyPage onNew={create} />
        ) : (
          <SessionPage
            key={selected}
            hub={hub}
            sessionId={selected}
            onRename={rename}
            onDelete={remove}
            attempt={attempt}
          />
        )}
      </main>
    </div>
  );
}

/** In the project of the session that is open, else in the server's default project. */
function createSession(hub: Hub, current: Session | undefined): Promise<Session> {
  return hub.rest.createSession(current === undefined ? {} : { projectId: current.projectId });
}

function NoticeBar({ notice, onClose }: { notice: Notice; onClose: () => void }) {
  return (
    <div className="notice-bar" role="status" data-testid="notice">
      <span>{notice.text}</span>
      {notice.action && (
        <button type="button" onClick={notice.action.run}>
          {notice.action.label}
        </button>
      )}
      <button type="button" className="quiet" onClick={onClose} aria-label="Dismiss">
        ✕
      </button>
    </div>
  );
}

function EmptyPage({ onNew }: { onNew: () => void }) {
  return (
    <div className="notice">
      <p>No session is open. Pick one, or start a new one.</p>
      <button type="button" className="primary" onClick={onNew}>
        New session
      </button>
    </div>
  );
}
