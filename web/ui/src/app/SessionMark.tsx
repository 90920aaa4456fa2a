/** The state of a session as an icon with its word: the same in the panel, in tabs and in search. */

import { Check, Circle, CircleSlash, Hand, LoaderCircle, X } from "lucide-react";
import type { Session } from "@parley/client";
import { useTexts } from "../i18n/texts";

export type MarkName = Session["state"] | "waiting";

const ICONS = {
  IDLE: Circle,
  RUNNING: LoaderCircle,
  COMPLETED: Check,
  FAILED: X,
  CANCELLED: CircleSlash,
  waiting: Hand,
} as const;

/** What tells how a session stands: all of it, or what a search says of it. */
type Standing = Pick<Session, "state"> & { readonly waiting?: boolean };

export function markOf(session: Standing): MarkName {
  return isWaiting(session) ? "waiting" : session.state;
}

export function SessionMark({ session }: { session: Standing }) {
  const texts = useTexts().app.states;
  const name = markOf(session);
  const Icon = ICONS[name];
  return (
    <span className="mark" role="img" aria-label={texts[name]} data-mark={name}>
      <Icon aria-hidden="true" />
    </span>
  );
}

/** Whether its run stands still until somebody answers. */
export function isWaiting(session: Standing): boolean {
  return session.waiting === true;
}
