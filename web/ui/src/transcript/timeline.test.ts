import { expect, test } from "vitest";
import { aMessage, anAnswered, anApproval } from "@parley/client/testing";
import type { Approval, Message } from "@parley/client";
import { allApprovals, byMessage, timeline } from "./timeline";

const first = messageAt("m1", 1);
const second = messageAt("m2", 3);

function messageAt(id: string, minute: number): Message {
  return aMessage({ id, createdAtUtc: `2026-11-20T09:0${minute}:00.000Z` });
}

function question(minute: number, state: Approval["state"] = "responded"): Approval {
  const requestedAtUtc = `2026-11-20T09:0${minute}:00.000Z`;
  return anAnswered({ id: `q${minute}`, kind: "question", messageId: null, callId: null, state, requestedAtUtc });
}

function ids(messages: readonly Message[], approvals: readonly Approval[], whole = true): readonly string[] {
  return timeline(messages, approvals, byMessage(approvals), whole).map((entry) =>
    entry.kind === "message" ? entry.message.id : entry.approval.id,
  );
}

test("answered questions stand where they were asked", () => {
  expect(ids([first, second], [question(4), question(2)])).toEqual(["m1", "q2", "m2", "q4"]);
});

test("a pending question stands at the end, whatever was said since", () => {
  expect(ids([first, second], [question(2, "pending")])).toEqual(["m1", "m2", "q2"]);
});

test("a question from before what is loaded is left out until that is loaded too", () => {
  expect(ids([second], [question(2)], false)).toEqual(["m2"]);
  expect(ids([second], [question(2)], true)).toEqual(["q2", "m2"]);
});

test("approvals of tools go with the message of the call, and others share one empty list", () => {
  const approvals = [anApproval({ id: "a1", messageId: "m1" }), anApproval({ id: "a2", messageId: "m1" })];
  const [one, two] = timeline([first, second], approvals, byMessage(approvals), true);
  expect(one).toMatchObject({ kind: "message", approvals });
  expect(two).toMatchObject({ kind: "message", approvals: [] });
});

test("each approval is there once, as it was last heard of", () => {
  const before = anAnswered({ id: "old" });
  const stale = anApproval({ id: "a1" });
  const answered = anAnswered({ id: "a1" });
  const pending = anApproval({ id: "a2" });
  expect(allApprovals([pending], [answered], [before, stale])).toEqual([before, pending, answered]);
});
