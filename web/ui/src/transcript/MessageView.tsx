/** One message of the transcript. Text as it is, tools as compact lines; every other kind as a labelled block. */

import { memo } from "react";
import { isUnseen } from "@parley/client";
import type { Approval, Message, Role } from "@parley/client";
import { partsOf } from "./fences";
import { ToolRequest, ToolResultView } from "./ToolMessages";
import { STATUS_WORDS, clockTime } from "../i18n/words";

const ROLE_WORDS: Readonly<Record<Role, string>> = { user: "You", agent: "Agent", system: "System" };

interface Props {
  readonly message: Message;
  /** Those of the message's calls. */
  readonly approvals: readonly Approval[];
}

/** Drawn again only when the message itself changed: a delta costs one message, not the transcript. */
export const MessageView = memo(function MessageView({ message, approvals }: Props) {
  const status = STATUS_WORDS[message.status];
  const tool = message.messageType === "tool";
  if (isUnseen(message)) return <p className="quiet-line">Loading…</p>;
  return (
    <article
      className={tool ? "message tool-message" : "message"}
      data-testid="message"
      data-message-id={message.id}
      data-role={message.role}
      data-status={message.status}
      aria-busy={message.status === "streaming"}
    >
      {!tool && (
        <p className="message-head">
          <span className="message-role">{ROLE_WORDS[message.role]}</span>
          <time dateTime={message.createdAtUtc}>{clockTime(message.createdAtUtc)}</time>
        </p>
      )}
      <Body message={message} approvals={approvals} />
      {status !== null && <p className="message-status">{status}</p>}
    </article>
  );
});

function Body({ message, approvals }: Props) {
  switch (message.kind) {
    case "text":
    case "streaming_response":
      return <Text message={message} />;
    case "tool_request":
    case "mcp_tool_request":
      return <ToolRequest message={message} approvals={approvals} />;
    case "tool_result":
    case "mcp_tool_result":
      return <ToolResultView message={message} />;
    default:
      return <Block message={message} />;
  }
}

function Text({ message }: { message: Message }) {
  return (
    <div className="message-text" data-testid="message-text" dir="auto">
      {partsOf(message.content).map(({ kind, text }, index) =>
        kind === "text" ? (
          text
        ) : (
          <code key={index} className={kind === "mark" ? "fence-mark" : "fenced"}>
            {text}
          </code>
        ),
      )}
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
