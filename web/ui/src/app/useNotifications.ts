/** Tells the user by the browser when a run of an open session ends or waits while the page is hidden. */

import { useEffect } from "react";
import type { HubClient, Session } from "@parley/client";
import { useTexts } from "../i18n/texts";
import type { Texts } from "../i18n/texts";
import { goTo } from "../lib/address";
import { usePreferences } from "../lib/preferences";
import { markOf } from "./SessionMark";
import type { MarkName } from "./SessionMark";
import type { UserStateStore } from "@parley/client";

export function useNotifications(hub: HubClient, store: UserStateStore): void {
  const { notifications } = usePreferences();
  const texts = useTexts();
  useEffect(() => {
    if (!notifications || !("Notification" in window)) return;
    const known = new Map([...hub.all.sessions.values()].map((session) => [session.id, markOf(session)]));
    return hub.connection.on("session", ({ session, removed }) => {
      if (removed) known.delete(removed);
      if (!session) return;
      const words = newsOf(known.get(session.id), session, texts);
      known.set(session.id, markOf(session));
      if (words === null || !document.hidden || !(session.id in store.value.tabs)) return;
      tell(session, words, texts);
    });
  }, [hub, store, notifications, texts]);
}

/** What is worth telling of a change; null for nothing. */
export function newsOf(before: MarkName | undefined, session: Session, { app }: Texts): string | null {
  const now = markOf(session);
  if (now === "waiting") return before === "waiting" ? null : app.notify.waiting;
  if (now === "RUNNING" || now === "IDLE") return null;
  return before === "RUNNING" || before === "waiting" ? app.notify.ended[now] : null;
}

/** The same tag on every page: the browser shows one of them. */
function tell(session: Session, body: string, { common }: Texts): void {
  if (Notification.permission !== "granted") return;
  const shown = new Notification(session.title || common.untitled, { body, tag: session.id, icon: "/favicon.svg" });
  shown.onclick = () => {
    window.focus();
    goTo(session.id);
    shown.close();
  };
}
