/** The messages of a session, oldest first. Follows the end for as long as the reader is there. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { RefObject } from "react";
import type { Approval, Snapshot } from "@parley/client";
import { ApprovalView } from "../session/ApprovalView";
import { MovedContext } from "../parts/Collapsible";
import { MessageView } from "./MessageView";
import { allApprovals, byMessage, timeline } from "./timeline";
import type { Entry } from "./timeline";

// Near enough to the end to count as being there: about two lines.
const AT_END_PX = 48;

interface Props {
  readonly snapshot: Snapshot;
  /** Approvals that were answered before the snapshot was taken. */
  readonly history: readonly Approval[];
  /** How many messages this page has sent: who sends one wants to see it. */
  readonly sent: number;
  /** Loads an earlier page. Resolves with the text of an error, or null. */
  readonly onEarlier: () => Promise<string | null>;
}

export function Transcript({ snapshot, history, sent, onEarlier }: Props) {
  const { messages, session } = snapshot;
  const [atEnd, setAtEnd] = useState(true);
  const [sentBefore, setSentBefore] = useState(sent);
  if (sent !== sentBefore) {
    setSentBefore(sent);
    setAtEnd(true);
  }
  const whole = messages.length >= session.messageCount;
  const entries = useEntries(snapshot, history, whole);
  const box = useScrollPosition(entries, messages[0]?.id ?? "", atEnd);
  const log = useStayAtEnd(box, atEnd);
  // Also called when a block is opened: its reader stays where they are, whatever comes at the end.
  const onScroll = useCallback(() => {
    if (box.current !== null) setAtEnd(distanceToEnd(box.current) < AT_END_PX);
  }, [box]);
  return (
    <div className="transcript-frame">
      <div className="transcript" ref={box} onScroll={onScroll} tabIndex={0} aria-label="Transcript" role="region">
        {!whole && <EarlierButton onEarlier={onEarlier} />}
        <div ref={log} role="log" aria-live="polite" data-testid="transcript" data-head={snapshot.head}>
          <MovedContext value={onScroll}>{entries.map(entryView)}</MovedContext>
        </div>
        {entries.length === 0 && <p className="notice">Nothing was said yet.</p>}
      </div>
      {!atEnd && (
        <button type="button" className="to-end" onClick={() => setAtEnd(true)}>
          ↓ {snapshot.approvals.length > 0 ? "Waiting for you" : "Latest"}
        </button>
      )}
    </div>
  );
}

function entryView(entry: Entry) {
  if (entry.kind === "question") return <ApprovalView key={entry.approval.id} approval={entry.approval} />;
  return <MessageView key={entry.message.id} message={entry.message} approvals={entry.approvals} />;
}

/** A message's approvals stay the same array while nothing about approvals changes: a delta costs one message. */
function useEntries({ messages, approvals, answered }: Snapshot, history: readonly Approval[], whole: boolean) {
  const all = useMemo(() => allApprovals(approvals, answered ?? [], history), [approvals, answered, history]);
  const tools = useMemo(() => byMessage(all), [all]);
  return useMemo(() => timeline(messages, all, tools, whole), [messages, all, tools, whole]);
}

/** Stays at the end while there; keeps the same message in view when an earlier page is put in front. */
function useScrollPosition(entries: readonly Entry[], firstId: string, atEnd: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef({ firstId: "", height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const height = element.scrollHeight;
    if (atEnd) element.scrollTop = height;
    else if (before.current.firstId !== firstId) element.scrollTop += height - before.current.height;
    before.current = { firstId, height };
  }, [entries, firstId, atEnd]);
  return box;
}

/** Whoever is at the end stays there when what is shown changes its size by itself: a card, or a turned phone. */
function useStayAtEnd(box: RefObject<HTMLDivElement | null>, atEnd: boolean) {
  const log = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [frame, content] = [box.current, log.current];
    if (!atEnd || frame === null || content === null) return;
    const observer = new ResizeObserver(() => frame.scrollTo({ top: frame.scrollHeight }));
    observer.observe(frame);
    observer.observe(content);
    return () => observer.disconnect();
  }, [box, atEnd]);
  return log;
}

function EarlierButton({ onEarlier }: { onEarlier: Props["onEarlier"] }) {
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const load = () => {
    setLoading(true);
    void onEarlier().then((text) => {
      setError(text);
      setLoading(false);
    });
  };
  return (
    <p className="earlier">
      <button type="button" className="quiet" onClick={load} disabled={loading} data-testid="earlier">
        {loading ? "Loading…" : "Load earlier messages"}
      </button>
      {error !== null && <span role="alert"> {error}</span>}
    </p>
  );
}

function distanceToEnd(element: HTMLElement): number {
  return element.scrollHeight - element.scrollTop - element.clientHeight;
}
