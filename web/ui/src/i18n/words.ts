/** What states are called on the page. Words and marks only. */

import { callsOf } from "@parley/client";
import type { ContextState, SessionState, Snapshot } from "@parley/client";
import type { Texts } from "./texts";

export type StateWords = Texts["session"]["state"];

/** What is going on in a session, from its context state and its runs. */
export function stateWords({ state, session, messages }: Snapshot, words: StateWords): string {
  const sessionState = session.state;
  switch (state.name) {
    case "awaiting_llm":
      return awaitingWords(state, words);
    case "streaming_response":
      return words.streaming;
    case "processing_tool":
      return runningWords(namesAtWork(messages, idsOf(state, "toolIds")), words);
    case "processing_workflow":
      return workflowWords(messages, words);
    case "awaiting_user":
      return sessionState === "RUNNING" ? waitingWords(state, words) : restWords(sessionState, words);
    case "error":
      return typeof state["message"] === "string" ? words.errorText(readableError(state["message"])) : words.error;
    case "archived":
      return words.archived;
    default:
      return restWords(sessionState, words);
  }
}

/** What the server says of an error, without the code in front. */
export function readableError(message: string): string {
  return message.replace(/^[a-z]+(_[a-z]+)+: (?=\S)/, "");
}

/** A model that failed is asked again later; who doesn't want to wait chooses another. */
function awaitingWords(state: ContextState, words: StateWords): string {
  const { retryAtUtc, reason } = state;
  if (typeof retryAtUtc !== "string") return words.awaitingModel;
  return words.awaitingRetry(retryAtUtc, typeof reason === "string" ? reason : words.error);
}

function waitingWords(state: ContextState, words: StateWords): string {
  const { length } = idsOf(state, "approvalIds");
  switch (state["reason"]) {
    case "tool":
      return length > 1 ? words.waitingApprovals(length) : words.waitingApproval;
    case "question":
      return words.waitingAnswer;
    case "limit":
      return words.waitingLimit;
    default:
      return words.waiting;
  }
}

function runningWords(names: readonly (string | null)[], words: StateWords): string {
  const [name = null] = names;
  if (names.length > 1) return words.runningTools(names.length);
  return name === null ? words.runningTool : words.runningNamed(name);
}

/** The tools of the calls `ids`; one that was never loaded counts, but has no name. */
function namesAtWork(messages: Snapshot["messages"], ids: readonly string[]): readonly (string | null)[] {
  const calls = messages.findLast(({ kind }) => kind === "tool_request" || kind === "mcp_tool_request");
  const names = new Map((calls ? callsOf(calls) : []).map(({ callId, name }) => [callId, name]));
  return ids.map((id) => names.get(id) ?? null);
}

interface Execution {
  readonly name?: unknown;
  readonly steps?: readonly unknown[];
  readonly currentStep?: number | null;
}

function workflowWords(messages: Snapshot["messages"], words: StateWords): string {
  const progress = messages.findLast(({ kind }) => kind === "workflow_execution");
  const { name, steps = [], currentStep } = (progress?.payload ?? {}) as Execution;
  if (typeof name !== "string" || typeof currentStep !== "number" || steps.length === 0) return words.workflow;
  return words.workflowStep(name, Math.min(currentStep + 1, steps.length), steps.length);
}

function idsOf(state: ContextState, field: string): readonly string[] {
  const ids = (state as Readonly<Record<string, unknown>>)[field];
  return Array.isArray(ids) ? (ids as string[]) : [];
}

/** Outside of a model's turn the session's own state says the most. */
function restWords(sessionState: SessionState, words: StateWords): string {
  switch (sessionState) {
    case "RUNNING":
      return words.working;
    case "FAILED":
      return words.idleAfterFailure;
    case "CANCELLED":
      return words.idleAfterStop;
    case "IDLE":
    case "COMPLETED":
      return words.idle;
  }
}

