import { describe, expect, test } from "vitest";
import { aBranch } from "@parley/client/testing";
import type { Branch } from "@parley/client";
import { branchTree, freeName } from "./branchTree";

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
