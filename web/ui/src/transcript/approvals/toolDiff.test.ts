import { describe, expect, test } from "vitest";
import { toolDiff } from "./toolDiff";

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
