import { expect, test } from "vitest";
import { aRun, aSession, aSnapshot } from "../protocol/testing";
import type { ContextState, SessionState } from "../protocol/wire";
import { stateWords } from "./words";

function words(state: ContextState, session: SessionState): string {
  return stateWords(aSnapshot({ state, session: aSession({ state: session }) }));
}

test.each<[ContextState, SessionState, string]>([
  [{ name: "initial" }, "IDLE", "idle"],
  [{ name: "awaiting_llm", requestId: "q" }, "RUNNING", "waiting for the model"],
  [{ name: "streaming_response", messageId: "m", sequence: 3 }, "RUNNING", "streaming"],
  [{ name: "processing_tool", toolIds: [] }, "RUNNING", "running a tool"],
  [{ name: "awaiting_user" }, "RUNNING", "waiting for you"],
  [{ name: "awaiting_user" }, "COMPLETED", "idle"],
  [{ name: "active" }, "RUNNING", "working"],
  [{ name: "active" }, "CANCELLED", "idle (the last run was stopped)"],
  [{ name: "error", message: "429" }, "FAILED", "error: 429"],
  [{ name: "archived" }, "IDLE", "archived"],
])("%o in a session that is %s reads “%s”", (state, session, expected) => {
  expect(words(state, session)).toBe(expected);
});

test("what is queued is counted", () => {
  expect(stateWords(aSnapshot({ queue: [aRun(), aRun({ id: "r2" })] }))).toBe("idle, 2 queued");
});
