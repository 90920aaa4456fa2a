import { expect, test } from "vitest";
import { aSession } from "@parley/client/testing";
import type { Session, SessionsPage } from "@parley/client";
import { ALL, PAGE, SessionHistory } from "./sessionHistory";
import type { Criteria } from "./sessionHistory";

interface Asked {
  readonly criteria: Criteria;
  readonly cursor: string | null;
  readonly take: number;
  readonly answer: (sessions: readonly Session[], cursor?: string | null) => Promise<void>;
  readonly fail: () => Promise<void>;
}

function started(criteria: Criteria = ALL): { history: SessionHistory; asked: Asked[] } {
  const asked: Asked[] = [];
  const history = new SessionHistory((given, cursor, take) => {
    return new Promise<SessionsPage>((resolve, reject) => {
      const answer: Asked["answer"] = (sessions, next = null) => {
        resolve({ sessions, cursor: next, hasMore: next !== null, total: sessions.length });
        return settled();
      };
      const fail = () => {
        reject(new Error("no line"));
        return settled();
      };
      asked.push({ criteria: given, cursor, take, answer, fail });
    });
  });
  history.show(criteria);
  return { history, asked };
}

/** Every promise that can go on has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

/** Of the given minute; a later one comes first. */
function at(id: string, minute: number, change: Partial<Session> = {}): Session {
  const updatedAtUtc = `2026-11-20T09:${String(minute).padStart(2, "0")}:00.000Z`;
  return aSession({ id, title: id, updatedAtUtc, createdAtUtc: updatedAtUtc, ...change });
}

function ids(history: SessionHistory): readonly string[] {
  return history.view.sessions.map(({ id }) => id);
}

test("page follows page, and a session that moved between them is shown once", async () => {
  const { history, asked } = started();
  await asked[0]?.answer([at("a", 9), at("b", 8)], "next");
  history.more();
  history.more();
  expect(asked.map(({ cursor, take }) => [cursor, take])).toEqual([
    [null, PAGE],
    ["next", PAGE],
  ]);
  await asked[1]?.answer([at("b", 8), at("c", 7)]);
  expect(ids(history)).toEqual(["a", "b", "c"]);
  history.more();
  expect(asked).toHaveLength(2);
});

test("a change is sorted in where it belongs; one beyond what was read comes with its page", async () => {
  const { history, asked } = started();
  await asked[0]?.answer([at("a", 9), at("b", 5)], "next");
  history.upsert(at("new", 7));
  history.upsert(at("old", 1));
  expect(ids(history)).toEqual(["a", "new", "b"]);
  history.upsert(at("b", 10));
  expect(ids(history)).toEqual(["b", "a", "new"]);
  history.remove("a");
  expect(ids(history)).toEqual(["b", "new"]);
});

test("without further pages, whatever comes is shown", async () => {
  const { history, asked } = started();
  await asked[0]?.answer([at("a", 9)]);
  history.upsert(at("old", 1));
  expect(ids(history)).toEqual(["a", "old"]);
});

test.each<[string, Partial<Criteria>, Partial<Session>]>([
  ["runs", {}, { state: "RUNNING" }],
  ["was archived", {}, { archived: true }],
  ["was taken out of the archive", { archived: true }, { archived: false }],
  ["has another state than is asked for", { state: "FAILED" }, { state: "COMPLETED" }],
  ["belongs to another project", { projectId: "p" }, { projectId: "q" }],
  ["has another title", { q: "birch" }, { title: "Cedar" }],
])("a session leaves the list when it %s", async (_, criteria, change) => {
  const { history, asked } = started({ ...ALL, ...criteria });
  const session = at("a", 9, {
    projectId: "p",
    title: "Birch",
    archived: criteria.archived ?? false,
    state: criteria.state ?? "IDLE",
  });
  await asked[0]?.answer([session]);
  expect(ids(history)).toEqual(["a"]);
  history.upsert({ ...session, ...change });
  expect(ids(history)).toEqual([]);
});

test("what was told while a page was on its way is not undone by it", async () => {
  const { history, asked } = started();
  history.upsert(at("new", 10));
  history.remove("gone");
  await asked[0]?.answer([at("a", 9), at("gone", 8)]);
  expect(ids(history)).toEqual(["new", "a"]);
});

test("only the answer to the last question counts", async () => {
  const { history, asked } = started();
  history.show({ ...ALL, q: "b" });
  await asked[1]?.answer([at("b", 1)]);
  await asked[0]?.answer([at("a", 9)]);
  expect(ids(history)).toEqual(["b"]);
  expect(history.view.busy).toBe(false);
});

test("after a failure it says so, keeps what it has, and reads again when asked", async () => {
  const { history, asked } = started();
  await asked[0]?.answer([at("a", 9)], "next");
  history.more();
  await asked[1]?.fail();
  expect(history.view).toMatchObject({ error: "no line", busy: false });
  expect(ids(history)).toEqual(["a"]);
  history.reload();
  await asked[2]?.answer([at("a", 9), at("z", 3)]);
  expect(history.view.error).toBeNull();
  expect(ids(history)).toEqual(["a", "z"]);
});
