/** What states are called on the page. Words and marks only. */

import type { ConnectionState } from "@parley/client";
import { callsOf } from "@parley/client";
import type { ContextState, MessageStatus, SessionState, Snapshot } from "@parley/client";

const IDLE = "idle";

/** What is going on in a session, from its context state and its runs. */
export function stateWords(snapshot: Snapshot): string {
  const { length } = snapshot.queue;
  return contextWords(snapshot) + (length > 0 ? `, ${length} queued` : "");
}

function contextWords({ state, session, messages }: Snapshot): string {
  const sessionState = session.state;
  switch (state.name) {
    case "awaiting_llm":
      return "waiting for the model";
    case "streaming_response":
      return "streaming";
    case "processing_tool":
      return runningWords(namesAtWork(messages, idsOf(state, "toolIds")));
    case "processing_workflow":
      return "running a workflow";
    case "awaiting_user":
      return sessionState === "RUNNING" ? waitingWords(state) : restWords(sessionState);
    case "error":
      return typeof state["message"] === "string" ? `error: ${state["message"]}` : "error";
    case "archived":
      return "archived";
    default:
      return restWords(sessionState);
  }
}

function waitingWords(state: ContextState): string {
  const { length } = idsOf(state, "approvalIds");
  switch (state["reason"]) {
    case "tool":
      return length > 1 ? `waiting for your approval of ${length} calls` : "waiting for your approval";
    case "question":
      return "waiting for your answer";
    case "limit":
      return "paused at a limit, waiting for you";
    default:
      return "waiting for you";
  }
}

function runningWords(names: readonly string[]): string {
  const [name] = names;
  if (name === undefined) return "running a tool";
  return names.length === 1 ? `running ${name}` : `running ${names.length} tools`;
}

/** The tools of the calls `ids`; one that was never loaded counts, but has no name. */
function namesAtWork(messages: Snapshot["messages"], ids: readonly string[]): readonly string[] {
  const calls = messages.findLast(({ kind }) => kind === "tool_request");
  const names = new Map((calls ? callsOf(calls) : []).map(({ callId, name }) => [callId, name]));
  return ids.map((id) => names.get(id) ?? "a tool");
}

function idsOf(state: ContextState, field: string): readonly string[] {
  const ids = state[field];
  return Array.isArray(ids) ? (ids as string[]) : [];
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
