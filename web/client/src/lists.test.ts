import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection } from "./connection.ts";
import { RUNNING_SESSIONS, SessionList } from "./lists.ts";
import { FakeSocket, aSession } from "./testing.ts";

let socket: FakeSocket;
let connection: Connection;
let list: SessionList;

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  connection = new Connection(socket);
  list = new SessionList(connection, RUNNING_SESSIONS);
  connection.start();
  socket.accept();
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
});

const ids = () => [...list.sessions.keys()];
const answer = (...sessions: string[]) =>
  socket.last("watch_running").ack({ ok: true, sessions: sessions.map((id) => aSession({ id })) });

test("holds what the server answered, then follows its changes", () => {
  answer("a", "b");
  socket.fire("running", { session: aSession({ id: "c" }) });
  socket.fire("running", { removed: "a" });
  socket.fire("running", { session: aSession({ id: "b", title: "Better" }) });
  expect(ids()).toEqual(["b", "c"]);
  expect(list.sessions.get("b")?.title).toBe("Better");
});

test("after a reconnect the new answer replaces everything", () => {
  answer("a", "b");
  socket.drop();
  vi.advanceTimersByTime(10_000);
  socket.accept();
  expect(ids()).toEqual(["a", "b"]);
  answer("b");
  expect(ids()).toEqual(["b"]);
});

test("a refused watch is asked for again", () => {
  socket.last("watch_running").ack({ ok: false, error: { code: "storage_unavailable", retryable: true } });
  vi.advanceTimersByTime(10_000);
  expect(socket.calls("watch_running")).toHaveLength(2);
});

test("a change directly behind the answer is not lost", () => {
  answer("a");
  socket.fire("running", { removed: "a" });
  expect(ids()).toEqual([]);
});
