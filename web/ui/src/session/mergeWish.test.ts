import { describe, expect, test } from "vitest";
import { aMessage } from "@parley/client/testing";
import { canPreview, readyToMerge, requestOf } from "./mergeWish";
import type { MergeWish } from "./mergeWish";

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
