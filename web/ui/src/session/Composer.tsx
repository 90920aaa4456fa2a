/** Where a message is written and sent, and a run is stopped. What was typed stays until the server has it. */

import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { messageOf } from "@parley/client";
import type { Hub } from "@parley/client";
import type { Snapshot } from "@parley/client";
import { loadDraft, newDraft, saveDraft } from "./drafts";

const MOST_ROWS = 10;

interface Props {
  readonly hub: Hub;
  readonly sessionId: string;
  readonly snapshot: Snapshot;
  readonly connected: boolean;
  readonly onSent: () => void;
}

export function Composer({ hub, sessionId, snapshot, connected, onSent }: Props) {
  const [draft, setDraft] = useState(() => loadDraft(sessionId));
  const [busy, setBusy] = useState<"send" | "stop" | null>(null);
  const [error, setError] = useState<string | null>(null);
  const field = useFocusOnPointerDevices();
  useEffect(() => saveDraft(sessionId, draft), [sessionId, draft]);

  // The answer can get lost where the message did not: then the transcript is the answer.
  const arrived = snapshot.messages.some(({ clientMessageId }) => clientMessageId === draft.clientMessageId);
  if (arrived) {
    setDraft(newDraft());
    setError(null);
  }

  const attempt = async (what: "send" | "stop", work: () => Promise<unknown>) => {
    setBusy(what);
    setError(null);
    try {
      await work();
      return true;
    } catch (failure) {
      setError(messageOf(failure));
      return false;
    } finally {
      setBusy(null);
    }
  };
  const canSend = connected && busy !== "send" && draft.text.trim() !== "";
  const send = async () => {
    if (!canSend) return;
    const { text: content, clientMessageId } = draft;
    const args = { sessionId, content, clientMessageId };
    onSent();
    if (await attempt("send", () => hub.connection.call("send_message", args))) setDraft(newDraft());
    field.current?.focus();
  };
  const stop = () => void attempt("stop", () => hub.connection.call("cancel_run", { sessionId }));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };

  return (
    <div className="composer-area">
      {error !== null && (
        <p className="composer-error" role="alert" data-testid="composer-error">
          {error}
        </p>
      )}
      <div className="composer">
        <textarea
          ref={field}
          aria-label="Message"
          data-testid="composer"
          placeholder={connected ? "Message" : "Not connected. What you write stays here."}
          rows={rowsFor(draft.text)}
          value={draft.text}
          readOnly={busy === "send"}
          onChange={(event) => setDraft(newDraft(event.target.value))}
          onKeyDown={onKeyDown}
        />
        {snapshot.session.state === "RUNNING" && (
          <button type="button" onClick={stop} disabled={!connected || busy === "stop"} data-testid="stop">
            Stop
          </button>
        )}
        <button
          type="button"
          className="primary"
          onClick={() => void send()}
          disabled={!canSend}
          data-testid="send"
        >
          Send
        </button>
      </div>
    </div>
  );
}

/** On a touch screen the focus would bring up the keyboard over half of the transcript. */
function useFocusOnPointerDevices() {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (window.matchMedia("(pointer: fine)").matches) field.current?.focus();
  }, []);
  return field;
}

function rowsFor(text: string): number {
  return Math.min(MOST_ROWS, text.split("\n").length);
}
