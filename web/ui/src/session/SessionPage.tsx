/** One open session: its title and state, the transcript, the composer. */

import { useEffect, useMemo, useState } from "react";
import type { FeedView, LiveSession } from "@parley/client";
import type { Hub } from "@parley/client";
import type { Session, Snapshot } from "@parley/client";
import { AnsweringContext } from "./answering";
import type { Answering } from "./answering";
import { Composer } from "./Composer";
import { FailureBar } from "./FailureBar";
import { GrantList } from "./GrantList";
import { useApprovalHistory, useConnectionState, useFeed, useFeedView } from "../app/hooks";
import { SessionHeader } from "./SessionHeader";
import { Transcript } from "../transcript/Transcript";
import { titleOf } from "../i18n/words";

interface Props {
  readonly hub: Hub;
  readonly sessionId: string;
  readonly onRename: (sessionId: string, title: string) => void;
  readonly onDelete: (session: Session) => void;
  /** Does what is asked of the server; an error is shown. */
  readonly attempt: (work: Promise<unknown>) => Promise<unknown>;
}

export function SessionPage({ hub, sessionId, onRename, onDelete, attempt }: Props) {
  const feed = useFeed(hub, sessionId);
  const view = useFeedView(feed);
  const connected = useConnectionState(hub) === "connected";
  const { snapshot } = view;
  const [sent, setSent] = useState(0);
  const answering = useMemo<Answering>(
    () => ({
      connected,
      me: hub.userId,
      send: (answer) => hub.connection.call("resolve_approval", { sessionId, ...answer }),
    }),
    [hub, sessionId, connected],
  );
  const history = useApprovalHistory(hub, sessionId, view.takenAt);
  useDocumentTitle(snapshot);
  if (snapshot === null || view.phase === "gone") return <Unavailable view={view} feed={feed} />;
  const { rest } = hub;
  return (
    <>
      <SessionHeader
        hub={hub}
        snapshot={snapshot}
        onRename={(title) => onRename(sessionId, title)}
        onDelete={() => onDelete(snapshot.session)}
        onMode={(mode) => void attempt(rest.setMode(sessionId, mode))}
        onModel={(model) => void attempt(rest.setModel(sessionId, model))}
      />
      {view.phase === "failed" && <Failure feed={feed} text={view.error ?? "The session cannot be followed"} />}
      <GrantList grants={snapshot.grants} onRevoke={(tool) => void attempt(rest.revokeGrant(sessionId, tool))} />
      <AnsweringContext value={answering}>
        <Transcript snapshot={snapshot} history={history} store={feed.history} sent={sent} />
      </AnsweringContext>
      <FailureBar state={snapshot.state} connected={connected} onRetry={() => attempt(rest.retry(sessionId))} />
      <Composer
        hub={hub}
        sessionId={sessionId}
        snapshot={snapshot}
        connected={connected}
        onSent={() => setSent((before) => before + 1)}
      />
    </>
  );
}

function Unavailable({ view, feed }: { view: FeedView; feed: LiveSession }) {
  if (view.phase === "gone") return <p className="notice">This session does not exist, or it was deleted.</p>;
  if (view.phase === "failed") return <Failure feed={feed} text={view.error ?? "The session cannot be opened"} />;
  return <p className="notice">Loading…</p>;
}

function Failure({ feed, text }: { feed: LiveSession; text: string }) {
  return (
    <div className="notice-bar" role="alert">
      <span>{text}</span>
      <button type="button" onClick={() => feed.rejoin()}>
        Try again
      </button>
    </div>
  );
}

function useDocumentTitle(snapshot: Snapshot | null): void {
  const title = snapshot === null ? "Parley" : `${titleMark(snapshot)}${titleOf(snapshot.session)} · Parley`;
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = "Parley";
    };
  }, [title]);
}

/** Seen on a tab in the background: at work, or waiting for an answer. */
function titleMark({ session, approvals }: Snapshot): string {
  if (approvals.length > 0) return "? ";
  return session.state === "RUNNING" ? "○ " : "";
}
