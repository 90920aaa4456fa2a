/** One message of the transcript. Text as it is; every other kind as a labelled block. */

import { memo } from "react";
import type { Message, Role } from "../protocol/wire";
import { STATUS_WORDS, clockTime } from "./words";

const ROLE_WORDS: Readonly<Record<Role, string>> = { user: "You", agent: "Agent", system: "System" };
const TEXT_KINDS: ReadonlySet<string> = new Set(["text", "streaming_response"]);

/** Drawn again only when the message itself changed: a delta costs one message, not the transcript. */
export const MessageView = memo(function MessageView({ message }: { message: Message }) {
  const status = STATUS_WORDS[message.status];
  return (
    <article
      className="message"
      data-testid="message"
      data-message-id={message.id}
      data-role={message.role}
      data-status={message.status}
      aria-busy={message.status === "streaming"}
    >
      <p className="message-head">
        <span className="message-role">{ROLE_WORDS[message.role]}</span>
        <time dateTime={message.createdAtUtc}>{clockTime(message.createdAtUtc)}</time>
      </p>
      {TEXT_KINDS.has(message.kind) ? <Text message={message} /> : <Block message={message} />}
      {status !== null && <p className="message-status">{status}</p>}
    </article>
  );
});

function Text({ message }: { message: Message }) {
  return (
    <div className="message-text" data-testid="message-text" dir="auto">
      {message.content}
    </div>
  );
}

function Block({ message }: { message: Message }) {
  return (
    <details className="message-block">
      <summary>{message.kind.replaceAll("_", " ")}</summary>
      <pre>{message.content === "" ? JSON.stringify(message.payload, null, 2) : message.content}</pre>
    </details>
  );
}
