import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connection } from "./connection.ts";
import { CallError } from "./errors.ts";
import { DEFAULT_STATE, inOne, patched } from "./mergePatch.ts";
import { placedTab, sortedTabs } from "./tabs.ts";
import { FakeSocket, randomFrom } from "./testing.ts";
import { UserStateStore } from "./userState.ts";
import type { UserState, UserStatePatch } from "./wire.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server that keeps one state: it checks versions, and tells all of its clients of each change. */
class FakeServer {
  state: UserState = DEFAULT_STATE;
  readonly clients: FakeSocket[] = [];
  readonly patches: UserStatePatch[] = [];
  down = false;

  read = (): Promise<UserState> => (this.down ? Promise.reject(unreachable()) : Promise.resolve(this.state));

  patch = async (patch: UserStatePatch, version: number): Promise<UserState> => {
    await Promise.resolve();
    if (this.down) throw unreachable();
    if (version !== this.state.version) throw this.#outdated();
    this.patches.push(patch);
    this.write({ ...patched(this.state, patch), version: version + 1 });
    return this.state;
  };

  write(state: UserState): void {
    this.state = state;
    for (const client of this.clients) client.fire("user_state", state);
  }

  #outdated(): CallError {
    const details = { currentVersion: this.state.version, state: this.state };
    return new CallError({ code: "version_mismatch", message: "Outdated", retryable: false, details });
  }
}

function unreachable(): CallError {
  return new CallError({ code: "connection_lost", message: "Unreachable", retryable: true, details: {} });
}

interface Client {
  readonly socket: FakeSocket;
  readonly store: UserStateStore;
}

function join(server: FakeServer, calls = { read: server.read, patch: server.patch }): Client {
  const socket = new FakeSocket();
  const connection = new Connection(socket);
  const store = new UserStateStore(connection, calls);
  connection.start();
  socket.accept();
  server.clients.push(socket);
  socket.fire("user_state", server.state);
  return { socket, store };
}

const theme = (value: "light" | "dark"): UserStatePatch => ({ preferences: { theme: value } });
const settle = () => vi.advanceTimersByTimeAsync(30_000);

describe("a change", () => {
  test("shows at once, is written with the version it was made for, and reaches the other client", async () => {
    const server = new FakeServer();
    const [ann, bob] = [join(server), join(server)];
    const written = ann.store.update(theme("dark"));
    expect(ann.store.value.preferences.theme).toBe("dark");
    expect(bob.store.value.preferences.theme).toBe("system");
    await written;
    expect(bob.store.value).toEqual(server.state);
    expect(ann.store.value).toEqual(server.state);
  });

  test("is merged by section onto what another wrote meanwhile", async () => {
    const server = new FakeServer();
    const read = vi.fn(server.read);
    const ann = join(server, { read, patch: server.patch });
    ann.socket.drop();
    server.clients.pop();
    server.write({ ...server.state, tabs: { b: 1 }, activeSessions: ["b"], version: 7 });
    void ann.store.update({ tabs: { a: 0 }, activeSessions: ["a"] });
    await settle();
    expect(server.state).toMatchObject({ version: 8, tabs: { a: 0, b: 1 }, activeSessions: ["a", "b"] });
    expect(read).not.toHaveBeenCalled();
    expect(ann.store.value).toEqual(server.state);
  });

  test("waits for the one on its way, together with others that were made since", async () => {
    const server = new FakeServer();
    const { store } = join(server);
    void store.update({ ui: { sidebar: "open", width: 3 } });
    void store.update({ ui: { sidebar: "closed" } });
    void store.update((state) => ({ ui: { sidebar: null, was: state.ui["sidebar"] } }));
    await settle();
    expect(server.patches).toEqual([
      { ui: { sidebar: "open", width: 3 } },
      { ui: { sidebar: null, was: "closed" } },
    ]);
    expect(store.value.ui).toEqual({ width: 3, was: "closed" });
  });

  test("that the server will not have is undone, and says why", async () => {
    const server = new FakeServer();
    const refused = new CallError({ code: "invalid_argument", message: "tabs.a", retryable: false, details: {} });
    const { store } = join(server, { read: server.read, patch: () => Promise.reject(refused) });
    await expect(store.update({ tabs: { a: NaN } })).rejects.toBe(refused);
    expect(store.value).toEqual(DEFAULT_STATE);
  });

  test("is kept and tried again while the server is away", async () => {
    const server = new FakeServer();
    const { store } = join(server);
    server.down = true;
    void store.update(theme("dark"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.value.preferences.theme).toBe("dark");
    server.down = false;
    await settle();
    expect(server.state.preferences.theme).toBe("dark");
  });

  test("before anything is known reads first", async () => {
    const server = new FakeServer();
    server.state = { ...server.state, version: 3, tabs: { a: 1 } };
    const store = new UserStateStore(new Connection(new FakeSocket()), server);
    expect(store.known).toBe(false);
    await store.update({ tabs: { b: 2 } });
    expect(store.value).toMatchObject({ version: 4, tabs: { a: 1, b: 2 } });
  });

  test("null puts a preference back to its default, and takes a tab away", () => {
    const written = patched(DEFAULT_STATE, { tabs: { a: 1 }, ...theme("dark") });
    expect(patched(written, { tabs: { a: null }, preferences: { theme: null } })).toEqual(DEFAULT_STATE);
  });
});

describe("what the server tells", () => {
  test("never goes back, but for the first of a connection: the server may have been put back", () => {
    const server = new FakeServer();
    const { socket, store } = join(server);
    socket.fire("user_state", { ...DEFAULT_STATE, version: 5 });
    socket.fire("user_state", { ...DEFAULT_STATE, version: 4 });
    expect(store.value.version).toBe(5);
    socket.drop();
    vi.advanceTimersByTime(10_000);
    socket.accept();
    socket.fire("user_state", { ...DEFAULT_STATE, version: 2 });
    socket.fire("user_state", { ...DEFAULT_STATE, version: 1 });
    expect(store.value.version).toBe(2);
  });

  test("first on a connection does not undo what it answered before", async () => {
    const server = new FakeServer();
    const { socket, store } = join(server);
    const before = server.state;
    socket.drop();
    server.clients.pop();
    vi.advanceTimersByTime(10_000);
    socket.accept();
    await store.update(theme("dark"));
    socket.fire("user_state", before);
    expect(store.value).toEqual(server.state);
  });

  test("is told on only when it is another state", () => {
    const server = new FakeServer();
    const { socket, store } = join(server);
    let told = 0;
    store.changes.listen(() => (told += 1));
    socket.fire("user_state", { ...DEFAULT_STATE, version: 1 });
    socket.fire("user_state", { ...DEFAULT_STATE, version: 1 });
    expect(told).toBe(1);
  });

  test("is heard no more after close, and no timer is left", async () => {
    const server = new FakeServer();
    const { socket, store } = join(server);
    server.down = true;
    void store.update(theme("dark"));
    await vi.advanceTimersByTimeAsync(0);
    store.close();
    const before = store.value;
    socket.fire("user_state", { ...DEFAULT_STATE, version: 9 });
    expect(store.value).toBe(before);
  });
});

test.each([1, 2, 3, 4, 5, 6])("patches in one do what they do one after the other, seed %i", (seed) => {
  const random = randomFrom(seed);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  for (let round = 0; round < 200; round += 1) {
    const patches = [0, 1, 2].map((): UserStatePatch => ({
      tabs: { [pick("a", "b")]: pick(1, 2, null) },
      ui: { [pick("x", "y")]: pick<unknown>(1, null, { deep: pick(1, null) }, { other: 2 }) },
    }));
    const apart = patches.reduce(patched, DEFAULT_STATE);
    expect(patched(DEFAULT_STATE, patches.reduce(inOne, {}))).toEqual(apart);
  }
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])("two who drag tabs about at once end equal, seed %i", async (seed) => {
  const random = randomFrom(seed);
  const below = (most: number) => Math.floor(random() * most);
  const server = new FakeServer();
  const late = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    await new Promise((resolve) => setTimeout(resolve, below(40)));
    if (random() < 0.05) throw unreachable();
    const answer = await call(...args);
    await new Promise((resolve) => setTimeout(resolve, below(40)));
    return answer;
  };
  const calls = { read: server.read, patch: late(server.patch) };
  const clients = [join(server, calls), join(server, calls)];
  for (let move = 0; move < 120; move += 1) {
    const { socket, store } = clients[below(2)] ?? join(server);
    const versions: number[] = [];
    const stop = store.changes.listen(({ version }) => versions.push(version));
    const id = `s${below(8)}`;
    const place = below(8);
    if (random() < 0.15) void store.update({ tabs: { [id]: null } });
    else void store.update((state) => ({ tabs: placedTab(state.tabs, id, place), lastSessionId: id }));
    if (random() < 0.15) void store.update({ activeSessions: [...store.value.activeSessions, `${id} ${move}`] });
    if (random() < 0.05) {
      socket.drop();
      await vi.advanceTimersByTimeAsync(10_000);
      socket.accept();
      socket.fire("user_state", server.state);
    }
    await vi.advanceTimersByTimeAsync(below(30));
    stop();
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  }
  await settle();
  for (const { store } of clients) expect(store.value).toEqual(server.state);
  expect(sortedTabs(server.state.tabs).length).toBeGreaterThan(0);
});
