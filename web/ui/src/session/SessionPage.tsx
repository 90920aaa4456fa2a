/** One open session: its head, the transcript, and what is written; plan and pins beside them. */

import type { FeedView, HubClient, LiveSession, Session, UserStateStore } from "@parley/client";
import { useConnectionState } from "../lib/hooks";
import { useTexts } from "../i18n/texts";
import { OpenSession } from "./OpenSession";
import { RejoinBar } from "./RejoinBar";
import { useLiveSession, useSessionView } from "./useLiveSession";

interface Props {
  readonly hub: HubClient;
  readonly sessionId: string;
  /** Where it is remembered whether plan and pins are shown. */
  readonly state: UserStateStore;
  readonly onDelete: (session: Session) => void;
}

/** Key it by the session. */
export function SessionPage({ hub, sessionId, state, onDelete }: Props) {
  const session = useLiveSession(hub, sessionId);
  const view = useSessionView(session);
  const connected = useConnectionState(hub) === "connected";
  const { snapshot } = view;
  if (snapshot === null || view.phase === "gone") return <Unavailable view={view} session={session} />;
  return (
    <OpenSession
      hub={hub}
      session={session}
      view={{ ...view, snapshot }}
      connected={connected}
      state={state}
      onDelete={onDelete}
    />
  );
}

function Unavailable({ view, session }: { view: FeedView; session: LiveSession }) {
  const { page } = useTexts().session;
  if (view.phase === "gone") return <p className="notice">{page.gone}</p>;
  if (view.phase === "failed") return <RejoinBar session={session} text={view.error ?? page.cannotOpen} />;
  return <p className="notice">{page.loading}</p>;
}
