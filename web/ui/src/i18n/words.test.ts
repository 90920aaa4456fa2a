import { expect, test } from "vitest";
import { aMessage, aSession, aSnapshot } from "@parley/client/testing";
import type { ContextState, SessionState } from "@parley/client";
import { en } from "./texts";
import { stateWords } from "./words";

function words(state: ContextState, session: SessionState): string {
  return stateWords(aSnapshot({ state, session: aSession({ state: session }) }), en.session.state);
}

function waiting(reason: string, ...approvalIds: string[]): ContextState {
  return { name: "awaiting_user", reason, approvalIds };
}

test.each<[ContextState, SessionState, string]>([
  [{ name: "initial" }, "IDLE", "idle"],
  [{ name: "awaiting_llm", requestId: "q" }, "RUNNING", "waiting for the model"],
  [{ name: "streaming_response", messageId: "m", sequence: 3 }, "RUNNING", "streaming"],
  [{ name: "processing_tool", toolIds: [] }, "RUNNING", "running a tool"],
  [{ name: "awaiting_user" }, "RUNNING", "waiting for you"],
  [waiting("tool", "a"), "RUNNING", "waiting for your approval"],
  [waiting("tool", "a", "b"), "RUNNING", "waiting for your approval of 2 calls"],
  [waiting("question", "a"), "RUNNING", "waiting for your answer"],
  [waiting("limit", "a"), "RUNNING", "paused at a limit, waiting for you"],
  [{ name: "awaiting_user" }, "COMPLETED", "idle"],
  [{ name: "active" }, "RUNNING", "working"],
  [{ name: "active" }, "CANCELLED", "idle (the last run was stopped)"],
  [{ name: "error", message: "429" }, "FAILED", "error: 429"],
  [{ name: "error", message: "provider_broken: It broke off" }, "FAILED", "error: It broke off"],
  [{ name: "archived" }, "IDLE", "archived"],
])("%o in a session that is %s reads “%s”", (state, session, expected) => {
  expect(words(state, session)).toBe(expected);
});

test("a model that is asked again later says when and why", () => {
  const at = new Date(2026, 10, 20, 14, 5).toISOString();
  const state = { name: "awaiting_llm", requestId: "q", retryAtUtc: at, reason: "too many requests" };
  const said = words(state, "RUNNING");
  expect(said).toMatch(/^asking the model again at 0?2:05/);
  expect(said).toContain("(too many requests)");
  expect(words({ ...state, retryAtUtc: null, reason: null }, "RUNNING")).toBe("waiting for the model");
});

test.each([
  [["c1"], "running search_code"],
  [["c1", "c2"], "running 2 tools"],
  [["unknown"], "running a tool"],
])("the calls %o at work read “%s”", (toolIds, expected) => {
  const calls = ["c1", "c2"].map((callId) => ({ callId, name: "search_code" }));
  const asked = aMessage({ kind: "tool_request", payload: { kind: "tool_request", calls } });
  const session = aSession({ state: "RUNNING" });
  const state = { name: "processing_tool", toolIds };
  expect(stateWords(aSnapshot({ state, session, messages: [asked, aMessage({ id: "later" })] }), en.session.state)).toBe(expected);
});

test.each([
  [1, "running workflow review, step 2 of 3"],
  [null, "running a workflow"],
])("a workflow at step %o reads “%s”", (currentStep, expected) => {
  const payload = { name: "review", steps: [{}, {}, {}], currentStep };
  const messages = [aMessage({ kind: "workflow_execution", payload })];
  const state = { name: "processing_workflow", workflowId: "w" };
  const snapshot = aSnapshot({ state, session: aSession({ state: "RUNNING" }), messages });
  expect(stateWords(snapshot, en.session.state)).toBe(expected);
});
