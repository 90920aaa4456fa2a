import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CallError } from "./errors.ts";
import { History, LOADING_MAX, PAGES_MAX } from "./history.ts";
import { PAGE_SIZE } from "./tail.ts";
import { EPOCH, aMessage, aSession, aSnapshot, anEvent } from "./testing.ts";
import type { Message, MessageBatch, MessagesPage, Snapshot } from "./wire.ts";

const TOTAL = 50_000;
const TAIL = 50;

interface Asked {
  readonly after: number;
  readonly branch: string;
  readonly resolve: (page: MessagesPage) => void;
  readonly reject: (error: unknown) => void;
}

let asked: Asked[];
let history: History;
let changes: number;
const pullBodies = vi.fn<(ids: readonly string[]) => Promise<MessageBatch>>();

const message = (position: number, change: Partial<Message> = {}) =>
  aMessage({ id: `m${position}`, ordinal: position, status: "complete", content: `text ${position}`, ...change });
const range = (first: number, count: number) => Array.from({ length: count }, (_, at) => message(first + at));

function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  const messages = range(TOTAL - TAIL + 1, TAIL);
  return aSnapshot({ head: 10, session: aSession({ messageCount: TOTAL }), messages, ...change });
}

beforeEach(() => {
  vi.useFakeTimers();
  pullBodies.mockReset();
  asked = [];
  changes = 0;
  const page = (after: number, branch: string) =>
    new Promise<MessagesPage>((resolve, reject) => asked.push({ after, branch, resolve, reject }));
  history = new History({ page, messages: pullBodies });
  history.changes.listen(() => (changes += 1));
  history.show(snapshot(), "taken");
});

afterEach(() => {
  history.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pages = () => asked.map(({ after }) => after / PAGE_SIZE);
const settle = () => vi.advanceTimersByTimeAsync(0);

async function answer(at: number, change: Partial<MessagesPage> = {}): Promise<void> {
  const { after, resolve } = asked[at] ?? { after: 0, resolve: () => expect.unreachable() };
  resolve({ messages: range(after + 1, PAGE_SIZE), total: TOTAL, epoch: EPOCH, head: 10, ...change });
  await settle();
}

describe("positions", () => {
  test("count from 1 to as many as the branch has", () => {
    expect(history.length).toBe(TOTAL);
    expect(history.at(TOTAL)?.id).toBe(`m${TOTAL}`);
    expect(history.at(TOTAL - TAIL + 1)?.id).toBe(`m${TOTAL - TAIL + 1}`);
    for (const outside of [0, -1, TOTAL + 1, TOTAL - TAIL]) expect(history.at(outside)).toBeUndefined();
  });

  test("are known of messages that are loaded", async () => {
    history.want(101, 101);
    await answer(0);
    const positions = ["m130", `m${TOTAL}`, "m7"].map((id) => history.positionOf(id));
    expect(positions).toEqual([130, TOTAL, undefined]);
  });
});

describe("a range that is wanted", () => {
  test("is loaded in aligned pages of the active branch, each once", async () => {
    history.want(120, 160);
    history.want(130, 160);
    expect(pages()).toEqual([2, 3]);
    expect(asked[0]?.branch).toBe("main");
    await answer(0);
    await answer(1);
    expect([101, 120, 160, 200].map((position) => history.at(position)?.content)).toEqual([
      "text 101",
      "text 120",
      "text 160",
      "text 200",
    ]);
    expect(changes).toBe(3);
    history.want(101, 200);
    expect(asked).toHaveLength(2);
  });

  test("that the snapshot holds loads nothing, and none goes beyond the ends", () => {
    history.want(TOTAL - TAIL + 1, TOTAL + 100);
    expect(asked).toHaveLength(0);
    history.want(-50, 3);
    expect(pages()).toEqual([0]);
  });

  test("comes a few pages at a time, the latest wish first", async () => {
    history.want(1, 1_000);
    expect(pages()).toEqual([0, 1, 2]);
    history.want(40_001, 40_100);
    await answer(0);
    await answer(1);
    expect(pages()).toEqual([0, 1, 2, 800, 801]);
  });

  test("of a long scroll does not load what it only passed", async () => {
    for (let position = 1; position < TOTAL; position += 500) history.want(position, position + 40);
    for (let at = 0; at < 40 && at < asked.length; at += 1) await answer(at);
    expect(asked.length).toBeLessThan(30);
    expect(pages()).toContain(990);
  });

  test("is asked for again after a failure, with a word about it, and not after a refusal", async () => {
    history.want(1, 1);
    asked[0]?.reject(new Error("no network"));
    await settle();
    expect(history.error).toBe("no network");
    await vi.advanceTimersByTimeAsync(1_000);
    await answer(1);
    expect([history.error, history.at(1)?.id]).toEqual([null, "m1"]);
    history.want(101, 101);
    asked[2]?.reject(new CallError({ code: "session_not_found", message: "Gone", retryable: false, details: {} }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked.length, history.error]).toEqual([3, "Gone"]);
  });

  test("of another past is not taken", async () => {
    history.want(1, 1);
    await answer(0, { epoch: "epoch-2" });
    expect(history.at(1)).toBeUndefined();
  });

  test("as large as all that is kept stays when something else comes", async () => {
    history.want(1, PAGES_MAX * PAGE_SIZE);
    for (let page = 0; page < PAGES_MAX; page += 1) await answer(page);
    history.keep({ first: 40_001, messages: range(40_001, PAGE_SIZE) });
    expect([history.at(1)?.id, history.at(PAGES_MAX * PAGE_SIZE)?.id]).toEqual(["m1", "m2000"]);
  });

  test("evicts what was used least, never what is wanted now", async () => {
    for (let page = 0; page < PAGES_MAX + 5; page += 1) {
      history.want(page * PAGE_SIZE + 1, page * PAGE_SIZE + 1);
      await answer(page);
      history.want(1, 1);
    }
    expect(history.at(1)?.id).toBe("m1");
    expect(history.at(PAGE_SIZE + 1)).toBeUndefined();
    expect(history.positionOf(`m${PAGE_SIZE + 1}`)).toBeUndefined();
    expect(history.at((PAGES_MAX + 4) * PAGE_SIZE + 1)).toBeDefined();
    history.want(1, 10_000);
    expect(asked.length).toBeLessThanOrEqual(PAGES_MAX + 5 + LOADING_MAX);
  });
});

describe("events", () => {
  const update = (seq: number, content: string) =>
    anEvent(seq, "message.updated", { message: message(5, { content }) });

  test("reach messages of loaded pages", async () => {
    history.want(1, 1);
    await answer(0);
    history.apply(update(11, "new"));
    expect(history.at(5)?.content).toBe("new");
    history.apply(anEvent(12, "message.delta", { messageId: "m5", sequence: 1, delta: "er" }));
    expect(history.at(5)).toMatchObject({ content: "newer", sequence: 1 });
    const told = changes;
    history.apply(anEvent(13, "message.updated", { message: message(7_000) }));
    history.apply(anEvent(14, "session.renamed", { title: "x", version: 2 }));
    expect(changes).toBe(told);
  });

  test("that happened while a page was read are in it, whichever was first", async () => {
    history.want(1, 1);
    history.apply(update(11, "new"));
    await answer(0, { head: 10 });
    expect(history.at(5)?.content).toBe("new");
    history.want(51, 51);
    history.apply(anEvent(12, "message.updated", { message: message(60, { content: "before" }) }));
    const messages = range(51, PAGE_SIZE).with(9, message(60, { content: "after" }));
    await answer(1, { head: 13, messages });
    expect(history.at(60)?.content).toBe("after");
  });

  test("of another branch, past or snapshot empty the pages, and what is on its way is void", async () => {
    for (const [change, taken] of [
      [{ activeBranch: "other" }, "taken"],
      [{ epoch: "epoch-2" }, "taken"],
      [{}, "taken again"],
    ] as const) {
      history.show(snapshot(), "taken");
      asked = [];
      history.want(1, 60);
      await answer(0);
      expect(history.at(1)).toBeDefined();
      history.show(snapshot(change), taken);
      await answer(1);
      expect([history.at(1), history.at(60)]).toEqual([undefined, undefined]);
    }
    history.want(1, 1);
    expect(asked.at(-1)?.after).toBe(0);
  });
});

test("messages that leave the snapshot stay at their positions", () => {
  const shorter = snapshot({ session: aSession({ messageCount: TOTAL + 50 }), messages: range(TOTAL + 1, 50) });
  history.keep({ first: TOTAL - TAIL + 1, messages: range(TOTAL - TAIL + 1, TAIL) });
  history.show(shorter, "taken");
  expect(history.at(TOTAL - 3)?.id).toBe(`m${TOTAL - 3}`);
  history.want(TOTAL - 3, TOTAL);
  expect(asked).toHaveLength(0);
});

test("a body that a page leaves out is pulled", async () => {
  pullBodies.mockResolvedValue({ messages: [message(2, { content: "long" })] });
  history.want(1, 1);
  await answer(0, { messages: range(1, PAGE_SIZE).with(1, message(2, { content: "", truncated: true })) });
  await settle();
  expect(history.at(2)).toMatchObject({ content: "long" });
  expect(pullBodies.mock.calls).toEqual([[["m2"]]]);
});
