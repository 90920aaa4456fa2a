/** The feed in signal mode: what is announced is pulled, whatever gets lost. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, SILENCE_MS } from "./connection.ts";
import { CallError } from "./errors.ts";
import { SessionFeed } from "./feed.ts";
import { PULL_PAUSE_MS } from "./puller.ts";
import { EPOCH, FakeSocket, SESSION_ID, aMessage, aSnapshot, anEvent, joinAck, randomFrom } from "./testing.ts";
import { renamed } from "./testing.ts";
import type { EventPage, SessionEvent } from "./wire.ts";

let socket: FakeSocket;
let connection: Connection;
let feed: SessionFeed;
let journal: SessionEvent[];
const pullEvents = vi.fn<(sessionId: string, after: number) => Promise<EventPage>>();

beforeEach(() => {
  vi.useFakeTimers();
  journal = [1, 2, 3].map(renamed);
  pullEvents.mockReset();
  pullEvents.mockImplementation((_, after) => Promise.resolve(page(after)));
  socket = new FakeSocket();
  connection = new Connection(socket);
  connection.start();
  socket.accept();
  const messages = () => Promise.resolve({ messages: [] });
  feed = new SessionFeed(connection, SESSION_ID, { messages, events: pullEvents }, "signal");
  feed.open();
});

afterEach(() => {
  feed.close();
  connection.close();
  vi.useRealTimers();
});

const joins = () => socket.calls("join_session");
const answer = (change: Readonly<Record<string, unknown>>) => socket.last("join_session").ack(joinAck(change));
const head = () => feed.view.snapshot?.head;
const signal = (seq: number) => socket.fire("signal", { ...renamed(seq), data: undefined });
const pulls = () => pullEvents.mock.calls.map(([, after]) => after);

function page(after: number): EventPage {
  const events = journal.slice(after, after + 2);
  return { epoch: EPOCH, head: journal.length, events, hasMore: journal.length > after + 2 };
}

function reconnect(): void {
  socket.drop();
  vi.advanceTimersByTime(10_000);
  socket.accept();
}

test("it says so when it joins, and pulls up to the head of the answer, page by page", async () => {
  expect(joins().map(({ args }) => args)).toEqual([{ sessionId: SESSION_ID, mode: "signal" }]);
  journal.push(renamed(4), renamed(5));
  answer({ snapshot: aSnapshot(), recovered: false, head: 5, events: [{ ...renamed(2), data: undefined }] });
  expect(feed.view.phase).toBe("catching_up");
  await vi.waitFor(() => expect(feed.view).toMatchObject({ phase: "live", snapshot: { head: 5 } }));
  expect(pulls()).toEqual([1, 3]);
});

test("one pull brings what several signals announce, and known ones bring none", async () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  signal(2);
  journal.push(renamed(4));
  signal(4);
  for (const seq of [5, 6]) {
    await vi.advanceTimersByTimeAsync(0);
    journal.push(renamed(seq));
    signal(seq);
  }
  await vi.advanceTimersByTimeAsync(PULL_PAUSE_MS);
  expect(head()).toBe(6);
  expect(pulls()).toEqual([3, 4]);
});

test("a lost signal heals by the head", async () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  journal.push(renamed(4));
  socket.fire("head", { sessionId: SESSION_ID, epoch: EPOCH, seq: 4 });
  await vi.advanceTimersByTimeAsync(PULL_PAUSE_MS);
  expect(head()).toBe(4);
});

test("a pull that fails is made again; one for events that are gone takes a snapshot", async () => {
  pullEvents.mockRejectedValueOnce(new Error("no network"));
  answer({ snapshot: aSnapshot({ head: 2 }), head: 3 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(head()).toBe(3);
  const gone = { code: "events_gone", message: "Gone", retryable: false, details: {} };
  pullEvents.mockRejectedValueOnce(new CallError(gone));
  signal(4);
  await vi.advanceTimersByTimeAsync(0);
  expect(joins()).toHaveLength(2);
  expect(socket.last("join_session").args).toEqual({ sessionId: SESSION_ID, mode: "signal" });
});

test("a session that may not be read any more is said to be so", async () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  const refusal = { message: "Session not found", retryable: false, details: {} };
  pullEvents.mockRejectedValueOnce(new CallError({ code: "session_not_found", ...refusal }));
  signal(4);
  await vi.advanceTimersByTimeAsync(0);
  expect(feed.view.phase).toBe("gone");
});

test("what is announced and is nowhere is not pulled for ever", async () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  signal(9);
  await vi.advanceTimersByTimeAsync(60_000 - SILENCE_MS);
  expect(pulls()).toEqual([3]);
});

test("a signal of another epoch joins again", () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  socket.fire("signal", { ...renamed(4), epoch: "epoch-2", data: undefined });
  expect(joins()).toHaveLength(2);
});

test("a pull that comes back after close changes nothing", async () => {
  answer({ snapshot: aSnapshot({ head: 2 }), head: 3 });
  feed.close();
  await vi.advanceTimersByTimeAsync(0);
  expect(head()).toBe(2);
});

test("an answer to a pull from before a reconnect is void", async () => {
  let late: (page: EventPage) => void = () => undefined;
  pullEvents.mockImplementationOnce(() => new Promise((resolve) => (late = resolve)));
  answer({ snapshot: aSnapshot({ head: 2 }), head: 3 });
  reconnect();
  late(page(2));
  await vi.advanceTimersByTimeAsync(0);
  expect(head()).toBe(2);
  answer({ head: 3, events: [] });
  await vi.advanceTimersByTimeAsync(0);
  expect(head()).toBe(3);
});

test("after close nothing is pulled", async () => {
  answer({ snapshot: aSnapshot({ head: 3 }), head: 3 });
  feed.close();
  signal(9);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(pulls()).toEqual([]);
});

test.each([1, 2, 3, 4])("through lost signals and failing pulls it ends with the same text, seed %i", async (seed) => {
  const random = randomFrom(seed);
  journal = [anEvent(1, "message.created", { message: aMessage() })];
  pullEvents.mockImplementation(async (_, after) => {
    await new Promise((resolve) => setTimeout(resolve, random() * 30));
    if (random() < 0.1) throw new Error("no network");
    const events = journal.slice(after, after + 7);
    return { epoch: EPOCH, head: journal.length, events, hasMore: journal.length > after + 7 };
  });
  const serve = () => {
    for (const call of socket.sent.splice(0)) {
      if (call.name !== "join_session") continue;
      const fresh = call.args["after"] === undefined ? { snapshot: aSnapshot({ head: 0 }) } : {};
      call.ack(joinAck({ ...fresh, head: journal.length }));
    }
  };
  for (let step = 0; step < 150; step += 1) {
    const sequence = journal.length;
    journal.push(anEvent(sequence + 1, "message.delta", { messageId: "m1", sequence, delta: `${sequence},` }));
    if (random() < 0.05) reconnect();
    else if (random() < 0.6) socket.fire("signal", { ...journal.at(-1), data: undefined });
    serve();
    await vi.advanceTimersByTimeAsync(random() * 40);
  }
  socket.fire("head", { sessionId: SESSION_ID, epoch: EPOCH, seq: journal.length });
  serve();
  await vi.advanceTimersByTimeAsync(20_000);
  const expected = Array.from({ length: 150 }, (_, index) => `${index + 1},`).join("");
  expect(feed.view.snapshot?.messages[0]).toMatchObject({ content: expected, sequence: 150 });
});
