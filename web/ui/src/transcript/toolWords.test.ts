import { expect, test } from "vitest";
import { CallError } from "@parley/client";
import { anAnswered, anApproval } from "@parley/client/testing";
import type { Approval, ToolCall, ToolResult } from "@parley/client";
import { answeredWords, argumentsLine, durationWords, firstLine, outcomeWords, refusalWords } from "./toolWords";

test.each<[Partial<Approval>, string]>([
  [{}, "Approved by ann"],
  [{ decidedBy: "me" }, "Approved by you"],
  [{ scope: "session" }, "Approved for this session by ann"],
  [{ decision: "edit" }, "Approved with changes by ann"],
  [{ state: "denied", decision: "deny" }, "Denied by ann"],
  [{ state: "denied", decision: "deny", answer: "not now" }, "Denied by ann: not now"],
  [{ kind: "question", state: "denied" }, "Declined by ann"],
  [{ kind: "question", state: "responded", answer: "cedar" }, "Answered by ann: cedar"],
  [{ state: "cancelled", decidedBy: null }, "write_file was withdrawn before anyone answered"],
  [{ kind: "question", tool: null, state: "cancelled" }, "The question was withdrawn before anyone answered"],
  [{ state: "expired", decidedBy: null }, "Nobody answered in time"],
])("an answered approval with %o reads “%s”", (change, expected) => {
  expect(answeredWords(anAnswered(change), "me")).toBe(expected);
});

test("an approval that is pending says so", () => {
  expect(answeredWords(anApproval(), "me")).toBe("Waiting for an answer");
});

test.each([
  ["ann", "approve", "Your answer came second: ann approved this. Nothing was done twice."],
  ["me", "deny", "Your answer came second: you denied this in another window. Nothing was done twice."],
  [undefined, undefined, "Your answer came second: somebody answered this. Nothing was done twice."],
])("who comes after %s with %s is told kindly", (decidedBy, decision, expected) => {
  const details = { decidedBy, decision };
  const error = new CallError({ code: "approval_resolved", message: "no", retryable: false, details });
  expect(refusalWords(error, "me")).toBe(expected);
});

test("other refusals keep the server's words, and an unknown approval has its own", () => {
  const refused = (code: string) => new CallError({ code, message: "The words", retryable: false, details: {} });
  expect(refusalWords(refused("forbidden"), null)).toBe("The words");
  expect(refusalWords(refused("approval_not_found"), null)).toBe("This is no longer waiting for an answer.");
  expect(refusalWords(new Error("broken"), null)).toBe("broken");
});

test.each<[Partial<ToolCall>, string]>([
  [{}, "path: a.py, line: 3"],
  [{ arguments: { text: "one\ntwo", all: { deep: true } } }, 'text: one, all: {"deep":true}'],
  [{ arguments: {}, rawArguments: "{broken" }, "{broken"],
  [{ arguments: {} }, ""],
])("arguments in one line: %o", (change, expected) => {
  const call: ToolCall = {
    callId: "c1",
    name: "read",
    arguments: { path: "a.py", line: 3 },
    risk: "read_only",
    status: "pending",
    decidedBy: null,
    decidedAt: null,
    ...change,
  };
  expect(argumentsLine(call)).toBe(expected);
});

test("the first line that says something, not too long", () => {
  expect(firstLine("\n  \nfound it\nmore")).toBe("found it");
  expect(firstLine("x".repeat(500))).toBe(`${"x".repeat(160)}…`);
  expect(firstLine("")).toBe("");
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1_500, "1.5 s"],
  [61_000, "1 min 1 s"],
])("%i ms read “%s”", (ms, expected) => {
  expect(durationWords(ms)).toBe(expected);
});

test.each<[ToolResult["status"], number, string]>([
  ["ok", 12, "12 ms"],
  ["timeout", 2_000, "timed out · 2.0 s"],
  ["denied", 0, "denied"],
])("a result that is %s after %i ms reads “%s”", (status, durationMs, expected) => {
  expect(outcomeWords({ callId: "c1", name: "read", status, output: "", error: null, durationMs })).toBe(expected);
});
