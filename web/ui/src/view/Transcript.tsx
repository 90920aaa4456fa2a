/** The messages of a session, oldest first. Follows the end for as long as the reader is there. */

import { useLayoutEffect, useRef, useState } from "react";
import type { Snapshot } from "../protocol/wire";
import { MessageView } from "./MessageView";

// Near enough to the end to count as being there: about two lines.
const AT_END_PX = 48;

interface Props {
  readonly snapshot: Snapshot;
  /** Loads an earlier page. Resolves with the text of an error, or null. */
  readonly onEarlier: () => Promise<string | null>;
}

export function Transcript({ snapshot, onEarlier }: Props) {
  const { messages, session } = snapshot;
  const [atEnd, setAtEnd] = useState(true);
  const box = useScrollPosition(messages, atEnd);
  const onScroll = () => {
    if (box.current !== null) setAtEnd(distanceToEnd(box.current) < AT_END_PX);
  };
  return (
    <div className="transcript-frame">
      <div className="transcript" ref={box} onScroll={onScroll} tabIndex={0} aria-label="Transcript" role="region">
        {messages.length < session.messageCount && <EarlierButton onEarlier={onEarlier} />}
        <div role="log" aria-live="polite" data-testid="transcript" data-head={snapshot.head}>
          {messages.map((message) => (
            <MessageView key={message.id} message={message} />
          ))}
        </div>
        {messages.length === 0 && <p className="notice">Nothing was said yet.</p>}
      </div>
      {!atEnd && (
        <button type="button" className="to-end" onClick={() => setAtEnd(true)}>
          ↓ Latest
        </button>
      )}
    </div>
  );
}

/** Stays at the end while there; keeps the same message in view when an earlier page is put in front. */
function useScrollPosition(messages: Snapshot["messages"], atEnd: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const before = useRef({ firstId: "", height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const height = element.scrollHeight;
    const firstId = messages[0]?.id ?? "";
    if (atEnd) element.scrollTop = height;
    else if (before.current.firstId !== firstId) element.scrollTop += height - before.current.height;
    before.current = { firstId, height };
  }, [messages, atEnd]);
  return box;
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
