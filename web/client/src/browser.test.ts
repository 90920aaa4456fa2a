import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followBrowser } from "./browser.ts";
import { Connection } from "./connection.ts";
import { FakeSocket } from "./testing.ts";

let socket: FakeSocket;
let connection: Connection;
let stop: () => void;
const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
const frame = new EventTarget();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", frame);
  socket = new FakeSocket();
  connection = new Connection(socket);
  connection.start();
  socket.accept();
  stop = followBrowser(connection);
});

afterEach(() => {
  stop();
  connection.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function becomes(visibilityState: string): void {
  page.visibilityState = visibilityState;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a page that comes into view doubts its socket, one that goes does nothing", () => {
  const doubted = vi.fn();
  connection.silent.listen(doubted);
  becomes("hidden");
  expect(doubted).not.toHaveBeenCalled();
  becomes("visible");
  expect(doubted).toHaveBeenCalledOnce();
});

test("a page that comes into view without a connection connects at once", () => {
  socket.drop();
  const before = socket.attempts;
  becomes("visible");
  expect(socket.attempts).toBe(before + 1);
});

test("the network's word is believed, and a new socket is made when it is back", () => {
  frame.dispatchEvent(new Event("offline"));
  expect(connection.state).toBe("offline");
  const before = socket.attempts;
  frame.dispatchEvent(new Event("online"));
  expect(socket.attempts).toBe(before + 1);
});

test("a page out of the back-forward cache makes a new socket, one that was just loaded does not", () => {
  const before = socket.attempts;
  frame.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  expect(socket.attempts).toBe(before);
  frame.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  expect(socket.attempts).toBe(before + 1);
});

test("nothing is followed any more afterwards", () => {
  stop();
  const before = socket.attempts;
  frame.dispatchEvent(new Event("online"));
  expect(socket.attempts).toBe(before);
});
