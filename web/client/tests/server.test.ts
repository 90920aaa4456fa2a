/** The client against the real server: what it shows in the end is what the journal has, whatever happened between. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CallError, HubClient, openSocket, placedTab, Rest, sortedTabs } from "../src/index.ts";
import type { LiveSession, SessionOptions, Snapshot } from "../src/index.ts";
import { DEFAULT_STATE } from "../src/mergePatch.ts";
import { eventually, findPython, Line, ParleyServer } from "./server.ts";

const PYTHON = findPython();
const SLOW = "scripted:words=120,delay_ms=15,seed=1";
const QUICK = "scripted:words=2,delay_ms=0,seed=1";

test("there is a server to test against where the tests must be complete", ({ skip }) => {
  if (PYTHON === null && process.env["CI"] !== "true") skip("no Python with the server's packages: set PARLEY_PYTHON");
  expect(PYTHON).not.toBeNull();
});

describe.skipIf(PYTHON === null)("against the real server", () => {
  const server = new ParleyServer(PYTHON ?? "");
  const lines: Line[] = [];
  const hubs: HubClient[] = [];
  const sessions: LiveSession[] = [];
  let rest: Rest;

  beforeAll(async () => {
    await server.start();
    rest = new Rest(null, server.url);
  }, 60_000);

  afterEach(() => {
    for (const session of sessions.splice(0)) session.close();
    for (const hub of hubs.splice(0)) hub.close();
    for (const line of lines.splice(0)) line.close();
  });

  afterAll(() => server.remove());

  async function newLine(): Promise<{ line: Line; hub: HubClient }> {
    const line = new Line(() => server.port);
    lines.push(line);
    const url = await line.open();
    const hub = new HubClient(openSocket(null, url), new Rest(null, url), { store: null });
    hubs.push(hub);
    hub.start();
    return { line, hub };
  }

  async function live(hub: HubClient, sessionId: string, options: SessionOptions = {}): Promise<LiveSession> {
    const session = hub.session(sessionId, options);
    sessions.push(session);
    session.open();
    await eventually(() => session.view.phase === "live");
    return session;
  }

  async function newSession(model: string): Promise<string> {
    return (await rest.createSession({ model })).id;
  }

  const isAtRest = ({ snapshot }: LiveSession) => snapshot?.run === null && snapshot.session.state !== "RUNNING";
  const lastText = ({ snapshot }: LiveSession) => snapshot?.messages.at(-1)?.content ?? "";

  /** Without what this side keeps beyond a fresh snapshot. */
  const asFresh = (snapshot: Snapshot | null) =>
    snapshot && { ...snapshot, messages: snapshot.messages.slice(-50), answered: undefined };

  async function expectEqual(...clients: readonly LiveSession[]): Promise<void> {
    const { sessionId } = clients[0] ?? { sessionId: "" };
    const states = () => clients.map(({ view }) => [view.phase, view.snapshot?.state]);
    await eventually(() => clients.every(isAtRest), 30_000, states);
    const fresh = await rest.snapshot(sessionId);
    // What came with a branch by its id alone is pulled first.
    const isWhole = (snapshot: Snapshot | null) => snapshot?.messages.every(({ truncated }) => truncated !== true);
    await eventually(() => clients.every(({ snapshot }) => snapshot?.head === fresh.head && isWhole(snapshot)));
    for (const { snapshot } of clients) expect(asFresh(snapshot)).toEqual(fresh);
  }

  async function say(session: LiveSession, content: string): Promise<void> {
    const { sent } = session.send({ content });
    await sent;
    await eventually(() => isAtRest(session) && session.view.outbox.length === 0);
  }

  test("push and signals end equal, with one line cut in mid-stream and the server killed once", async () => {
    const id = await newSession(SLOW);
    const [ann, bob] = [await newLine(), await newLine()];
    const clients = [await live(ann.hub, id), await live(bob.hub, id, { mode: "signal" })] as const;
    clients[0].send({ content: "Tell me about trees" });
    await eventually(() => clients.every((client) => lastText(client).includes("-10 ")));
    ann.line.cut();
    await eventually(() => lastText(clients[1]).includes("-30 "));
    ann.line.mend();
    await eventually(() => lastText(clients[0]).includes("-40 "));
    await server.kill();
    await eventually(() => clients.every(({ view }) => view.phase === "catching_up"));
    await server.start();
    await expectEqual(...clients);
    expect(lastText(clients[0])).toMatch(/-120$/);
    expect(clients[0].snapshot?.messages.map(({ status }) => status)).toEqual(["complete", "interrupted", "complete"]);
  }, 60_000);

  test("an approval shows on both clients and is answered once", async () => {
    const id = await newSession("demo");
    const [ann, bob] = [await newLine(), await newLine()];
    const clients = [await live(ann.hub, id), await live(bob.hub, id, { mode: "signal" })] as const;
    clients[1].send({ content: "/ask" });
    await eventually(() => clients.every(({ snapshot }) => snapshot?.approvals.length === 1));
    const approvalId = clients[0].snapshot?.approvals[0]?.id ?? "";
    const outcomes = await Promise.allSettled(
      clients.map((client) => client.resolveApproval({ approvalId, decision: "approve", scope: "once" })),
    );
    const refusals = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as CallError] : []));
    expect(refusals.map(({ code }) => code)).toEqual(["approval_resolved"]);
    await expectEqual(...clients);
    expect(lastText(clients[0])).toContain("Hello from Parley");
  });

  test("a message that is sent while the line is cut shows at once, always once, and arrives once", async () => {
    const id = await newSession(QUICK);
    const { line, hub } = await newLine();
    const session = await live(hub, id);
    await say(session, "first");
    const shown: number[] = [];
    line.cut();
    const sendings = ["second", "third"].map((content) => session.send({ content }));
    session.changes.listen(({ snapshot, outbox }) => {
      const ids = [...(snapshot?.messages ?? []), ...outbox].map(({ clientMessageId }) => clientMessageId);
      for (const { clientMessageId } of sendings) shown.push(ids.filter((each) => each === clientMessageId).length);
    });
    await eventually(() => session.view.outbox.every(({ state }) => state === "queued_offline"));
    line.mend();
    await Promise.all(sendings.map(({ sent }) => sent));
    await eventually(() => session.view.outbox.length === 0);
    await expectEqual(session);
    expect(new Set(shown)).toEqual(new Set([1]));
    const said = session.snapshot?.messages.filter(({ role }) => role === "user").map(({ content }) => content);
    expect(said).toEqual(["first", "second", "third"]);
  });

  test("a message without a word is refused for good, and the next goes out", async () => {
    const session = await live((await newLine()).hub, await newSession(QUICK));
    const { sent, clientMessageId } = session.send({ content: "" });
    await expect(sent).rejects.toMatchObject({ code: "invalid_argument" });
    expect(session.view.outbox).toMatchObject([{ clientMessageId, state: "failed" }]);
    session.discard(clientMessageId);
    await say(session, "Hello");
    await expectEqual(session);
  });

  test("a message of two megabytes arrives, and what the server keeps out of events is pulled", async () => {
    const id = await newSession(QUICK);
    const [session, other] = [await live((await newLine()).hub, id), await live((await newLine()).hub, id)];
    const content = "large ".repeat(350_000).trim();
    await say(session, content);
    await eventually(() => [session, other].every(({ snapshot }) => snapshot?.messages[0]?.content === content));
    await session.send({ content: "and a small one" }).sent;
    await eventually(() => isAtRest(other) && other.snapshot?.messages.length === 4);
  });

  test("the history has every message by its position, and follows the branch", async () => {
    const id = await newSession(QUICK);
    const session = await live((await newLine()).hub, id);
    for (let round = 1; round <= 40; round += 1) await say(session, `question ${round}`);
    const again = await live((await newLine()).hub, id);
    const { history } = again;
    expect([history.length, history.at(1)]).toEqual([80, undefined]);
    history.want(1, 80);
    await eventually(() => history.at(1) !== undefined);
    const { messages } = await rest.request("get", "/api/sessions/{sessionId}/messages", {
      path: { sessionId: id },
      query: { take: 200 },
    });
    expect(Array.from({ length: 80 }, (_, at) => history.at(at + 1))).toEqual(messages);
    const edited = messages[20];
    const { sent } = await again.editAndResend(edited?.id ?? "", "what I meant");
    await sent;
    await eventually(() => again.snapshot?.activeBranch !== "main" && isAtRest(again) && history.length === 22);
    expect(history.at(21)?.content).toBe("what I meant");
    expect(again.snapshot?.branches.find(({ name }) => name === "main")?.length).toBe(80);
    await again.switchBranch("main");
    await eventually(() => history.length === 80);
    await expectEqual(session, again);
  }, 40_000);

  test("everything that can be asked of a session is asked, and shows on another client", async () => {
    const id = await newSession(QUICK);
    const session = await live((await newLine()).hub, id);
    const other = await live((await newLine()).hub, id, { mode: "signal" });
    await say(session, "Hello");
    await session.rename("Trees");
    await session.setMode("plan");
    await session.setModel("demo");
    const { pinId } = await session.pin({ text: "Oaks are trees" });
    await session.pin({ messageId: session.snapshot?.messages[0]?.id ?? "" });
    await session.unpin(pinId);
    await session.setPlan([{ id: "1", text: "Look", status: "pending" }]);
    const { name } = await session.fork({ name: "side", switch: true });
    await session.setBranchPrompt(name, "Be brief");
    await session.setModel(QUICK);
    await eventually(() => session.snapshot?.activeBranch === "side");
    await say(session, "On the side");
    await session.switchBranch("main");
    const preview = await session.previewMerge({ source: "side", strategy: "append", messageIds: [], summary: "" });
    expect([preview.merged, preview.messages.length]).toEqual([false, 2]);
    expect((await session.merge({ source: "side", strategy: "append" })).merged).toBe(true);
    await session.archive();
    await eventually(() => other.snapshot?.state.name === "archived");
    expect(other.snapshot?.session.archived).toBe(true);
    await session.restore();
    expect((await session.cancel()).cancelled).toBe(false);
    await expectEqual(session, other);
    await session.delete();
    await eventually(() => session.view.phase === "gone" && other.view.phase === "gone");
    await session.undelete();
    other.rejoin();
    await eventually(() => other.view.phase === "live");
    expect(other.snapshot).toMatchObject({ mode: "plan", session: { title: "Trees" }, plan: [{ text: "Look" }] });
  });

  test("presence counts a user once, and typing in one tab shows in the other", async () => {
    const id = await newSession(QUICK);
    const session = await live((await newLine()).hub, id);
    const other = await live((await newLine()).hub, id, { mode: "signal" });
    await eventually(() => other.view.presence.participants.length === 1);
    expect(other.view.presence).toMatchObject({ count: 1, participants: [{ userId: "local" }] });
    session.setTyping(true);
    await eventually(() => other.view.typing.length === 1);
    expect(session.view.typing).toEqual([]);
    session.setTyping(false);
    await eventually(() => other.view.typing.length === 0);
  });

  test("the user's state: two clients drag tabs about at once and end equal", async () => {
    expect(await rest.userState()).toEqual(DEFAULT_STATE);
    const hubsOfTwo = [(await newLine()).hub, (await newLine()).hub];
    await eventually(() => hubsOfTwo.every(({ userState }) => userState.known));
    const written: Promise<void>[] = [];
    for (let move = 0; move < 30; move += 1) {
      for (const [side, { userState }] of hubsOfTwo.entries()) {
        const id = `s${(move * 7 + side) % 6}`;
        const place = (move + side) % 6;
        written.push(userState.update((state) => ({ tabs: placedTab(state.tabs, id, place), lastSessionId: id })));
        if (move % 10 > 0) continue;
        const activeSessions = [...userState.value.activeSessions, `a${move}${side}`];
        written.push(userState.update({ activeSessions }));
      }
      await new Promise((resolve) => setTimeout(resolve, move % 4));
    }
    await Promise.all(written);
    const stored = await rest.userState();
    await eventually(() => hubsOfTwo.every(({ userState }) => userState.value.version === stored.version));
    for (const { userState } of hubsOfTwo) expect(userState.value).toEqual(stored);
    expect(sortedTabs(stored.tabs)).toHaveLength(6);
    expect(stored.activeSessions).toHaveLength(6);
  });

  test("titles and messages are found, and lists are filtered by the server", async () => {
    const id = await newSession(QUICK);
    await say(await live((await newLine()).hub, id), "Where do sycamores grow?");
    const { results } = await rest.search({ q: "sycamores" });
    const found = results.filter(({ type, session }) => type === "message" && session.id === id);
    expect(found.map(({ position }) => position)).toContain(1);
    const { sessions: listed, total } = await rest.sessions({ q: "sycamores", take: 10 });
    expect([listed.map((each) => each.id), total]).toEqual([[id], 1]);
  });

  test("switching fifty times leaves no room behind, here or on the server", async () => {
    const { hub } = await newLine();
    const ids = await Promise.all([newSession(QUICK), newSession(QUICK)]);
    await live(hub, await newSession(QUICK));
    const before = hub.connection.listening;
    for (let round = 0; round < 50; round += 1) {
      const session = hub.session(ids[round % 2] ?? "");
      session.open();
      if (round % 3 > 0) await eventually(() => session.view.phase === "live");
      session.close();
    }
    expect(hub.connection.listening).toBe(before);
    for (const sessionId of ids) {
      const participants = () => rest.request("get", "/api/sessions/{sessionId}/participants", { path: { sessionId } });
      await expect.poll(async () => (await participants()).participants, { timeout: 10_000 }).toEqual([]);
    }
  });
});
