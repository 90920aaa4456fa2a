import { expect, test } from "vitest";
import { aMessage } from "@parley/client/testing";
import { messageLine } from "./messageLine";

test("a message in one line has no breaks and is cut", () => {
  expect(messageLine(aMessage({ kind: "text", content: "a\n b\t\tc" }))).toBe("a b c");
  expect(messageLine(aMessage({ kind: "text", content: "x".repeat(500) }))).toHaveLength(121);
  expect(messageLine(aMessage({ kind: "project_structure", content: "" }))).toBe("project structure");
});
