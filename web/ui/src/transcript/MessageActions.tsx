/** What can be done with a message. Seen when the pointer or the focus is on it; always there for the keyboard. */

import { ClipboardType, GitBranchPlus, PencilLine, Pin, PinOff, RotateCcw } from "lucide-react";
import type { Message } from "@parley/client";
import { useTexts } from "../i18n/texts";
import { IconButton } from "../parts/IconButton";
import { useAnswering } from "./approvals/answering";
import { useTranscriptActions } from "./actions";
import { CopyButton } from "./CopyButton";
import { markdownOf, plainTextOf } from "./copying";

interface Props {
  readonly message: Message;
  readonly position: number;
  readonly last: boolean;
}

export function MessageActions({ message, position, last }: Props) {
  const words = useTexts().transcript;
  const text = message.messageType === "text";
  return (
    <div className="message-actions" role="group" aria-label={words.actions} data-testid="message-actions">
      {text && <CopyButton text={() => plainTextOf(message)} label={words.copy} />}
      {text && <CopyButton text={() => markdownOf(message)} label={words.copyMarkdown} icon={ClipboardType} />}
      <Offered message={message} position={position} last={last} />
    </div>
  );
}

function Offered({ message, position, last }: Props) {
  const words = useTexts().transcript;
  const { me } = useAnswering();
  const { pinned, fork, pin, unpin, editAndResend, retry } = useTranscriptActions();
  const own = message.role === "user" && message.author === me;
  const toggle = pinned.has(message.id) ? unpin : pin;
  return (
    <>
      {toggle !== null && (
        <IconButton
          label={toggle === unpin ? words.unpin : words.pin}
          className="small"
          aria-pressed={pinned.has(message.id)}
          data-testid="message-pin"
          onClick={() => toggle(message)}
        >
          {toggle === unpin ? <PinOff size={14} /> : <Pin size={14} />}
        </IconButton>
      )}
      {fork !== null && (
        <IconButton
          label={words.fork}
          className="small"
          data-testid="message-fork"
          onClick={() => fork(message, position)}
        >
          <GitBranchPlus size={14} />
        </IconButton>
      )}
      {own && editAndResend !== null && (
        <IconButton
          label={words.editAndResend}
          className="small"
          data-testid="message-edit"
          onClick={() => editAndResend(message, position)}
        >
          <PencilLine size={14} />
        </IconButton>
      )}
      {last && retry !== null && (
        <IconButton label={words.retry} className="small" data-testid="message-retry" onClick={() => retry(message)}>
          <RotateCcw size={14} />
        </IconButton>
      )}
    </>
  );
}
