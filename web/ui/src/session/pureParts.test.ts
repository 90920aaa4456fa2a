import { describe, expect, test } from "vitest";
import { aBranch, aMessage, aSession, anAnswered, anApproval } from "@parley/client/testing";
import { CallError } from "@parley/client";
import type { Approval, Branch, Message } from "@parley/client";
import { en } from "../i18n/texts";
import { answeredWords, refusalWords, riskWords } from "./approvalWords";
import { branchTree, freeName } from "./branchTree";
import { contextUse } from "./contextUse";
import { bytesText, durationText } from "./format";
import { canPreview, readyToMerge, requestOf } from "./mergeWish";
import type { MergeWish } from "./mergeWish";
import { messageLine } from "./messageLine";
import { outboxLines } from "./outboxLines";
import { initials } from "./Participants";
import { toolDiff } from "./toolDiff";
import { allMessages, asMarkdown, fileName } from "./transcriptExport";
import { inputOf, startTyped } from "./workflowInput";
import type { Workflow } from "./workflowInput";

const words = en.session;

describe("a diff from the arguments of a tool", () => {
  test("tells a changed line from those around it, whatever ends the passage", () => {
    const diff = toolDiff({ path: "a.txt", old: "one\ntwo", new: "one\n2\n" });
    expect(diff?.lines.map(({ kind, text }) => [kind, text])).toEqual([
      ["same", "one"],
      ["removed", "two"],
      ["added", "2"],
    ]);
    expect([diff?.kind, diff?.added, diff?.removed]).toEqual(["edit", 1, 1]);
  });

  test("of a file that is written is all of its lines", () => {
    expect(toolDiff({ path: "a.txt", content: "one\ntwo\n" })?.added).toBe(2);
  });

  test.each([
    [{ command: "ls" }],
    [{ path: "a.txt" }],
    [{ path: "a.txt", content: 5 }],
    [{ path: "big", content: "x".repeat(300_000) }],
  ])("there is none for %#", (given) => expect(toolDiff(given)).toBeNull());
});

describe("the tree of branches", () => {
  const branch = (name: string, parent: string | null, forkedAt = 0): Branch => aBranch({ name, parent, forkedAt });

  test("has each under its parent, the earliest fork first", () => {
    const rows = branchTree([branch("late", "main", 8), branch("main", null), branch("child", "early", 3), branch("early", "main", 2)]);
    expect(rows.map((row) => [row.branch.name, row.depth])).toEqual([
      ["main", 0],
      ["early", 1],
      ["child", 2],
      ["late", 1],
    ]);
  });

  test("shows a branch whose parent is not known as one of its own", () => {
    expect(branchTree([branch("lost", "gone")]).map((row) => row.depth)).toEqual([0]);
  });

  test("a new branch is suggested the next free number", () => {
    expect(freeName([branch("main", null), branch("main 2", "main")], "main")).toBe("main 3");
  });
});

describe("how full the window is", () => {
  const reply = (inputTokens: number): Message =>
    aMessage({ payload: { kind: "streaming_response", model: "m", usage: { inputTokens, outputTokens: 5, estimated: false } } });

  test("is told by the last reply that was counted", () => {
    const asked = aMessage({ kind: "text", payload: null });
    expect(contextUse([reply(10), reply(20), asked])).toMatchObject({ used: 25, model: "m" });
  });

  test("is not known before the first one", () => expect(contextUse([aMessage({ kind: "text" })])).toBeNull());
});

test.each([
  [0, "0 s"],
  [59_999, "59 s"],
  [65_000, "1 min 5 s"],
  [3_720_000, "1 h 2 min"],
  [-5, "0 s"],
])("%i ms last %s", (ms, text) => expect(durationText(ms, words.duration)).toBe(text));

test.each([
  [500, "1 kB"],
  [184_000, "184 kB"],
  [1_250_000, "1.3 MB"],
])("%i bytes are %s", (bytes, text) => expect(bytesText(bytes, "en")).toBe(text));

describe("a merge", () => {
  const wish: MergeWish = { source: "idea", strategy: "append", picked: [], summary: " s ", name: " n ", resolution: null };

  test("asks for what its strategy takes and nothing else", () => {
    expect(requestOf(wish)).toEqual({ source: "idea", strategy: "append" });
    const picked = [aMessage({ id: "a" }), aMessage({ id: "b" })];
    expect(requestOf({ ...wish, strategy: "cherry-pick", picked })).toMatchObject({ messageIds: ["a", "b"] });
    expect(requestOf({ ...wish, strategy: "summary" })).toMatchObject({ summary: "s" });
    expect(requestOf({ ...wish, strategy: "rebase", resolution: "target" })).toMatchObject({ name: "n", resolution: "target" });
    expect(requestOf({ ...wish, strategy: "rebase", name: " " })).not.toHaveProperty("name");
  });

  test("waits for what is missing: picks, a summary, the answer to a conflict", () => {
    expect(canPreview({ ...wish, strategy: "cherry-pick" })).toBe(false);
    expect(readyToMerge({ ...wish, strategy: "summary", summary: " " }, [])).toBe(false);
    expect(readyToMerge(wish, ["plan"])).toBe(false);
    expect(readyToMerge({ ...wish, resolution: "source" }, ["plan"])).toBe(true);
  });
});

describe("the exported transcript", () => {
  test("is read page by page from the end, and stands in order", async () => {
    const ids = ["a", "b", "c", "d", "e"];
    const pageBefore = (position: number) => {
      const messages = ids.slice(Math.max(0, position - 3), position - 1).map((id) => aMessage({ id }));
      return Promise.resolve({ messages, total: 5, epoch: "e", head: 9, firstPosition: Math.max(1, position - 2) });
    };
    expect((await allMessages(pageBefore, 5)).map(({ id }) => id)).toEqual(ids);
  });

  test("keeps texts as they are and fences what tools said, beyond any fence in it", () => {
    const said = aMessage({ role: "user", kind: "text", content: "**Hi**" });
    const payload = { kind: "tool_result", callId: "c", name: "cat", status: "ok", output: "```\nx\n```" };
    const result = aMessage({ kind: "tool_result", payload } as unknown as Partial<Message>);
    const text = asMarkdown(aSession({ title: "T" }), [said, result], words.exported);
    expect(text).toContain("# T\n\n## You · ");
    expect(text).toContain("\n\n**Hi**\n");
    expect(text).toContain("`cat` (ok)\n\n````\n```\nx\n```\n````");
  });

  test.each([
    ["a/b: c?", "a-b-c.md"],
    ["重连 测试", "重连-测试.md"],
    ["", "0197-session.md"],
  ])("of “%s” is the file %s", (title, name) => expect(fileName(aSession({ title }))).toBe(name));
});

describe("what a workflow is given", () => {
  const workflow: Workflow = {
    name: "w",
    description: "",
    steps: [],
    inputs: [
      { name: "topic", required: true, description: "" },
      { name: "times", required: false, default: 3, description: "" },
      { name: "note", required: false, default: "7", description: "" },
    ],
  };

  test("begins with the defaults", () => expect(startTyped(workflow)).toEqual({ times: "3", note: "7" }));

  test("has values of the kinds of the defaults", () => {
    expect(inputOf(workflow, { topic: "1", times: "4", note: "8" })).toEqual({ topic: "1", times: 4, note: "8" });
  });

  test("is nothing while something is missing or no value", () => {
    expect(inputOf(workflow, { topic: " " })).toBeNull();
    expect(inputOf(workflow, { topic: "a", times: "three" })).toBeNull();
  });
});

test.each<[Partial<Approval>, string]>([
  [{ decidedBy: "me" }, "Approved by you"],
  [{ decision: "edit", scope: "session" }, "Approved with changes for this session by ann"],
  [{ state: "denied", decision: "deny", answer: "no" }, "Denied by ann: no"],
  [{ state: "responded", kind: "question", answer: "birch" }, "Answered by ann: birch"],
  [{ state: "denied", kind: "question" }, "Declined by ann"],
  [{ state: "cancelled" }, "write_file was withdrawn before anyone answered"],
  [{ state: "expired" }, "Nobody answered in time"],
])("what became of an approval, %o, reads “%s”", (change, expected) => {
  expect(answeredWords(anAnswered(change), "me", words.approvals)).toBe(expected);
});

test.each([
  [{ decidedBy: "me", decision: "deny" }, "you denied this in another window"],
  [{ decidedBy: "ann", decision: "edit" }, "ann approved this."],
  [{ decision: "respond" }, "somebody answered this."],
])("an answer that came second, %o, is told so", (details, expected) => {
  const error = new CallError({ code: "approval_resolved", message: "", retryable: false, details });
  expect(refusalWords(error, "me", words.approvals)).toContain(expected);
});

test("a risk that is not known counts as a change", () => {
  expect(riskWords("new_kind", words.approvals)).toBe("It may change something.");
  expect(riskWords(anApproval().risk ?? null, words.approvals)).toContain("can’t be undone");
});

test.each([
  ["Ann Lee", "AL"],
  ["ann", "A"],
  ["李 雷", "李雷"],
  ["  ", "?"],
])("the initials of “%s” are %s", (name, expected) => expect(initials(name)).toBe(expected));

test("a message in one line has no breaks and is cut", () => {
  expect(messageLine(aMessage({ kind: "text", content: "a\n b\t\tc" }))).toBe("a b c");
  expect(messageLine(aMessage({ kind: "text", content: "x".repeat(500) }))).toHaveLength(121);
  expect(messageLine(aMessage({ kind: "project_structure", content: "" }))).toBe("project structure");
});

test("what is on its way is named by its words, or by what it is", () => {
  const entry = { sessionId: "s", clientMessageId: "c", onBusy: "enqueue", metadata: undefined, error: null } as const;
  const lines = outboxLines(
    [
      { ...entry, content: "a\nb", payload: undefined, state: "sending" },
      { ...entry, content: undefined, payload: { kind: "image" }, state: "queued_offline" },
    ] as unknown as Parameters<typeof outboxLines>[0],
    words.queue,
  );
  expect(lines.map(({ text, state }) => [text, state])).toEqual([
    ["a b", "sending"],
    ["Image", "queued_offline"],
  ]);
});
