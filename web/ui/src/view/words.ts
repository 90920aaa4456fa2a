/** What states are called on the page. Words and marks only. */

import type { ConnectionState } from "../protocol/connection";
import type { MessageStatus, SessionState, Snapshot } from "../protocol/wire";

const IDLE = "idle";

/** What is going on in a session, from its context state and its runs. */
export function stateWords({ state, session, queue }: Snapshot): string {
  const queued = queue.length > 0 ? `, ${queue.length} queued` : "";
  return contextWords(state, session.state) + queued;
}

function contextWords(state: Snapshot["state"], sessionState: SessionState): string {
  switch (state.name) {
    case "awaiting_llm":
      return "waiting for the model";
    case "streaming_response":
      return "streaming";
    case "processing_tool":
      return "running a tool";
    case "processing_workflow":
      return "running a workflow";
    case "awaiting_user":
      return sessionState === "RUNNING" ? "waiting for you" : restWords(sessionState);
    case "error":
      return typeof state["message"] === "string" ? `error: ${state["message"]}` : "error";
    case "archived":
      return "archived";
    default:
      return restWords(sessionState);
  }
}

/** Outside of a model's turn the session's own state says the most. */
function restWords(sessionState: SessionState): string {
  switch (sessionState) {
    case "RUNNING":
      return "working";
    case "FAILED":
      return `${IDLE} (the last run failed)`;
    case "CANCELLED":
      return `${IDLE} (the last run was stopped)`;
    case "IDLE":
    case "COMPLETED":
      return IDLE;
  }
}

export const SESSION_MARKS: Readonly<Record<SessionState, { mark: string; word: string }>> = {
  IDLE: { mark: "·", word: "not started" },
  RUNNING: { mark: "○", word: "running" },
  COMPLETED: { mark: "✓", word: "completed" },
  FAILED: { mark: "✗", word: "failed" },
  CANCELLED: { mark: "⊘", word: "cancelled" },
};

export const CONNECTION_WORDS: Readonly<Record<ConnectionState, string>> = {
  connecting: "connecting…",
  connected: "connected",
  reconnecting: "reconnecting…",
  offline: "offline",
  refused: "refused",
};

/** Said under a message that did not end as it should; null where there is nothing to say. */
export const STATUS_WORDS: Readonly<Record<MessageStatus, string | null>> = {
  streaming: null,
  complete: null,
  interrupted: "interrupted",
  error: "failed",
  cancelled: "stopped",
};

export function clockTime(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function titleOf(session: { readonly title: string }): string {
  return session.title === "" ? "Untitled" : session.title;
}
