/** What waits for its turn, in order, each to be taken out again. */

import { X } from "lucide-react";
import type { Message, Run } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";

interface Props {
  readonly queue: readonly Run[];
  readonly messages: readonly Message[];
  readonly disabled: boolean;
  readonly onRemove: (runId: string) => void;
}

const SHOWN_CHARS = 200;

export function QueueList({ queue, messages, disabled, onRemove }: Props) {
  const words = useTexts().session.queue;
  if (queue.length === 0) return null;
  return (
    <section className="dock-list" data-testid="queue" aria-label={words.title(queue.length)}>
      <h2>{words.title(queue.length)}</h2>
      <ol>
        {queue.map((run) => (
          <li key={run.id} data-testid="queued" data-run-id={run.id}>
            <bdi className="dock-text">{textOf(messages, run.messageId) ?? words.unknown}</bdi>
            <IconButton label={words.remove} disabled={disabled} onClick={() => onRemove(run.id)}>
              <X size={13} aria-hidden="true" />
            </IconButton>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** In one line; null for a message that is not at hand, or has no words. */
function textOf(messages: readonly Message[], id: string): string | null {
  const text = messages.findLast((message) => message.id === id)?.content.slice(0, SHOWN_CHARS).trim() ?? "";
  return text === "" ? null : text.replace(/\s+/g, " ");
}
