import { describe, expect, test } from "vitest";
import { applyEvent, withEarlier } from "./reducer.ts";
import { aBranch, aMessage, aRun, aSession, aSnapshot, anAnswered, anApproval, anEvent } from "./testing.ts";
import type { SessionEvent, Snapshot } from "./wire.ts";

function fold(snapshot: Snapshot, ...events: [type: string, data: unknown][]): Snapshot {
  return events.reduce(
    (folded, [type, data]) => applyEvent(folded, anEvent(folded.head + 1, type, data)),
    snapshot,
  );
}

describe("sessions", () => {
  test("session.created brings the session, at this event's head", () => {
    const folded = fold(aSnapshot(), [
      "session.created",
      { session: aSession({ title: "New", head: 0 }), model: "demo" },
    ]);
    expect(folded.session).toMatchObject({ title: "New", head: 2 });
  });

  test("session.renamed changes title and version", () => {
    const folded = fold(aSnapshot(), ["session.renamed", { title: "Better", version: 2 }]);
    expect(folded.session).toMatchObject({ title: "Better", version: 2, state: "IDLE" });
  });

  test("whatever edits the session brings the version that it makes of it", () => {
    const edits: [string, object][] = [
      ["context.mode_changed", { mode: "plan" }],
      ["context.state_changed", { state: { name: "archived" } }],
      ["plan.changed", { items: [] }],
    ];
    for (const [type, data] of edits) {
      expect(fold(aSnapshot(), [type, { ...data, version: 7 }]).session.version).toBe(7);
      expect(fold(aSnapshot(), [type, data]).session.version).toBe(aSnapshot().session.version);
    }
  });

  test("session.state_changed changes the state and when it ended", () => {
    const change = { state: "COMPLETED", completedAtUtc: "2026-11-20T10:00:01.000Z" };
    expect(fold(aSnapshot(), ["session.state_changed", change]).session).toMatchObject(change);
  });

  test.each(["session.deleted", "session.restored"])("%s leaves the content as it was", (type) => {
    const before = aSnapshot({ messages: [aMessage()] });
    expect(fold(before, [type, {}]).messages).toBe(before.messages);
  });
});

describe("the context", () => {
  test("context.state_changed replaces the whole state", () => {
    const before = aSnapshot({ state: { name: "awaiting_llm", requestId: "q1" } });
    const folded = fold(before, ["context.state_changed", { state: { name: "active" } }]);
    expect(folded.state).toEqual({ name: "active" });
  });

  test("context.model_changed and context.mode_changed", () => {
    const folded = fold(
      aSnapshot(),
      ["context.model_changed", { model: "large" }],
      ["context.mode_changed", { mode: "plan" }],
    );
    expect(folded).toMatchObject({ model: "large", mode: "plan" });
  });
});

describe("messages", () => {
  test("message.created appends and counts", () => {
    const folded = fold(aSnapshot(), ["message.created", { message: aMessage() }]);
    expect(folded.messages).toEqual([aMessage()]);
    expect(folded.session.messageCount).toBe(1);
    expect(folded.branches).toEqual([aBranch({ length: 1 })]);
  });

  test("message.delta adds to the text and moves the sequence, of that message alone", () => {
    const other = aMessage({ id: "m0", content: "before", status: "complete" });
    const folded = fold(
      aSnapshot({ messages: [other, aMessage()] }),
      ["message.delta", { messageId: "m1", sequence: 1, delta: "Hel" }],
      ["message.delta", { messageId: "m1", sequence: 2, delta: "lo" }],
    );
    expect(folded.messages).toEqual([other, aMessage({ content: "Hello", sequence: 2 })]);
    expect(folded.messages[0]).toBe(other);
    expect(folded.state).toEqual({ name: "streaming_response", messageId: "m1", sequence: 2 });
  });

  test("a delta that a pulled body held already changes nothing", () => {
    const before = aSnapshot({ messages: [aMessage({ content: "Hello", sequence: 2 })] });
    const folded = fold(before, ["message.delta", { messageId: "m1", sequence: 2, delta: "lo" }]);
    expect(folded.messages).toEqual(before.messages);
  });

  test("message.completed adds what the reply cost", () => {
    const usage = { inputTokens: 10, outputTokens: 5, estimated: true };
    const message = aMessage({ payload: { kind: "streaming_response", usage } });
    const folded = fold(
      aSnapshot({ messages: [aMessage()] }),
      ["message.completed", { message }],
      ["message.completed", { message }],
    );
    expect(folded.usage).toEqual({ inputTokens: 20, outputTokens: 10, estimated: true });
  });

  test("message.completed puts the final message in place of the streamed one and counts none", () => {
    const final = aMessage({ content: "Hello", status: "complete", sequence: 2 });
    const folded = fold(aSnapshot({ messages: [aMessage()] }), ["message.completed", { message: final }]);
    expect(folded.messages).toEqual([final]);
    expect(folded.session.messageCount).toBe(0);
  });

  test("message.updated changes a message in place", () => {
    const first = aMessage({ id: "m0" });
    const next = aMessage({ id: "m0", status: "cancelled" });
    const folded = fold(aSnapshot({ messages: [first, aMessage()] }), ["message.updated", { message: next }]);
    expect(folded.messages).toEqual([next, aMessage()]);
  });

  test("a message that was never loaded is left alone", () => {
    const before = aSnapshot({ messages: [aMessage()] });
    const folded = fold(before, ["message.updated", { message: aMessage({ id: "long-ago" }) }]);
    expect(folded.messages).toBe(before.messages);
  });

  test("a message that comes without its body keeps the one that is known, and says so", () => {
    const before = aSnapshot({ messages: [aMessage({ content: "streamed", sequence: 9 })] });
    const message = aMessage({ status: "complete", sequence: 9, truncated: true });
    const folded = fold(before, ["message.completed", { message, truncated: true, size: 70_000 }]);
    expect(folded.messages).toEqual([{ ...message, content: "streamed" }]);
  });

  test("an update without its body keeps the payload that is known, and is pulled anew each time", () => {
    const payload = { kind: "tool_request", calls: [] };
    const before = aSnapshot({ messages: [aMessage({ payload })] });
    const update = { message: aMessage({ truncated: true }), truncated: true, size: 70_000 };
    const folded = fold(before, ["message.updated", update], ["message.updated", update]);
    expect(folded.messages[0]).toMatchObject({ payload, truncated: true, revision: 3 });
  });

  test("an earlier page goes in front, without what is already there", () => {
    const [early, late] = [aMessage({ id: "m0" }), aMessage()];
    expect(withEarlier(aSnapshot({ messages: [late] }), [early, late]).messages).toEqual([early, late]);
  });
});

describe("runs", () => {
  test("a run queues, starts and finishes", () => {
    const queued = fold(aSnapshot(), ["run.queued", { run: aRun() }]);
    expect(queued).toMatchObject({ run: null, queue: [aRun()] });
    const running = aRun({ state: "running" });
    const started = fold(queued, ["run.started", { run: running }]);
    expect(started).toMatchObject({ run: running, queue: [] });
    const finished = fold(started, ["run.finished", { run: aRun({ state: "completed" }) }]);
    expect(finished).toMatchObject({ run: null, queue: [] });
  });

  test("a run dropped from the queue leaves the active one alone", () => {
    const active = aRun({ id: "r0", state: "running" });
    const before = aSnapshot({ run: active, queue: [aRun()] });
    const folded = fold(before, ["run.finished", { run: aRun({ state: "cancelled" }) }]);
    expect(folded).toMatchObject({ run: active, queue: [] });
  });
});

describe("approvals", () => {
  const running = aRun({ state: "running" });
  const asked = fold(
    aSnapshot({ run: running }),
    ["approval.requested", { approval: anApproval() }],
    ["approval.requested", { approval: anApproval({ id: "a2", callId: "call-2" }) }],
  );

  test("a request makes the run wait", () => {
    expect(asked.approvals.map(({ id }) => id)).toEqual(["a1", "a2"]);
    expect(asked.run).toEqual({ ...running, state: "awaiting_input" });
  });

  test("the run goes on with the last answer, and answers stay at hand", () => {
    const once = fold(asked, ["approval.resolved", { approval: anAnswered() }]);
    expect(once.run?.state).toBe("awaiting_input");
    const both = fold(once, ["approval.resolved", { approval: anAnswered({ id: "a2", state: "denied" }) }]);
    expect(both).toMatchObject({ run: running, approvals: [], grants: [] });
    expect(both.answered?.map(({ id, state }) => [id, state])).toEqual([["a1", "approved"], ["a2", "denied"]]);
  });

  test("a tool allowed for the session is granted once, until that is taken back", () => {
    const granted = fold(
      asked,
      ["approval.resolved", { approval: anAnswered({ scope: "session" }) }],
      ["approval.resolved", { approval: anAnswered({ id: "a2", scope: "session", decidedBy: "bob" }) }],
    );
    expect(granted.grants).toEqual([
      { tool: "write_file", grantedBy: "ann", grantedAtUtc: "2026-11-20T09:00:00.000Z" },
    ]);
    expect(fold(granted, ["approval.revoked", { tool: "write_file" }]).grants).toEqual([]);
  });

  test("an answered question grants nothing", () => {
    const answer = anAnswered({ kind: "question", tool: null, state: "responded", scope: "session" });
    expect(fold(asked, ["approval.resolved", { approval: answer }]).grants).toEqual([]);
  });
});

describe("branches", () => {
  const seen = aMessage({ id: "m1", status: "complete" });
  const before = aSnapshot({ messages: [seen], branches: [aBranch(), aBranch({ name: "other", length: 2 })] });

  test("a switch shows the other path; what was never seen is pulled, anew for each switch", () => {
    const folded = fold(before, ["branch.switched", { name: "other", messageIds: ["m1", "m9"] }]);
    expect(folded).toMatchObject({ activeBranch: "other", session: { messageCount: 2 } });
    expect(folded.messages[0]).toBe(seen);
    expect(folded.messages[1]).toMatchObject({ id: "m9", truncated: true, revision: 2 });
  });

  test("a merge into the active branch adds what its path gained, one into another branch nothing", () => {
    const main = aBranch({ length: 2 });
    const plan = [{ id: "1", text: "look", status: "done" }];
    const folded = fold(before, ["branch.merged", { branch: main, plan, messages: [{ id: "m9" }] }]);
    expect(folded.messages.map(({ id }) => id)).toEqual(["m1", "m9"]);
    expect(folded.plan).toEqual(plan);
    const other = aBranch({ name: "other", length: 3 });
    const aside = fold(before, ["branch.merged", { branch: other, messages: [{ id: "m9" }] }]);
    expect(aside.messages).toBe(before.messages);
    expect(aside.branches).toContain(other);
  });

  test("a merge of more than is listed leaves the newest, and pins that no event names as they are", () => {
    const data = { branch: aBranch({ length: 1_002 }), messages: [{ id: "m9" }], hasMore: true };
    const pins = [{ id: "p1", messageId: null, text: "Oaks are trees", createdAtUtc: "", createdBy: "ann" }];
    const folded = fold({ ...before, pins }, ["branch.merged", data]);
    expect(folded.messages.map(({ id }) => id)).toEqual(["m9"]);
    expect(folded.pins).toBe(pins);
  });
});

describe("every event", () => {
  const delta = anEvent(2, "message.delta", { messageId: "m1", sequence: 1, delta: "x" });
  const unknown = anEvent(2, "weather.changed", { items: [] });

  test.each<[string, SessionEvent]>([
    ["known", delta],
    ["unknown", unknown],
    ["named like a property of every object", anEvent(2, "constructor", {})],
  ])("moves the head of snapshot and session: %s", (_name, event) => {
    expect(applyEvent(aSnapshot(), event)).toMatchObject({ head: 2, session: { head: 2 } });
  });

  test("but a delta says when the session was updated", () => {
    expect(applyEvent(aSnapshot(), delta).session.updatedAtUtc).toBe("2026-11-20T09:00:00.000Z");
    expect(applyEvent(aSnapshot(), unknown).session.updatedAtUtc).toBe(unknown.at);
  });

  test("leaves the snapshot it was given as it was", () => {
    const before = aSnapshot({ messages: [aMessage()], queue: [aRun()] });
    const copy = structuredClone(before);
    fold(
      before,
      ["message.delta", { messageId: "m1", sequence: 1, delta: "x" }],
      ["run.started", { run: aRun() }],
      ["session.renamed", { title: "x", version: 2 }],
    );
    expect(before).toEqual(copy);
  });
});
