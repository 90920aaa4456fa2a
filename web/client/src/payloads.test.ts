import { expect, test } from "vitest";
import { callsOf, parseObject, resultOf, withArguments } from "./payloads.ts";
import { aMessage, anApproval } from "./testing.ts";
import type { ToolCall } from "./wire.ts";

test("a message without the payload of a request has no calls", () => {
  expect(callsOf(aMessage({ payload: null }))).toEqual([]);
  const calls = [{ callId: "c1" }];
  expect(callsOf(aMessage({ payload: { kind: "tool_request", calls } }))).toEqual(calls);
});

test("a result is read from its payload, its output from the message when the payload has none", () => {
  const payload = { kind: "tool_result", name: "read", status: "error", output: "", error: "gone", durationMs: 3 };
  const result = resultOf(aMessage({ payload, content: "the body" }));
  expect(result).toMatchObject({ name: "read", status: "error", error: "gone", output: "the body" });
});

test("a result whose body is not there yet is named by its author", () => {
  expect(resultOf(aMessage({ payload: null, author: "read" }))).toMatchObject({ name: "read", output: "" });
});

test.each([
  ['{"a": 1}', { a: 1 }],
  ["[1]", null],
  ["null", null],
  ["{", null],
])("%s parsed as an object", (text, expected) => {
  expect(parseObject(text)).toEqual(expected);
});

test("an approval whose arguments could not travel has those of its call", () => {
  const call = { arguments: { path: "b.py" } } as unknown as ToolCall;
  expect(withArguments(anApproval({ arguments: null, truncated: true }), call).arguments).toBe(call.arguments);
  expect(withArguments(anApproval(), call)).toEqual(anApproval());
});
