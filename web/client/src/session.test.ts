import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HubClient } from "./hubClient.ts";
import type { Store } from "./outbox.ts";
import { Rest } from "./rest.ts";
import type { LiveSession, SessionView } from "./session.ts";
import { EPOCH, FakeSocket, MemoryStore, SESSION_ID, aMessage, aSnapshot, anEvent, joinAck } from "./testing.ts";
import { EXPIRES_MS, SAID_EVERY_MS } from "./typing.ts";

let socket: FakeSocket;
let hub: HubClient;
let session: LiveSession;
let views: SessionView[];

function begin(store: Store | null): void {
  socket = new FakeSocket();
  hub = new HubClient(socket, new Rest(null, "http://127.0.0.1:9"), { store });
  hub.start();
  socket.accept();
  session = hub.session(SESSION_ID);
  views = [];
  session.changes.listen((view) => views.push(view));
  session.open();
}

beforeEach(() => {
  vi.useFakeTimers();
  begin(null);
});

afterEach(() => {
  session.close();
  hub.close();
  vi.useRealTimers();
});

const goLive = (change: Readonly<Record<string, unknown>> = {}) =>
  socket.last("join_session").ack(joinAck({ snapshot: aSnapshot(), presenceVersion: 1, ...change }));
const sends = () => socket.calls("send_message");
const outbox = () => session.view.outbox.map(({ content, state }) => [content, state]);
const ARCHIVED = { code: "illegal_transition", message: "Archived", retryable: false, details: {} };
const REFUSED = { ok: false, error: ARCHIVED };

function reconnect(): void {
  socket.drop();
  vi.advanceTimersByTime(10_000);
  socket.accept();
}

function created(seq: number, id: string, clientMessageId: string): void {
  const message = aMessage({ id, role: "user", status: "complete", clientMessageId });
  socket.fire("event", anEvent(seq, "message.created", { message }));
}

describe("a message that was sent", () => {
  beforeEach(() => goLive());

  test("is in the outbox at once, and leaves it in the change that brings the message", () => {
    const { clientMessageId } = session.send({ content: "Hello" });
    expect(outbox()).toEqual([["Hello", "sending"]]);
    sends()[0]?.ack({ ok: true, messageId: "m1", seq: 2, runId: "r1" });
    expect(outbox()).toEqual([["Hello", "sending"]]);
    views.length = 0;
    created(2, "m1", clientMessageId);
    expect(views.map(({ outbox: waiting, snapshot }) => [waiting.length, snapshot?.messages.length])).toEqual([[0, 1]]);
  });

  test("leaves it when the message comes before the answer, and the promise knows it", async () => {
    const { clientMessageId, sent } = session.send({ content: "Hello" });
    created(2, "m1", clientMessageId);
    expect(outbox()).toEqual([]);
    await expect(sent).resolves.toMatchObject({ messageId: "m1" });
    reconnect();
    expect(sends()).toHaveLength(1);
  });

  test("is sent after the one before it was answered, so that the order stays", () => {
    session.send({ content: "first" });
    session.send({ content: "second" });
    expect(sends().map(({ args }) => args["content"])).toEqual(["first"]);
    sends()[0]?.ack({ ok: true, messageId: "m1", seq: 2, runId: "r1" });
    expect(sends().map(({ args }) => args["content"])).toEqual(["first", "second"]);
  });

  test("is repeated under the same id until it is answered", () => {
    session.send({ content: "Hello" });
    reconnect();
    sends()[1]?.ack({ ok: false, error: { code: "storage_unavailable", message: "", retryable: true, details: {} } });
    vi.advanceTimersByTime(10_000);
    const ids = sends().map(({ args }) => args["clientMessageId"]);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  test("that was answered and not shown yet is done when its session is closed", () => {
    session.send({ content: "Hello" });
    sends()[0]?.ack({ ok: true, messageId: "m1", seq: 2, runId: "r1" });
    expect(outbox()).toHaveLength(1);
    session.close();
    session.open();
    expect(outbox()).toEqual([]);
  });

  test("waits for a connection, and says so", () => {
    session.send({ content: "Hello" });
    socket.drop();
    expect(outbox()).toEqual([["Hello", "queued_offline"]]);
    session.discard(session.view.outbox[0]?.clientMessageId ?? "");
    socket.sent.splice(0);
    session.send({ content: "Hello" });
    expect(outbox()).toEqual([["Hello", "queued_offline"]]);
    vi.advanceTimersByTime(10_000);
    socket.accept();
    expect(outbox()).toEqual([["Hello", "sending"]]);
    expect(sends()).toHaveLength(1);
  });

  test("and refused is failed, and does not hold up the next; it can be tried again or discarded", async () => {
    const { clientMessageId, sent } = session.send({ content: "first" });
    session.send({ content: "second" });
    sends()[0]?.ack(REFUSED);
    await expect(sent).rejects.toMatchObject({ code: "illegal_transition" });
    expect(outbox()).toEqual([
      ["first", "failed"],
      ["second", "sending"],
    ]);
    expect(session.view.outbox[0]?.error?.message).toBe("Archived");
    sends()[1]?.ack({ ok: true, messageId: "m2", seq: 1, runId: "r1" });
    session.retrySending(clientMessageId);
    expect(sends()[2]?.args).toMatchObject({ content: "first", clientMessageId });
    sends()[2]?.ack(REFUSED);
    session.discard(clientMessageId);
    expect(outbox()).toEqual([]);
  });

  test("leaves the outbox when the snapshot is past it, though it shows the message no more", () => {
    session.send({ content: "Hello" });
    sends()[0]?.ack({ ok: true, messageId: "m1", seq: 5, runId: "r1" });
    socket.fire("resync", { sessionId: SESSION_ID, reason: "import" });
    goLive({ snapshot: aSnapshot({ head: 9 }) });
    expect(outbox()).toEqual([]);
  });

  test("goes out while its session is closed", () => {
    session.send({ content: "first" });
    session.send({ content: "second" });
    session.close();
    sends()[0]?.ack({ ok: true, messageId: "m1", seq: 2, runId: "r1" });
    expect(sends()).toHaveLength(2);
    session.open();
    expect(outbox()).toEqual([["second", "sending"]]);
    goLive({ snapshot: aSnapshot({ head: 3 }) });
    expect(outbox()).toEqual([["second", "sending"]]);
  });
});

test("what is not answered survives a reload of the page, a refusal too", () => {
  const store = new MemoryStore();
  session.close();
  hub.close();
  begin(store);
  goLive();
  session.send({ content: "refused" });
  sends()[0]?.ack(REFUSED);
  session.send({ content: "on its way" });
  const { clientMessageId } = session.view.outbox[1] ?? {};
  session.close();
  hub.close();
  begin(store);
  expect(sends().map(({ args }) => args)).toMatchObject([{ content: "on its way", clientMessageId }]);
  goLive();
  expect(outbox()).toEqual([
    ["refused", "failed"],
    ["on its way", "sending"],
  ]);
  expect(session.view.outbox[0]?.error).toMatchObject({ code: "illegal_transition" });
});

describe("presence", () => {
  const ann = { userId: "ann", name: "Ann", connections: 1 };
  const bob = { userId: "bob", name: "Bob", connections: 1 };
  const change = (version: number, more: object) =>
    socket.fire("presence", { sessionId: SESSION_ID, version, joined: [], left: [], ...more });
  const names = () => session.view.presence.participants.map(({ name }) => name);

  test("begins with the answer to the join and follows the differences", () => {
    goLive({ participants: [ann] });
    change(2, { joined: [bob] });
    change(2, { left: [ann] });
    expect(names()).toEqual(["Ann", "Bob"]);
    change(3, { left: [ann] });
    expect(names()).toEqual(["Bob"]);
  });

  test("joins again when a difference is missing, or a head knows of one", () => {
    goLive({ participants: [ann] });
    change(3, { joined: [bob] });
    expect(socket.last("join_session").args).toMatchObject({ after: 1, epoch: EPOCH });
    socket.last("join_session").ack(joinAck({ participants: [ann, bob], presenceVersion: 3 }));
    expect(names()).toEqual(["Ann", "Bob"]);
    socket.fire("head", { sessionId: SESSION_ID, epoch: EPOCH, seq: 1, presenceVersion: 4 });
    expect(socket.calls("join_session")).toHaveLength(3);
  });

  test("counts where there are too many to be named, and asks when there are fewer again", () => {
    goLive({ participants: [ann] });
    change(2, { count: 150 });
    expect(session.view.presence.count).toBe(150);
    change(3, { left: [bob] });
    expect(socket.calls("join_session")).toHaveLength(2);
  });
});

describe("typing", () => {
  const said = () => socket.calls("broadcast_message").map(({ args }) => args["data"] as { on: boolean });
  const hear = (on: boolean, userId = "ann") => {
    const data = { type: "typing", on, tab: "1" };
    socket.fire("broadcast", { sessionId: SESSION_ID, from: { userId, name: userId }, data });
  };
  const typists = () => session.view.typing.map(({ userId }) => userId);

  beforeEach(() => goLive());

  test("is said at most every three seconds, and once when it ends", () => {
    session.setTyping(true);
    session.setTyping(true);
    vi.advanceTimersByTime(SAID_EVERY_MS);
    session.setTyping(true);
    session.setTyping(false);
    session.setTyping(false);
    expect(said().map(({ on }) => on)).toEqual([true, true, false]);
  });

  test("of others is shown until they stop, say no more, send, or leave", () => {
    hear(true);
    hear(true, "bob");
    expect(typists()).toEqual(["ann", "bob"]);
    hear(false);
    expect(typists()).toEqual(["bob"]);
    vi.advanceTimersByTime(EXPIRES_MS);
    expect(typists()).toEqual([]);
    hear(true);
    socket.fire("event", anEvent(2, "message.created", { message: aMessage({ role: "user", author: "ann" }) }));
    expect(typists()).toEqual([]);
    hear(true, "bob");
    const left = [{ userId: "bob", name: "Bob", connections: 0 }];
    socket.fire("presence", { sessionId: SESSION_ID, version: 2, joined: [], left });
    expect(typists()).toEqual([]);
  });

  test("other broadcasts are handed on as they came", () => {
    const heard: unknown[] = [];
    session.broadcasts.listen(({ data }) => heard.push(data));
    const from = { userId: "ann", name: "Ann" };
    for (const data of [null, "x", { type: "cursor" }]) socket.fire("broadcast", { sessionId: SESSION_ID, from, data });
    expect(heard).toEqual([null, "x", { type: "cursor" }]);
    expect(typists()).toEqual([]);
  });
});

test("a session that is shown twice is left with the last", () => {
  goLive();
  const another = hub.session(SESSION_ID);
  another.open();
  another.close();
  expect(socket.calls("leave_session")).toHaveLength(0);
  session.close();
  expect(socket.calls("leave_session")).toHaveLength(1);
});

test("events are told by their type", () => {
  goLive();
  const titles: string[] = [];
  const stop = session.on("session.renamed", ({ data }) => titles.push(data.title));
  socket.fire("event", anEvent(2, "session.renamed", { title: "a", version: 2 }));
  stop();
  socket.fire("event", anEvent(3, "session.renamed", { title: "b", version: 3 }));
  expect(titles).toEqual(["a"]);
});

test("closing leaves no listener and no timer behind, fifty times over", () => {
  const answerAll = () => {
    for (const call of socket.sent.splice(0)) call.ack({ ok: true, sessions: [] });
  };
  goLive();
  session.close();
  answerAll();
  const before = { listening: hub.connection.listening, timers: vi.getTimerCount() };
  for (let round = 0; round < 50; round += 1) {
    const another = hub.session(`s${round}`);
    another.open();
    socket.last("join_session").ack(joinAck({ snapshot: aSnapshot({ sessionId: `s${round}` }) }));
    another.setTyping(true);
    const data = { type: "typing", on: true };
    socket.fire("broadcast", { sessionId: `s${round}`, from: { userId: "u", name: "U" }, data });
    socket.fire("head", { sessionId: `s${round}`, epoch: EPOCH, seq: 9 });
    another.close();
    answerAll();
  }
  expect({ listening: hub.connection.listening, timers: vi.getTimerCount() }).toEqual(before);
  hub.close();
  expect([socket.listening, vi.getTimerCount()]).toEqual([0, 0]);
});
