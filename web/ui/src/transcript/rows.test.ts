import { expect, test } from "vitest";
import { aMessage, anAnswered } from "@parley/client/testing";
import type { Message } from "@parley/client";
import { placed } from "./approvals/placement";
import type { BranchHistory } from "./history";
import { requestBefore, resultsAfter } from "./pairing";
import { questionsAtEnd, rowAt, sameRow } from "./rows";

const NOTHING = placed([]);

function request(id: string, ...callIds: string[]): Message {
  const calls = callIds.map((callId) => ({ callId, name: "search", arguments: {}, risk: "read_only", status: "done" }));
  return aMessage({ id, kind: "tool_request", messageType: "tool", payload: { kind: "tool_request", calls } });
}

function result(callId: string): Message {
  const payload = { kind: "tool_result", callId, name: "search", status: "ok", output: "x" };
  return aMessage({ id: `r-${callId}`, kind: "tool_result", messageType: "tool", payload });
}

function historyOf(...messages: (Message | undefined)[]): BranchHistory {
  return { key: "k", length: messages.length, at: (position) => messages[position - 1], want: () => undefined };
}

test("results stand with the request that they answer, whatever came in between", () => {
  const said = aMessage({ id: "said" });
  const { at } = historyOf(request("q", "a", "b"), result("b"), said, result("a"), result("other"));
  expect(resultsAfter(at, 1).map(({ id }) => id)).toEqual(["r-b", "r-a"]);
  expect([1, 2, 3, 4, 5].map((position) => requestBefore(at, position))).toEqual([null, 1, null, 1, null]);
});

test("a result whose request is not loaded stands alone", () => {
  expect(requestBefore(historyOf(undefined, result("a")).at, 2)).toBeNull();
});

test("the row of a result that is shown elsewhere is empty", () => {
  const history = historyOf(request("q", "a"), result("a"));
  expect(rowAt(history, 1, NOTHING)).toMatchObject({ elsewhere: false, results: [{ id: "r-a" }] });
  expect(rowAt(history, 2, NOTHING)).toMatchObject({ elsewhere: true });
});

test("a message that is not loaded has a row with nothing in it", () => {
  expect(rowAt(historyOf(undefined), 1, NOTHING).message).toBeUndefined();
});

test("an answered question stands before the message that came next, or at the end", () => {
  const at = (minute: number) => `2026-11-20T09:0${minute}:00.000Z`;
  const [one, two] = [1, 3].map((minute) => aMessage({ id: `m${minute}`, createdAtUtc: at(minute) }));
  const questions = [2, 4].map((minute) =>
    anAnswered({ id: `q${minute}`, kind: "question", messageId: null, requestedAtUtc: at(minute) }),
  );
  const history = historyOf(one, two);
  expect(rowAt(history, 2, placed(questions)).questions.map(({ id }) => id)).toEqual(["q2"]);
  expect(questionsAtEnd(history, placed(questions)).map(({ id }) => id)).toEqual(["q4"]);
  expect(rowAt(historyOf(undefined, two), 2, placed(questions)).questions).toEqual([]);
});

test("a row is the same for as long as what it shows is", () => {
  const messages = [request("q", "a"), result("a")];
  const row = rowAt(historyOf(...messages), 1, NOTHING);
  expect(sameRow(row, rowAt(historyOf(...messages), 1, NOTHING))).toBe(true);
  expect(sameRow(row, rowAt(historyOf(messages[0]), 1, NOTHING))).toBe(false);
});

test("an agent that goes on a moment later needs no second head; after a pause, a tool or a question it does", () => {
  const said = (id: string, minute: number, rest: Partial<Message> = {}) =>
    aMessage({ id, role: "agent", author: "assistant", createdAtUtc: `2026-11-20T09:0${minute}:00.000Z`, ...rest });
  const history = historyOf(
    said("a", 0),
    said("b", 1),
    said("c", 7),
    said("d", 7, { author: "other" }),
    request("q", "x"),
    said("e", 8),
  );
  const continued = [1, 2, 3, 4, 5, 6].map((position) => rowAt(history, position, NOTHING).continued);
  expect(continued).toEqual([false, true, false, false, false, false]);
});
