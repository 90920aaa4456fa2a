/** The page of a signed-in user: sessions on the left, open ones as tabs, the chosen one below them. */

import { useEffect, useRef, useState } from "react";
import type { HubClient, UserStateStore } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { SessionPage } from "../session/SessionPage";
import { sessionActions } from "./actions";
import type { SessionActions } from "./actions";
import { goTo, replaceWith, sessionNow, useAddress } from "../lib/address";
import { ConnectionBanner } from "./ConnectionBadge";
import { Dialogs } from "./Dialogs";
import type { DialogName } from "./Dialogs";
import { useSignal, useStable, useUserState } from "../lib/hooks";
import { Panel } from "./Panel";
import { neighbour } from "./tabs";
import { ToastRegion } from "./ToastRegion";
import { StorageBar } from "./StorageBar";
import { TopBar } from "./TopBar";
import { useFrameKeys } from "./useFrameKeys";
import { useNotifications } from "./useNotifications";
import { usePanel } from "./usePanel";
import { useProjects } from "./useProjects";
import { useSeen } from "./useSeen";
import { useTabs } from "./useTabs";
import { useTabSessions } from "./useTabSessions";

export function Workspace({ hub }: { hub: HubClient }) {
  const state = hub.userState;
  const texts = useTexts();
  const { sessionId: selected } = useAddress();
  const tabs = useTabs(state);
  const panel = usePanel(state);
  const sessions = useTabSessions(hub, tabs.order, selected, tabs.close);
  useLastSession(state, selected);
  useEffect(() => {
    if (selected !== null) tabs.open(selected);
    // Only what is chosen opens a tab: one that was closed on another page stays closed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);

  const closeTab = (id: string) => {
    if (id === sessionNow()) goTo(neighbour(tabs.order, id));
    tabs.close(id);
  };
  const closeOthers = (id: string) => {
    goTo(id);
    tabs.close(...tabs.order.filter((other) => other !== id));
  };
  const latest = sessionActions({ hub, tabs, texts, closeTab, onOpen: panel.onOpen });
  // In the project of the session that is open, unless another one is asked for.
  const create = (projectId = sessions.get(selected ?? "")?.projectId) => latest.create(projectId);
  const actions = useStable<SessionActions>({ ...latest, create });
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const projects = useProjects(hub);
  const unread = useSeen(state, sessions, selected);
  useNotifications(hub, state);
  useFrameKeys({
    state,
    create: () => create(),
    closeTab,
    order: tabs.order,
    togglePanel: panel.toggle,
    openDialog: setDialog,
  });
  return (
    <div className="workspace" data-panel={panel.open ? "open" : "closed"}>
      <a className="skip" href="#main" onClick={skipTo}>
        {texts.app.skip}
      </a>
      <Panel
        open={panel.open}
        phone={panel.phone}
        onClose={panel.close}
        hub={hub}
        selected={selected}
        actions={actions}
        projects={projects.all}
        onProjects={() => setDialog("projects")}
      />
      <div className="session-area">
        <TopBar
          hub={hub}
          tabs={tabs}
          sessions={sessions}
          unread={unread}
          selected={selected}
          panel={panel}
          onClose={closeTab}
          onCloseOthers={closeOthers}
          onDialog={setDialog}
        />
        <ConnectionBanner hub={hub} />
        <StorageBar hub={hub} />
        <main id="main" tabIndex={-1}>
          {selected === null ? (
            <EmptyPage onNew={() => create()} />
          ) : (
            <SessionPage key={selected} hub={hub} sessionId={selected} state={state} onDelete={actions.remove} />
          )}
        </main>
      </div>
      <Dialogs open={dialog} hub={hub} state={state} projects={projects} onClose={() => setDialog(null)} />
      <ToastRegion />
    </div>
  );
}

/** A link would change the address, which names the session. */
function skipTo(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** Without a session in the address, the one that was open last is. */
function useLastSession(state: UserStateStore, selected: string | null): void {
  const { lastSessionId } = useUserState(state);
  const known = useSignal(state.changes, () => state.known);
  const decided = useRef(selected !== null);
  useEffect(() => {
    if (decided.current || !known) return;
    decided.current = true;
    if (lastSessionId !== null) replaceWith(lastSessionId);
  }, [known, lastSessionId]);
}

function EmptyPage({ onNew }: { onNew: () => void }) {
  const texts = useTexts().app;
  return (
    <div className="notice">
      <h1>{texts.empty.title}</h1>
      <p>{texts.empty.hint}</p>
      <button type="button" className="primary" onClick={onNew}>
        {texts.panel.new}
      </button>
    </div>
  );
}
