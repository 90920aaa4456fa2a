/** Messages of this page that the server has not taken yet; one that it refused says why, to be sent again or dropped. */

import { useTexts } from "../i18n/texts";

export interface OutboxEntry {
  readonly clientMessageId: string;
  readonly text: string;
  readonly state: "sending" | "queued_offline" | "failed";
  readonly error: string | null;
}

interface Props {
  readonly entries: readonly OutboxEntry[];
  readonly onRetry: (clientMessageId: string) => void;
  readonly onDiscard: (clientMessageId: string) => void;
}

export function OutboxList({ entries, onRetry, onDiscard }: Props) {
  const words = useTexts().session.queue;
  if (entries.length === 0) return null;
  return (
    <section className="dock-list outbox" data-testid="outbox" aria-label={words.outbox} aria-live="polite">
      <ul>
        {entries.map(({ clientMessageId, text, state, error }) => (
          <li key={clientMessageId} data-testid="outgoing" data-state={state}>
            <bdi className="dock-text">{text}</bdi>
            <span className="dock-state">{state === "failed" ? (error ?? words.failed) : stateWord(state, words)}</span>
            {state === "failed" && (
              <button type="button" className="quiet" onClick={() => onRetry(clientMessageId)} data-testid="send-again">
                {words.retry}
              </button>
            )}
            {state !== "sending" && (
              <button type="button" className="quiet" onClick={() => onDiscard(clientMessageId)} data-testid="discard">
                {words.discard}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function stateWord(
  state: "sending" | "queued_offline",
  words: ReturnType<typeof useTexts>["session"]["queue"],
): string {
  return state === "sending" ? words.sending : words.queuedOffline;
}
