/** The page of a signed-in user: sessions on the left, open ones as tabs, the chosen one below them. */

import { useEffect, useRef, useState } from "react";
import type { Hub } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { SessionPage } from "../session/SessionPage";
import { attempt, sessionActions } from "./actions";
import type { SessionActions } from "./actions";
import { goTo, replaceWith, useAddress } from "./address";
import { ConnectionBanner } from "./ConnectionBadge";
import { useMedia, useSessions } from "./hooks";
import { Panel } from "./Panel";
import { neighbour, stepped } from "./tabs";
import { ToastRegion } from "./ToastRegion";
import { TopBar } from "./TopBar";
import { useShortcut } from "./shortcuts";
import { useTabs, useUserState } from "./useTabs";
import type { UserStateStore } from "./userState";

/** The same as in styles/phone.css. */
const PHONE = "(max-width: 46rem)";

export function Workspace({ hub, state }: { hub: Hub; state: UserStateStore }) {
  const texts = useTexts();
  const { sessionId: selected } = useAddress();
  const tabs = useTabs(state);
  const panel = usePanel(state);
  const sessions = useSessions(hub.all);
  useLastSession(state, selected);
  useEffect(() => {
    if (selected !== null) tabs.open(selected);
    // Only what is chosen opens a tab: one that was closed on another page stays closed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected]);

  const closeTab = (id: string) => {
    if (id === selected) goTo(neighbour(tabs.order, id));
    tabs.close(id);
  };
  const actions = sessionActions({ hub, tabs, texts, closeTab, onOpen: panel.onOpen });
  const create = () => actions.create(sessions.get(selected ?? "")?.projectId);
  useFrameShortcuts({ create, closeTab, selected, order: tabs.order, togglePanel: panel.toggle });
  return (
    <div className="workspace" data-panel={panel.open ? "open" : "closed"}>
      <a className="skip" href="#main" onClick={skipTo}>
        {texts.app.skip}
      </a>
      <Panel open={panel.open} phone={panel.phone} onClose={panel.close} hub={hub} selected={selected} actions={{ ...actions, create }} />
      <div className="session-area">
        <TopBar hub={hub} tabs={tabs} sessions={sessions} selected={selected} panel={panel} onClose={closeTab} />
        <ConnectionBanner hub={hub} />
        <main id="main" tabIndex={-1}>
          {selected === null ? (
            <EmptyPage onNew={create} />
          ) : (
            <OpenSession key={selected} hub={hub} sessionId={selected} actions={actions} />
          )}
        </main>
      </div>
      <ToastRegion />
    </div>
  );
}

function OpenSession({ hub, sessionId, actions }: { hub: Hub; sessionId: string; actions: SessionActions }) {
  return (
    <SessionPage
      hub={hub}
      sessionId={sessionId}
      onRename={(id, title) => void attempt(hub.rest.renameSession(id, title))}
      onDelete={actions.remove}
      attempt={attempt}
    />
  );
}

/** A link would change the address, which names the session. */
function skipTo(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

export interface PanelState {
  readonly open: boolean;
  readonly phone: boolean;
  readonly toggle: () => void;
  readonly close: () => void;
  readonly onOpen: () => void;
}

/** On a wide screen the user's choice, everywhere; on a phone a drawer that is open only as long as it is needed. */
function usePanel(state: UserStateStore): PanelState {
  const phone = useMedia(PHONE);
  const [drawn, setDrawn] = useState(false);
  const docked = useUserState(state).ui["sidebar"] !== "closed";
  const open = phone ? drawn : docked;
  const set = (next: boolean) => (phone ? setDrawn(next) : void state.update({ ui: { sidebar: next ? "open" : "closed" } }));
  return { open, phone, toggle: () => set(!open), close: () => set(false), onOpen: () => setDrawn(false) };
}

/** Without a session in the address, the one that was open last is. */
function useLastSession(state: UserStateStore, selected: string | null): void {
  const { version, lastSessionId } = useUserState(state);
  const decided = useRef(selected !== null);
  useEffect(() => {
    if (decided.current || version === 0) return;
    decided.current = true;
    if (lastSessionId !== null) replaceWith(lastSessionId);
  }, [version, lastSessionId]);
}

interface Frame {
  readonly create: () => void;
  readonly closeTab: (id: string) => void;
  readonly togglePanel: () => void;
  readonly selected: string | null;
  readonly order: readonly string[];
}

function useFrameShortcuts({ create, closeTab, togglePanel, selected, order }: Frame): void {
  const step = (by: 1 | -1) => {
    const next = stepped(order, selected, by);
    if (next !== null) goTo(next);
  };
  const group = "sessions";
  useShortcut({ id: "new-session", keys: "alt+n", macKeys: "ctrl+alt+n", group, label: (t) => t.app.panel.new, run: create });
  useShortcut({
    id: "close-tab",
    keys: "alt+w",
    macKeys: "ctrl+alt+w",
    group,
    label: (t) => t.app.tabs.closeTab,
    run: () => selected !== null && closeTab(selected),
  });
  useShortcut({ id: "next-tab", keys: "alt+PageDown", group, label: (t) => t.app.tabs.next, run: () => step(1) });
  useShortcut({ id: "previous-tab", keys: "alt+PageUp", group, label: (t) => t.app.tabs.previous, run: () => step(-1) });
  useShortcut({ id: "panel", keys: "alt+p", macKeys: "ctrl+alt+p", group, label: (t) => t.app.panel.toggle, run: togglePanel });
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
