import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection } from "./connection.ts";
import { CallError } from "./errors.ts";
import type { Post } from "./lane.ts";
import { Outbox } from "./outbox.ts";
import type { Store } from "./outbox.ts";
import { FakeSocket, MemoryStore } from "./testing.ts";

const KEY = "parley.outbox";
let socket: FakeSocket;
let outbox: Outbox;
const post = vi.fn<Post>();

function begin(store: Store | null): void {
  socket = new FakeSocket();
  const connection = new Connection(socket);
  outbox = new Outbox(connection, store, post);
  connection.start();
  socket.accept();
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  outbox.close();
  vi.useRealTimers();
});

const sent = () => socket.calls("send_message").map(({ args }) => args["content"]);

test("sessions do not wait for each other", () => {
  begin(null);
  outbox.lane("a").add({ content: "to a" });
  outbox.lane("b").add({ content: "to b" });
  expect(sent()).toEqual(["to a", "to b"]);
});

test("the store holds what is not answered, and is empty afterwards", () => {
  const store = new MemoryStore();
  begin(store);
  outbox.lane("a").add({ content: "Hello", onBusy: "steer" });
  expect(JSON.parse(store.getItem(KEY) ?? "")).toMatchObject([{ sessionId: "a", content: "Hello", onBusy: "steer" }]);
  socket.last("send_message").ack({ ok: true, messageId: "m1", seq: 2, runId: null });
  expect(store.getItem(KEY)).toBeNull();
  expect(outbox.lane("a").entries).toEqual([]);
});

const GARBAGE = ["no JSON", "{}", "[1, null, {}]", '[{"sessionId": "a"}]'];

test.each(GARBAGE)("a store with %s is no reason to fail", (value) => {
  const store = new MemoryStore();
  store.setItem(KEY, value);
  begin(store);
  expect(sent()).toEqual([]);
});

test("a store that is full or forbidden costs the safety over a reload, not the message", () => {
  const refuse = () => {
    throw new Error("QuotaExceededError");
  };
  begin({ getItem: refuse, setItem: refuse, removeItem: refuse });
  outbox.lane("a").add({ content: "Hello" });
  expect(sent()).toEqual(["Hello"]);
});

test("one that is tried again under an id that another text has gets a new one", () => {
  begin(null);
  const { clientMessageId } = outbox.lane("a").add({ content: "Hello" });
  const error = { code: "idempotency_conflict", message: "Taken", retryable: false, details: {} };
  socket.last("send_message").ack({ ok: false, error });
  outbox.lane("a").retry(clientMessageId);
  expect(sent()).toEqual(["Hello", "Hello"]);
  expect(socket.last("send_message").args["clientMessageId"]).not.toBe(clientMessageId);
});

test("one that is discarded on its way is not sent again, and its promise says so", async () => {
  begin(null);
  const { clientMessageId, sent: outcome } = outbox.lane("a").add({ content: "Hello" });
  outbox.lane("a").discard(clientMessageId);
  await expect(outcome).rejects.toMatchObject({ code: "discarded" });
  socket.drop();
  vi.advanceTimersByTime(10_000);
  socket.accept();
  expect(sent()).toEqual(["Hello"]);
});

test("while the browser says that there is no network nothing is sent; afterwards it is", () => {
  const connection = new Connection((socket = new FakeSocket()));
  outbox = new Outbox(connection, null, post);
  connection.start();
  socket.accept();
  connection.markOffline();
  outbox.lane("a").add({ content: "Hello" });
  expect([sent(), outbox.lane("a").entries[0]?.state]).toEqual([[], "queued_offline"]);
  socket.fire("head", { sessionId: "x" });
  expect([sent(), outbox.lane("a").entries[0]?.state]).toEqual([["Hello"], "sending"]);
});

test("a message that is too large for the socket goes by REST, in its turn", async () => {
  begin(null);
  post.mockRejectedValueOnce(new CallError({ code: "connection_lost", message: "", retryable: true, details: {} }));
  post.mockResolvedValueOnce({ messageId: "m2", seq: 3, runId: null });
  const lane = outbox.lane("a");
  lane.add({ content: "first" });
  const { sent: outcome } = lane.add({ content: "x".repeat(400_000) });
  lane.add({ content: "third" });
  expect(post).not.toHaveBeenCalled();
  socket.last("send_message").ack({ ok: true, messageId: "m1", seq: 2, runId: null });
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(outcome).resolves.toMatchObject({ messageId: "m2" });
  expect([post.mock.calls.length, sent()]).toEqual([2, ["first", "third"]]);
});
