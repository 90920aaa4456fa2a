import { describe, expect, test } from "vitest";
import { aMessage, aSession } from "@parley/client/testing";
import type { Message } from "@parley/client";
import { en } from "../i18n/texts";
import { allMessages, asMarkdown, fileName } from "./transcriptExport";

const words = en.session;

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
