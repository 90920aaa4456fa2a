import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { delayMs } from "./backoff.ts";
import { ANSWER_MS, CONNECT_MS, Connection, SILENCE_MS } from "./connection.ts";
import type { ConnectionState } from "./connection.ts";
import { FakeSocket } from "./testing.ts";

let socket: FakeSocket;
let connection: Connection;
let states: ConnectionState[];

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  connection = new Connection(socket);
  states = [];
  connection.states.listen((state) => states.push(state));
  connection.start();
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
});

const cancel = () => connection.call("cancel_run", { sessionId: "s" });

describe("calls", () => {
  test("an ack of ok resolves", async () => {
    socket.accept();
    const answer = cancel();
    socket.last("cancel_run").ack({ ok: true, cancelled: true });
    expect(await answer).toMatchObject({ cancelled: true });
  });

  test("an ack with an error rejects with its code and message", async () => {
    socket.accept();
    const answer = cancel();
    socket.last("cancel_run").ack({ ok: false, error: { code: "forbidden", message: "Not allowed" } });
    await expect(answer).rejects.toMatchObject({ code: "forbidden", message: "Not allowed", retryable: false });
  });

  test.each([null, undefined, "nonsense", {}])("an ack that is no ack (%s) rejects", async (ack) => {
    socket.accept();
    const answer = cancel();
    socket.last("cancel_run").ack(ack);
    await expect(answer).rejects.toMatchObject({ code: "internal_error" });
  });

  test("without a connection nothing is sent, not even later", async () => {
    await expect(cancel()).rejects.toMatchObject({ code: "not_connected", retryable: true });
    socket.accept();
    expect(socket.sent).toEqual([]);
  });

  test("a lost connection rejects what is open", async () => {
    socket.accept();
    const answer = cancel();
    socket.drop();
    await expect(answer).rejects.toMatchObject({ code: "connection_lost", retryable: true });
  });

  test("no answer in time rejects, closes the socket and opens it again", async () => {
    socket.accept();
    const answer = expect(cancel()).rejects.toMatchObject({ code: "no_answer" });
    vi.advanceTimersByTime(ANSWER_MS);
    await answer;
    expect(socket).toMatchObject({ connected: false, attempts: 2 });
    expect(connection.state).toBe("reconnecting");
    socket.accept();
    expect(connection.state).toBe("connected");
  });
});

describe("reconnecting", () => {
  test("goes on for ever, with delays that grow to at most ten seconds", () => {
    socket.accept();
    socket.drop();
    for (let attempt = 2; attempt < 60; attempt += 1) {
      vi.advanceTimersByTime(10_000);
      expect(socket.attempts).toBe(attempt);
      socket.fail();
    }
    expect(states).toEqual(["connected", "reconnecting"]);
  });

  test("begins anew with short delays once the server spoke", () => {
    for (let attempt = 0; attempt < 8; attempt += 1) {
      socket.fail();
      vi.advanceTimersByTime(10_000);
    }
    socket.accept();
    socket.fire("head", { sessionId: "s", epoch: "e", seq: 1 });
    socket.drop();
    const before = socket.attempts;
    vi.advanceTimersByTime(delayMs(0, () => 1));
    expect(socket.attempts).toBe(before + 1);
  });

  test("gives up an attempt that hangs and makes another", () => {
    vi.advanceTimersByTime(CONNECT_MS + 10_000);
    expect(socket.attempts).toBe(2);
  });

  test("goes on when the transport closes in the middle of the handshake", () => {
    socket.fire("disconnect", "transport close");
    vi.advanceTimersByTime(1_000);
    expect(socket.attempts).toBe(2);
    socket.accept();
    vi.advanceTimersByTime(CONNECT_MS);
    expect(socket).toMatchObject({ connected: true, attempts: 2 });
  });

  test("is at once when the page is looked at again", () => {
    socket.accept();
    socket.drop();
    connection.wake();
    expect(socket.attempts).toBe(2);
  });

  test("tells whoever wants something from the server each time", () => {
    const opened = vi.fn();
    connection.opened.listen(opened);
    socket.accept();
    socket.drop();
    vi.advanceTimersByTime(10_000);
    socket.accept();
    expect(opened).toHaveBeenCalledTimes(2);
  });

  test("ends with stop", () => {
    socket.accept();
    connection.stop();
    vi.advanceTimersByTime(60_000);
    expect(socket).toMatchObject({ connected: false, attempts: 1 });
  });
});

describe("goodbye and refusal", () => {
  test("after a retryable goodbye the connection comes back", () => {
    socket.accept();
    socket.fire("goodbye", { code: "draining", retryable: true, reason: "The server is shutting down" });
    socket.drop();
    expect(connection.state).toBe("reconnecting");
    vi.advanceTimersByTime(10_000);
    expect(socket.attempts).toBe(2);
  });

  test("after a final goodbye it stays away until asked, and says why", () => {
    socket.accept();
    socket.fire("goodbye", { code: "forbidden", retryable: false, reason: "Removed from the project" });
    socket.drop();
    vi.advanceTimersByTime(60_000);
    expect(socket.attempts).toBe(1);
    expect(connection).toMatchObject({ state: "refused", refusal: "Removed from the project" });
    connection.reopen();
    socket.accept();
    expect(connection).toMatchObject({ state: "connected", refusal: null });
  });

  test.each([
    ["unauthenticated", undefined],
    ["A valid token is required", { code: "unauthenticated" }],
  ])("a handshake refused for its token asks for one (%s)", (message, data) => {
    const asked = vi.fn();
    connection.unauthenticated.listen(asked);
    socket.refuse(message, data);
    expect(asked).toHaveBeenCalledOnce();
    expect(connection.state).toBe("refused");
  });
});

describe("silence and the network", () => {
  test("a quiet connection is asked, again and again", () => {
    const silent = vi.fn();
    connection.silent.listen(silent);
    socket.accept();
    vi.advanceTimersByTime(SILENCE_MS - 1);
    socket.fire("head", { sessionId: "s", epoch: "e", seq: 1 });
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect(silent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1 + SILENCE_MS);
    expect(silent).toHaveBeenCalledTimes(2);
  });

  test("is offline when the browser says so, and back as soon as anything arrives", () => {
    const silent = vi.fn();
    connection.silent.listen(silent);
    socket.accept();
    connection.markOffline();
    expect(connection.state).toBe("offline");
    socket.fire("head", { sessionId: "s", epoch: "e", seq: 1 });
    expect(connection.state).toBe("connected");
    expect(silent).toHaveBeenCalledOnce();
  });

  test("attempts go on while offline, and its return opens a new socket at once", () => {
    socket.accept();
    connection.markOffline();
    socket.drop();
    vi.advanceTimersByTime(10_000);
    expect(socket.attempts).toBe(2);
    expect(connection.state).toBe("offline");
    connection.reopen();
    expect(socket.attempts).toBe(3);
    expect(connection.state).toBe("reconnecting");
  });
});
