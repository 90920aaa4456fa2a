import { expect, test } from "vitest";
import { anAnswered, anApproval } from "@parley/client/testing";
import type { Approval } from "@parley/client";
import { allApprovals, askedBetween, placed } from "./placement";

function question(minute: number, state: Approval["state"] = "responded"): Approval {
  const requestedAtUtc = `2026-11-20T09:0${minute}:00.000Z`;
  return anAnswered({ id: `q${minute}`, kind: "question", messageId: null, callId: null, state, requestedAtUtc });
}

test("each approval is there once, as it was last heard of", () => {
  const before = anAnswered({ id: "old" });
  const stale = anApproval({ id: "a1" });
  const answered = anAnswered({ id: "a1" });
  const pending = anApproval({ id: "a2" });
  expect(allApprovals([pending], [answered], [before, stale])).toEqual([before, pending, answered]);
});

test("approvals of tools go with the message of their call", () => {
  const approvals = [anApproval({ id: "a1", messageId: "m1" }), anApproval({ id: "a2", messageId: "m1" })];
  expect(placed(approvals).ofMessage.get("m1")).toEqual(approvals);
});

test("questions that wait are apart from those that were answered, which are in the order of asking", () => {
  const { answered, waiting } = placed([question(4), question(2), question(3, "pending")]);
  expect(answered.map(({ id }) => id)).toEqual(["q2", "q4"]);
  expect(waiting.map(({ id }) => id)).toEqual(["q3"]);
});

test("what was asked between two messages stands there", () => {
  const asked = [question(1), question(2), question(3)];
  const between = askedBetween(asked, "2026-11-20T09:02:00.000Z", "2026-11-20T09:03:00.000Z");
  expect(between.map(({ id }) => id)).toEqual(["q2"]);
});
