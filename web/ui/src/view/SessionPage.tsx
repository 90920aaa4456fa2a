/** One open session: its title and state, the transcript, the composer. */

import { useEffect } from "react";
import { messageOf } from "../protocol/errors";
import type { FeedView, SessionFeed } from "../protocol/feed";
import type { Hub } from "../protocol/hub";
import type { Session, Snapshot } from "../protocol/wire";
import { Composer } from "./Composer";
import { useConnectionState, useFeed, useFeedView } from "./hooks";
import { SessionHeader } from "./SessionHeader";
import { Transcript } from "./Transcript";
import { titleOf } from "./words";

interface Props {
  readonly hub: Hub;
  readonly sessionId: string;
  readonly onRename: (sessionId: string, title: string) => void;
  readonly onDelete: (session: Session) => void;
}

export function SessionPage({ hub, sessionId, onRename, onDelete }: Props) {
  const feed = useFeed(hub, sessionId);
  const view = useFeedView(feed);
  const connected = useConnectionState(hub) === "connected";
  const { snapshot } = view;
  useDocumentTitle(snapshot?.session ?? null);
  if (snapshot === null || view.phase === "gone") return <Unavailable view={view} feed={feed} />;
  const rename = (title: string) => onRename(sessionId, title);
  return (
    <>
      <SessionHeader snapshot={snapshot} onRename={rename} onDelete={() => onDelete(snapshot.session)} />
      {view.phase === "failed" && <Failure feed={feed} text={view.error ?? "The session cannot be followed"} />}
      <Transcript snapshot={snapshot} onEarlier={() => loadEarlier(hub, feed, snapshot)} />
      <Composer hub={hub} sessionId={sessionId} snapshot={snapshot} connected={connected} />
    </>
  );
}

/** Puts the page before the first message in front. Resolves with an error's text, or null. */
async function loadEarlier(hub: Hub, feed: SessionFeed, shown: Snapshot): Promise<string | null> {
  // Positions count from 1, and what is shown is the end of the branch.
  const first = shown.session.messageCount - shown.messages.length + 1;
  try {
    feed.prepend(await hub.rest.messagesBefore(feed.sessionId, first));
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function Unavailable({ view, feed }: { view: FeedView; feed: SessionFeed }) {
  if (view.phase === "gone") return <p className="notice">This session does not exist, or it was deleted.</p>;
  if (view.phase === "failed") return <Failure feed={feed} text={view.error ?? "The session cannot be opened"} />;
  return <p className="notice">Loading…</p>;
}

function Failure({ feed, text }: { feed: SessionFeed; text: string }) {
  return (
    <div className="notice-bar" role="alert">
      <span>{text}</span>
      <button type="button" onClick={() => feed.retry()}>
        Try again
      </button>
    </div>
  );
}

function useDocumentTitle(session: Session | null): void {
  const busy = session?.state === "RUNNING" ? "○ " : "";
  const title = session === null ? "Parley" : `${busy}${titleOf(session)} · Parley`;
  useEffect(() => {
    document.title = title;
    return () => {
      document.title = "Parley";
    };
  }, [title]);
}
