/** What can be done with a session from the frame: each says how it went. Never draws. */

import type { HubClient, Session } from "@parley/client";
import type { Texts } from "../i18n/texts";
import { goTo, linkTo } from "../lib/address";
import { attempt } from "../lib/attempt";
import { toasts } from "../lib/toasts";
import type { Tabs } from "./useTabs";

export interface SessionActions {
  readonly create: (projectId?: string) => void;
  readonly open: (session: Session) => void;
  /** Without leaving the session that is shown. */
  readonly openInTab: (session: Session) => void;
  readonly rename: (session: Session, title: string) => void;
  readonly archive: (session: Session) => void;
  readonly unarchive: (session: Session) => void;
  /** With a way back for a while. */
  readonly remove: (session: Session) => void;
  readonly copyLink: (session: Session) => void;
}

interface Place {
  readonly hub: HubClient;
  readonly tabs: Tabs;
  readonly texts: Texts;
  readonly closeTab: (sessionId: string) => void;
  /** Called whenever another session is about to be shown. */
  readonly onOpen: () => void;
}

export function sessionActions({ hub, tabs, texts, closeTab, onOpen }: Place): SessionActions {
  const { rest } = hub;
  const words = texts.app.panel;
  const nameOf = (session: Session) => session.title || texts.common.untitled;
  const open = (session: Session) => {
    onOpen();
    goTo(session.id);
    // A hint for other clients of the project; the choice on this page does not hang on it.
    rest.setCurrentSession(session.projectId, session.id).catch(() => undefined);
  };
  const bringBack = (session: Session) => void attempt(rest.restoreSession(session.id).then(() => open(session)));
  const unarchive = (session: Session) => void attempt(rest.unarchive(session.id));
  return {
    create: (projectId) => void attempt(rest.createSession(projectId === undefined ? {} : { projectId }).then(open)),
    open,
    openInTab: (session) => tabs.open(session.id),
    rename: (session, title) => void attempt(rest.renameSession(session.id, title)),
    archive: (session) => {
      const undo = { label: texts.common.undo, run: () => unarchive(session) };
      void attempt(rest.archive(session.id).then(() => toasts.show(words.archived(nameOf(session)), undo)));
    },
    unarchive,
    remove: (session) => {
      const undo = { label: texts.common.undo, run: () => bringBack(session) };
      const gone = () => {
        closeTab(session.id);
        toasts.show(words.deleted(nameOf(session)), undo);
      };
      void attempt(rest.deleteSession(session.id).then(gone));
    },
    copyLink: (session) => {
      navigator.clipboard.writeText(linkTo(session.id)).then(
        () => toasts.show(words.linkCopied),
        () => toasts.error(words.copyFailed),
      );
    },
  };
}
